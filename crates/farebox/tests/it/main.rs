//! The integration tests of the whole server, one binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a drill tells what it does and saw")]

mod access;
mod audit;
mod auth;
mod backup;
mod bad_input;
mod calls;
mod chain_demo;
mod command;
mod custom_skills;
mod damaged;
mod doors;
mod drill_backup;
mod drill_disk_full;
mod drill_kill;
mod failover;
mod idempotency;
mod kill;
mod load;
mod logos;
mod memory;
mod metered;
mod mistakes;
mod npm;
mod oauth;
mod pay;
mod pay_in_doubt;
mod permissions;
mod places;
mod plain_errors;
mod process;
mod reasons;
mod several;
mod streaming;
mod upgrade;
mod wallets;
mod x402;
