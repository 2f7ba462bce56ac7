//! `farebox permissions`.

use super::CliResult;
use super::output::say;
use std::process::ExitCode;

pub(super) fn run() -> CliResult {
    say(farebox_api::permission_matrix().trim_end());
    Ok(ExitCode::SUCCESS)
}
