//! OAuth on both engines, against a provider that does as the test says.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod connections;
mod flow;
mod moves;
mod provider;
mod providers;
mod renewal;
mod stage;
mod strange;
