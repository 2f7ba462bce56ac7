//! x402 payments: wire types of both versions, schemes, the facilitator, access to chains.

pub mod chain;
