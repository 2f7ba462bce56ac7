//! Access to a chain against a real node, on both databases. Without anvil each test prints one SKIPPED line.

mod faults;
mod load;
mod proxy;
mod sends;
mod stage;
