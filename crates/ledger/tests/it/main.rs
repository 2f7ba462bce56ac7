//! The ledger's integration tests, one binary.

#[path = "../../sim/mod.rs"]
mod sim;

mod contention;
mod simulation;
