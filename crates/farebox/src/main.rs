//! The `farebox` command.

use clap::Parser as _;
use farebox::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    Cli::parse().run()
}
