//! What can go wrong with a query, and how the caller hears of it.

use std::fmt;

use farebox_base::{Error, Kind};
use farebox_net::{NetError, NetErrorKind};

use super::guard::SqlRefusal;

/// The closed list of failures of a query. None is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlError {
    /// The statement does not run here, by this gateway's rules or the database's.
    Refused(SqlRefusal),
    /// The database found a mistake in the statement or its values. The text is for the caller.
    Malformed(String),
    Timeout,
    /// A row, or the change, is over a limit. The text is for the caller.
    TooLarge(String),
    /// The database cannot be connected to, or lets nobody in. The text is for the log.
    Unreachable(String),
    /// The address rules forbid the database's server.
    Blocked(String),
    /// The registered connection string is of no use. The text is for the log and holds no password.
    BadTarget(String),
    /// The database failed. The text is for the log.
    Failed(String),
}

impl SqlError {
    /// True where the query must be paid for. A failed one never is.
    pub fn charged(&self) -> bool {
        false
    }

    /// True where the seller's database is to blame, so that its failures can be counted.
    pub fn is_providers_fault(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Malformed(_) | Self::TooLarge(_) => false,
            Self::Timeout | Self::Unreachable(_) | Self::Blocked(_) | Self::BadTarget(_) | Self::Failed(_) => true,
        }
    }

    /// The same failure for the caller.
    pub fn to_error(&self) -> Error {
        let failed = |reason: &str| {
            let message = format!("Provider unreachable: {reason}. This query was not charged");
            Error::new(Kind::UpstreamFailed, "provider_unreachable", message).with_internal(self.to_string())
        };
        let malformed =
            |reason: &str| Error { field: Some("sql".to_owned()), ..Error::new(Kind::Invalid, "invalid_sql", reason) };
        match self {
            Self::Refused(SqlRefusal::Forbidden(reason)) => Error::forbidden(reason).with_code("sql_forbidden"),
            Self::Refused(SqlRefusal::Malformed(reason)) | Self::Malformed(reason) | Self::TooLarge(reason) => {
                malformed(reason)
            }
            Self::Timeout => {
                let message =
                    "Provider timeout: the query took longer than a query may take. This query was not charged";
                Error::new(Kind::UpstreamTimeout, "provider_timeout", message)
            }
            Self::Unreachable(_) => failed("its database accepts no connection"),
            Self::Blocked(_) => failed("its database's address may not be called from here"),
            Self::BadTarget(_) => failed("its registered connection cannot be used"),
            Self::Failed(_) => failed("its database failed"),
        }
    }
}

impl From<SqlRefusal> for SqlError {
    fn from(refusal: SqlRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<NetError> for SqlError {
    fn from(error: NetError) -> Self {
        match error.kind {
            NetErrorKind::Blocked => Self::Blocked(error.detail),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for SqlError {}
