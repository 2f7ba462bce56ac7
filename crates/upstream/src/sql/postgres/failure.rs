//! What PostgreSQL's errors mean for the caller, by SQLSTATE.

use tokio_postgres::Error;

use crate::sql::error::SqlError;
use crate::sql::guard::SqlRefusal;

/// Longer messages are cut before a caller sees them.
const MAX_MESSAGE_CHARS: usize = 300;

/// An error while a session was being opened.
pub(super) fn connecting(error: &Error) -> SqlError {
    SqlError::Unreachable(with_causes(error))
}

/// True where the server had ended the session before it was asked for anything.
pub(super) fn is_gone(error: &Error) -> bool {
    error.as_db_error().is_none_or(|db| db.code().code().starts_with("57P"))
}

/// An error of a statement.
///
/// Only messages about the statement as it was written reach the caller (class 42). Those of a statement that was
/// running may quote rows, which the caller has not paid for, so a fixed text stands for them.
pub(super) fn running(error: &Error) -> SqlError {
    let Some(db) = error.as_db_error() else {
        return SqlError::Failed(with_causes(error));
    };
    let code = db.code().code();
    let message: String = db.message().chars().filter(|c| !c.is_control()).take(MAX_MESSAGE_CHARS).collect();
    match code {
        "57014" | "55P03" | "25P03" | "25P04" => SqlError::Timeout,
        "42501" => SqlRefusal::Forbidden(message).into(),
        "25006" => SqlRefusal::Forbidden("Only reading is allowed here".to_owned()).into(),
        _ => match code.get(..2) {
            Some("42" | "0A") => SqlError::Malformed(message),
            Some("22" | "23" | "21" | "54") => SqlError::Malformed(running_text(code)),
            Some("53" | "57" | "08") => SqlError::Unreachable(format!("{code} {message}")),
            _ => SqlError::Failed(format!("{code} {message}")),
        },
    }
}

/// What is said of a statement that failed on its rows.
fn running_text(code: &str) -> String {
    let what = match code {
        "22012" => "it divides by zero",
        "22003" => "a number is out of the range of its type",
        "22P02" | "22007" | "22018" => "a value can't be read as the type that it is cast to",
        "22001" => "a text is too long for its type",
        "21000" => "a subquery in place of a value gives more than one row",
        _ => "a value does not fit what is done with it",
    };
    format!("The query failed on its rows: {what} (SQLSTATE {code})")
}

fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
