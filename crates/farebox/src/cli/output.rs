//! What subcommands print, and how they fail.

use farebox_base::{Error, Kind};
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// Prints a line; a closed pipe is no reason to fail.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A number with the word for one or for many.
pub(crate) fn counted<N: Display + TryInto<u64>>(number: N, one: &str, many: &str) -> String {
    let text = number.to_string();
    let word = if number.try_into().is_ok_and(|number| number == 1_u64) { one } else { many };
    format!("{text} {word}")
}

/// The status of a command that could not do its work; 1 is for a check that found a breach.
const TROUBLE: u8 = 2;

pub(crate) fn failed(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "farebox: {message}");
    ExitCode::from(TROUBLE)
}

/// An error for the operator, who may see its internal half.
pub(crate) fn explained(error: Error) -> String {
    match error.internal {
        // What stands for it in the public half is for clients, who can only try again.
        Some(internal) if error.kind == Kind::Internal || error.code == "unavailable" => internal,
        Some(internal) => format!("{}: {internal}", error.message),
        None => error.message,
    }
}
