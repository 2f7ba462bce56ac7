//! The integration tests of the whole server, one binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod bad_input;
mod calls;
mod command;
mod doors;
mod idempotency;
mod kill;
mod memory;
mod process;
mod streaming;
mod upgrade;
mod wallets;
