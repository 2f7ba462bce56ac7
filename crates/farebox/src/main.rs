//! The `farebox` command.

use clap::Parser as _;
use farebox::cli::Cli;
use std::process::ExitCode;

/// A call makes about a hundred small allocations, some of which another thread frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
