//! Access to EVM chains: JSON-RPC, encodings of the contracts we call, signed transactions and the engine that sends
//! them from a gas wallet.
//!
//! Owns the tables `gas_wallet`, `chain_transaction` and `chain_replaced`. Knows no payment scheme, listing or door: it
//! is told which bytes to send to which contract, and for which purpose.
//!
//! Invariants:
//! - a signed transaction and its nonce are committed before the first broadcast;
//! - one purpose has one row, and of all its signed forms at most one can be mined, because while one of them may be,
//!   they all have the same nonce;
//! - an answer that was lost is never taken for a failure: the chain is asked until it tells;
//! - amounts are whole numbers in the chain's smallest unit.

pub mod abi;
pub mod dev;
mod fees;
pub mod rpc;
mod sender;
mod settings;
mod transaction;

pub use fees::{FeeError, Fees, GasFees};
pub use rpc::{Log, Receipt, Rpc, RpcError};
pub use sender::{
    GasState, Reorganised, Send, SendError, SendOutcome, Sender, SenderParts, SpanCounts, begun, transactions_forget_in,
};
pub use settings::ChainSettings;
pub use transaction::{SignedTransaction, Transaction};
