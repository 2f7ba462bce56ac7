//! What can go wrong with a node, sorted by whether the request may have had an effect.

use alloy_primitives::Bytes;
use farebox_net::{NetError, NetErrorKind};

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// It did not reach a node; safe to send elsewhere.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have arrived: timeout, connection cut, an answer that can't be read.
    #[error("may have arrived: {0}")]
    Unknown(String),
    /// A node read it and said no. `data` is what a reverted call returned.
    #[error("refused ({code}): {message}")]
    Refused { code: i64, message: String, data: Option<Bytes> },
}

impl RpcError {
    /// Sorts a failure of the transport. The details of `net` name addresses at most, never a URL's path.
    pub(super) fn of_net(host: &str, error: &NetError) -> Self {
        let text = format!("{host}: {:?}", error.kind);
        match error.kind {
            NetErrorKind::Blocked
            | NetErrorKind::Dns
            | NetErrorKind::Connect
            | NetErrorKind::ConnectTimeout
            | NetErrorKind::Tls => Self::NotSent(text),
            NetErrorKind::Protocol
            | NetErrorKind::RequestBody
            | NetErrorKind::Closed
            | NetErrorKind::Timeout
            | NetErrorKind::ResponseTooLarge => Self::Unknown(text),
        }
    }
}
