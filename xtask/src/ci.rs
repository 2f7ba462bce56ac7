//! `cargo xtask ci`: everything that has to pass before a change lands, cheapest first.

use crate::process::{Failure, cargo, run as run_program, say};
use crate::{openapi, tidy};

pub const HELP: &str = "\
Runs what has to pass before a change lands, and stops at the first failure.

usage: cargo xtask ci

steps:
  1. cargo fmt --all --check
  2. cargo xtask tidy
  3. cargo clippy --workspace --all-targets -- -D warnings
  4. cargo test --workspace
  5. cargo xtask openapi --check

Tests that need PostgreSQL use FAREBOX_TEST_PG_URL; `.ci/with-postgres cargo xtask ci` starts a server for them.";

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::Usage(format!("ci takes no argument `{argument}`")));
    }
    let cargo = cargo();
    run_program(&cargo, &["fmt", "--all", "--check"])?;
    tidy::run(&[])?;
    run_program(&cargo, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    run_program(&cargo, &["test", "--workspace"])?;
    openapi::run(&["--check".into()])?;
    say("\nci: all steps passed");
    Ok(())
}
