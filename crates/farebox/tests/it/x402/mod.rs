//! Payments on a chain: a real anvil with a real token, a whole server, and clients that have nothing but a wallet.

mod bent;
mod calls;
mod clients;
mod deposits;
mod extensions;
mod facilitator;
mod faults;
mod killed;
mod metered;
mod permit2;
mod policy;
mod proxy;
mod refusals;
mod scripts;
mod sql_deposits;
mod stage;
