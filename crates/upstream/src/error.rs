//! What can go wrong between the gateway and a seller's HTTP server, and whose fault it is.

use std::fmt;

use farebox_base::{Error, Kind};
use farebox_net::{BoxError, NetError, NetErrorKind};

/// The closed list of failures of one exchange. Texts inside are for the log only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamError {
    /// The address rules forbid the seller's server.
    Blocked(String),
    /// The name of the seller's server has no address.
    Dns(String),
    Connect(String),
    ConnectTimeout,
    Tls(String),
    /// The request was sent, and no answer began in time.
    FirstByteTimeout,
    /// The seller's server neither took nor sent a byte for too long.
    IdleTimeout,
    TotalTimeout,
    /// The seller's server broke the rules of HTTP.
    Protocol(String),
    /// The seller's server closed the connection in the middle of the exchange.
    Closed(String),
    /// The listing itself cannot be called as it is registered.
    BadTarget(String),
    /// The path leaves the listing, or is none. Holds the rule it breaks.
    BadPath(&'static str),
    /// CONNECT and TRACE are not forwarded.
    MethodRefused,
    RequestTooLarge {
        limit_bytes: u64,
    },
    ResponseTooLarge {
        limit_bytes: u64,
    },
    /// The buyer went away, or the buyer's body failed.
    ClientGone,
    /// The buyer neither sent nor took a byte for too long.
    ClientTimeout,
}

impl UpstreamError {
    /// True where the call must be paid for. A failed exchange never is.
    pub fn charged(&self) -> bool {
        false
    }

    /// True where the seller's server is to blame, so that its failures can be counted.
    pub fn is_providers_fault(&self) -> bool {
        match self {
            Self::Blocked(_)
            | Self::Dns(_)
            | Self::Connect(_)
            | Self::ConnectTimeout
            | Self::Tls(_)
            | Self::FirstByteTimeout
            | Self::IdleTimeout
            | Self::TotalTimeout
            | Self::Protocol(_)
            | Self::Closed(_)
            | Self::BadTarget(_)
            | Self::ResponseTooLarge { .. } => true,
            Self::BadPath(_)
            | Self::MethodRefused
            | Self::RequestTooLarge { .. }
            | Self::ClientGone
            | Self::ClientTimeout => false,
        }
    }

    /// The same failure for the caller: what it means and whether the call was charged.
    pub fn to_error(&self) -> Error {
        let failed = |reason: &str| {
            let message = format!("Provider unreachable: {reason}. This call was not charged");
            Error::new(Kind::UpstreamFailed, "provider_unreachable", message).with_internal(self.to_string())
        };
        let late = |reason: &str| {
            let message = format!("Provider timeout: {reason}. This call was not charged");
            Error::new(Kind::UpstreamTimeout, "provider_timeout", message).with_internal(self.to_string())
        };
        match self {
            Self::Blocked(_) => failed("its address may not be called from here"),
            Self::Dns(_) => failed("the name of its server has no address"),
            Self::Connect(_) => failed("its server accepts no connection"),
            Self::Tls(_) => failed("no secure connection to its server can be made"),
            Self::Protocol(_) => failed("its server's answer is not valid HTTP"),
            Self::Closed(_) => failed("its server closed the connection before the answer was complete"),
            Self::BadTarget(_) => failed("its registered address cannot be called"),
            Self::ResponseTooLarge { limit_bytes } => {
                failed(&format!("its answer is over the limit of {limit_bytes} bytes"))
            }
            Self::ConnectTimeout => late("its server could not be connected to in time"),
            Self::FirstByteTimeout => late("its server did not begin to answer in time"),
            Self::IdleTimeout => late("its server stopped in the middle of the exchange"),
            Self::TotalTimeout => late("the exchange took longer than a call may take"),
            Self::BadPath(rule) => Error::invalid("path", rule),
            Self::MethodRefused => {
                Error::new(Kind::MethodNotAllowed, "method_refused", "This method is not forwarded to providers")
            }
            Self::RequestTooLarge { limit_bytes } => {
                let message = format!("The request body is over the limit of {limit_bytes} bytes");
                Error::new(Kind::TooLarge, "request_too_large", message)
            }
            Self::ClientGone => {
                Error::new(Kind::Invalid, "incomplete_request", "The request body ended before it was complete")
            }
            Self::ClientTimeout => {
                Error::new(Kind::Invalid, "stalled_request", "The caller neither sent nor read anything for too long")
            }
        }
    }

    /// The failure inside the error of a body that `http::forward` returned or was given; `None` where the
    /// error came from elsewhere.
    pub fn in_body_error(error: &BoxError) -> Option<&Self> {
        error.downcast_ref::<Self>()
    }
}

impl From<NetError> for UpstreamError {
    fn from(error: NetError) -> Self {
        match error.kind {
            NetErrorKind::Blocked => Self::Blocked(error.detail),
            NetErrorKind::Dns => Self::Dns(error.detail),
            NetErrorKind::Connect => Self::Connect(error.detail),
            NetErrorKind::ConnectTimeout => Self::ConnectTimeout,
            NetErrorKind::Tls => Self::Tls(error.detail),
            NetErrorKind::Protocol | NetErrorKind::ResponseTooLarge => Self::Protocol(error.detail),
            NetErrorKind::RequestBody => Self::ClientGone,
            NetErrorKind::Closed => Self::Closed(error.detail),
            NetErrorKind::Timeout => Self::TotalTimeout,
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for UpstreamError {}
