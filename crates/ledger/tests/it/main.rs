//! The ledger's integration tests, one binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../sim/mod.rs"]
mod sim;

mod contention;
mod simulation;
