//! x402 payments: wire types of both versions, schemes, the facilitator, access to chains.
//!
//! Knows neither listings nor doors. Everything but `arrivals`, `chain` and `facilitator` is pure: it reads bytes,
//! computes and answers; time, randomness and chains are passed in.

pub mod amount;
pub mod arrivals;
pub mod chain;
pub mod client;
pub mod evm;
pub mod extension;
pub mod facilitator;
mod matching;
pub mod network;
pub mod offer;
pub mod payment;
mod reason;
pub mod verify;
pub mod wire;

pub use matching::{check_echo, match_offer};
pub use reason::{Reason, Refusal};
