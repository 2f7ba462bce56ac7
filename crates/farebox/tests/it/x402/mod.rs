//! Payments on a chain: a real anvil with a real token, a whole server, and clients that have nothing but a wallet.

mod bent;
mod calls;
mod channel_looks;
mod channel_refunds;
mod channels;
mod clients;
mod comebacks;
mod deposits;
mod extensions;
mod facilitator;
mod facilitator_channels;
mod facilitator_doubts;
mod faults;
mod killed;
mod metered;
mod operation;
mod permit2;
mod policy;
mod refusals;
mod scripts;
mod sql_credits;
mod sql_deposits;
mod sql_queries;
mod sql_stage;
mod stage;
