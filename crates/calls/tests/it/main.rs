//! The calls' integration tests, one binary. Most of what calls do is tested with the server around them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../sim/mod.rs"]
mod sim;

mod simulation;
