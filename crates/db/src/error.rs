//! What can go wrong in storage, and how each engine's errors and the domain's error map to it.
//!
//! Texts may name statements, tables and constraints; they are for the log and reach no caller.

use farebox_base::{Error, Kind};
use tokio_postgres::error::Severity;

/// Code of an error whose transaction lost a race and may be rerun; `tx!` does so.
pub const LOST_RACE: &str = "lost_race";
/// Code of an error after COMMIT was sent: the transaction may have happened. Retry with the same id.
pub const COMMIT_UNKNOWN: &str = "commit_unknown";
/// Code of a broken constraint: the id exists, the reference does not, a check failed.
pub const DB_CONFLICT: &str = "db_conflict";
/// Code of an error that found no room to write; nothing was kept, and nothing will be until there is room.
pub const DB_FULL: &str = "database_full";

/// When to come back where there was no room, in seconds: somebody has to make some first.
const FULL_RETRY_AFTER_S: u64 = 5;

/// Why a server may know another set of prepared statements than this program does.
const POOLER_HINT: &str = "behind a pooler that shares its connections, set database.prepared_statements = false in every \
     process, and let the pooler open its connections anew (RECONNECT)";

/// An error of the storage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// A constraint stands against the statement; the text names it.
    #[error("constraint: {0}")]
    Conflict(String),
    /// Another transaction came first; run the whole transaction again.
    #[error("the transaction lost a race")]
    Serialization,
    /// A fault hook said so.
    #[error("injected: {0}")]
    Injected(&'static str),
    /// COMMIT was sent and its answer is lost.
    #[error("commit unknown: {0}")]
    CommitUnknown(String),
    /// The database cannot be reached or is in use by somebody else; the text says which database and why.
    #[error("{0}")]
    Unavailable(String),
    /// No space left to write.
    #[error("database full: {0}")]
    Full(String),
    /// A mistake of ours, or a broken database.
    #[error("{0}")]
    Other(String),
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let detail = error.to_string();
        match error {
            DbError::Conflict(_) => Error::conflict(DB_CONFLICT, "Conflicts with what is already there"),
            DbError::Serialization => {
                Error::new(Kind::Unavailable, LOST_RACE, "Too many requests change the same thing; try again")
            }
            DbError::CommitUnknown(_) => Error::new(
                Kind::Unavailable,
                COMMIT_UNKNOWN,
                "The outcome is not known; try again with the same idempotency key",
            ),
            DbError::Unavailable(_) => Error::unavailable("The database cannot be reached; try again"),
            DbError::Full(_) => Error::unavailable(
                "Calls and changes can't be recorded now, so none is made: no space; try again later",
            )
            .with_code(DB_FULL)
            .with_retry_after(FULL_RETRY_AFTER_S),
            DbError::Injected(_) | DbError::Other(_) => return Error::internal(detail),
        }
        .with_internal(detail)
    }
}

impl DbError {
    /// Adds the beginning of the statement to an error that is hard to place without it.
    pub(crate) fn of_statement(self, sql: &str) -> Self {
        match self {
            DbError::Other(text) => {
                let start: String = sql.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect();
                DbError::Other(format!("{text} (in `{start}`)"))
            }
            placed => placed,
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let text = error.to_string();
        let Some(code) = error.sqlite_error() else { return DbError::Other(text) };
        match code.code {
            // PostgreSQL reports a value of the wrong type or range as bad data, not as a constraint.
            _ if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_DATATYPE => DbError::Other(text),
            ErrorCode::ConstraintViolation => DbError::Conflict(text),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Serialization,
            ErrorCode::DiskFull => DbError::Full(text),
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => DbError::Unavailable(text),
            _ => DbError::Other(text),
        }
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            let code = answer.code().code();
            // The answer's detail may quote values of the row, so it stays out.
            let mut text = format!("{} ({code})", answer.message());
            if let Some(constraint) = answer.constraint() {
                text = format!("{text}, constraint {constraint}");
            }
            // A pooler that cannot go on ends the connection with it; from a server it is a mistake of ours.
            let protocol = code == "08P01" && answer.parsed_severity() == Some(Severity::Error);
            return match code {
                _ if protocol => DbError::Other(text),
                "40001" | "40P01" => DbError::Serialization,
                // Two that make the same table at once: the loser finds its type, its name or its row.
                "42710" | "42P07" => DbError::Conflict(text),
                "53100" => DbError::Full(text),
                // Too many connections; a server that only reads; a session that was ended for idling.
                "53300" | "25006" | "25P03" => DbError::Unavailable(text),
                "26000" | "42P05" => DbError::Other(format!("{text}; {POOLER_HINT}")),
                _ if code.starts_with("23") => DbError::Conflict(text),
                _ if code.starts_with("08") || code.starts_with("57P0") => DbError::Unavailable(text),
                _ => DbError::Other(text),
            };
        }
        let (text, mut broken) = (with_causes(&error), error.is_closed());
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            broken |= cause.is::<std::io::Error>();
            source = cause.source();
        }
        if broken { DbError::Unavailable(format!("PostgreSQL: {text}")) } else { DbError::Other(text) }
    }
}

/// An error of the driver and what caused it, in one line.
pub(crate) fn with_causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_storage_error_becomes_a_domain_error_without_telling_its_text() {
        let text = || "text with SQL".to_owned();
        let cases = [
            (DbError::Conflict(text()), Kind::Conflict, DB_CONFLICT),
            (DbError::Serialization, Kind::Unavailable, LOST_RACE),
            (DbError::Injected("text with SQL"), Kind::Internal, "internal"),
            (DbError::CommitUnknown(text()), Kind::Unavailable, COMMIT_UNKNOWN),
            (DbError::Unavailable(text()), Kind::Unavailable, "unavailable"),
            (DbError::Full(text()), Kind::Unavailable, DB_FULL),
            (DbError::Other(text()), Kind::Internal, "internal"),
        ];
        for (storage, kind, code) in cases {
            let error = Error::from(storage);
            assert_eq!((error.kind, error.code), (kind, code));
            assert!(!error.message.contains("SQL"));
            assert!(error.internal.is_some());
        }
    }
}
