//! What tests share: databases on both engines and, with the feature `app`, the whole server with an upstream.

#[cfg(feature = "app")]
pub mod app;
pub mod engines;
