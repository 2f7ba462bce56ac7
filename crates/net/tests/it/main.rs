//! The client against real servers on loopback, and the address rules as tables.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod connections;
mod exchanges;
mod rules;
mod servers;
mod tls;
