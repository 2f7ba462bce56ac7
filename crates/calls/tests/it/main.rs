//! The calls' integration tests, one binary. Most of what calls do is tested with the server around them.

#![cfg(test)]

#[path = "../../sim/mod.rs"]
mod sim;

mod payments;
mod simulation;
mod stage;
