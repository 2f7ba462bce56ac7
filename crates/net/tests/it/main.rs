//! The client against real servers on loopback, and the address rules as tables.

mod connections;
mod exchanges;
mod rules;
mod servers;
mod tls;
