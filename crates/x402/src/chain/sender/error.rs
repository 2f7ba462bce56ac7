//! What can go wrong with a send, and what its callers' callers may read of it.

use crate::chain::fees::FeeError;
use crate::chain::rpc::RpcError;
use alloy_primitives::{B256, U256};
use farebox_base::{Error, Kind};

/// Why nothing was begun, or why the outcome can't be told now. The texts are for the log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    #[error("the request is for {0}, which this sender does not serve")]
    WrongNetwork(String),
    #[error("an endpoint serves chain {found} and not {expected}")]
    WrongChain { expected: u64, found: u64 },
    #[error("more gas or data than a transaction may have")]
    TooLarge,
    #[error("a transaction with this data takes more than {needed} gas")]
    TooLittleGas { needed: u64 },
    #[error("the gas wallet has {balance_wei} wei, too little to send anything")]
    GasLow { balance_wei: U256 },
    #[error("nothing was sent for this purpose")]
    NotFound,
    #[error("the node has no receipt of {0}, which it had before")]
    ReceiptGone(B256),
    #[error("the sender has stopped")]
    Stopped,
    #[error(transparent)]
    Fees(#[from] FeeError),
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The journal's; after it, ask again with the same purpose.
    #[error("{}", .0.internal.as_deref().unwrap_or(&.0.message))]
    Storage(Error),
}

impl From<Error> for SendError {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        let detail = error.to_string();
        match error {
            SendError::Storage(error) => return error,
            SendError::NotFound => Error::not_found("Transaction"),
            SendError::TooLarge | SendError::TooLittleGas { .. } | SendError::WrongNetwork(_) => {
                return Error::internal(detail);
            }
            SendError::GasLow { .. } => {
                unavailable("gas_wallet_low", "No gas to settle payments with; try again later")
            }
            SendError::Fees(FeeError::TooHigh { .. }) => {
                unavailable("gas_too_dear", "Gas costs more than we pay for it; try again later")
            }
            SendError::WrongChain { .. }
            | SendError::ReceiptGone(_)
            | SendError::Stopped
            | SendError::Fees(FeeError::Rpc(_))
            | SendError::Rpc(_) => unavailable("chain_unavailable", "The chain can't be reached; try again"),
        }
        .with_internal(detail)
    }
}

fn unavailable(code: &'static str, message: &str) -> Error {
    Error::new(Kind::Unavailable, code, message)
}

impl From<farebox_db::DbError> for SendError {
    fn from(error: farebox_db::DbError) -> Self {
        Self::Storage(error.into())
    }
}
