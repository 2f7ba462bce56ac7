//! What subcommands print, and how they fail.

use farebox_base::Error;
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// Prints a line; a closed pipe is no reason to fail.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

pub(crate) fn failed(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "farebox: {message}");
    ExitCode::FAILURE
}

/// An error for the operator, who may see its internal half.
pub(crate) fn explained(error: Error) -> String {
    match error.internal {
        Some(internal) => format!("{}: {internal}", error.message),
        None => error.message,
    }
}
