//! What tests share: databases on both engines, a store that fails by seed, the command line of the
//! simulators and, with the feature `app`, the whole server
//! with an upstream.

#![cfg_attr(
    feature = "app",
    expect(clippy::unwrap_used, reason = "a test that can't set its stage fails by panicking")
)]

#[cfg(feature = "app")]
pub mod app;
pub mod engines;
pub mod faults;
pub mod simulator;
