//! Access to a chain against a real node, on both databases. Without anvil each test prints one SKIPPED line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test says where it runs, and how long a load took")]

mod endpoints;
mod faults;
mod load;
mod proxy;
mod sends;
mod stage;
