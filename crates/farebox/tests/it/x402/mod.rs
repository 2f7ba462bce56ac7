//! Payments on a chain: a real anvil with a real token, a whole server, and clients that have nothing but a wallet.

mod calls;
mod deposits;
mod extensions;
mod facilitator;
mod scripts;
mod stage;
