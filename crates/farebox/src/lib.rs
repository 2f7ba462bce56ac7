//! The program: configuration, wiring, the listening socket, background work and the subcommands.
//!
//! Everything that a request does lives in the crates below; this one decides what they are made of.

pub mod app;
mod audit_metrics;
pub mod cli;
pub mod config;
mod cors;
pub mod demo;
mod logging;
pub mod pay;
mod payment_metrics;
mod payments;
mod secret_key;
pub mod serve;
mod wiring;
pub mod x402_wiring;

pub use app::App;
