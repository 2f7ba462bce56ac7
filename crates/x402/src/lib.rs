//! x402 payments: wire types of both versions, schemes, the facilitator, access to chains.
//!
//! Knows neither listings nor doors nor SQL drivers. The modules below are pure: they read bytes, compute and answer;
//! time, randomness and chains are passed in or live elsewhere.

pub mod amount;
pub mod client;
pub mod evm;
pub mod extension;
mod matching;
pub mod network;
pub mod offer;
pub mod payment;
mod reason;
pub mod verify;
pub mod wire;

pub use matching::{check_echo, match_offer};
pub use reason::{Reason, Refusal};
