//! What tests share: databases on both engines, a store that fails by seed, the command line of the simulators, anvil and a
//! proxy before it and, with the feature `app`, the whole server with an upstream.

#![expect(clippy::unwrap_used, reason = "a test that can't set its stage fails by panicking")]

pub mod anvil;
#[cfg(feature = "app")]
pub mod app;
pub mod engines;
pub mod faults;
pub mod proxy;
pub mod simulator;
