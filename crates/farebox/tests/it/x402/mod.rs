//! Payments on a chain: a real anvil with a real token, a whole server, and clients that have nothing but a wallet.

mod bent;
mod calls;
mod clients;
mod deposits;
mod extensions;
mod facilitator;
mod facilitator_channels;
mod faults;
mod killed;
mod proxy;
mod refusals;
mod scripts;
mod sql_deposits;
mod stage;
