//! Running other programs, and the one way in which tasks print and fail.

use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Why a task did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// What was checked does not hold, or a program that was run failed.
    Check(String),
    /// The command line makes no sense.
    Usage(String),
}

/// Prints one line. A reader that went away (`| head`) is no failure of the task.
pub fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _gone = writeln!(out, "{line}");
}

/// The folder of the workspace, found upwards from the current one.
pub fn root() -> Result<PathBuf, Failure> {
    let start = std::env::current_dir().map_err(|error| Failure::Check(format!("no current folder: {error}")))?;
    for folder in start.ancestors() {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        if manifest.contains("[workspace]") {
            return Ok(folder.to_path_buf());
        }
    }
    Err(Failure::Check(format!("{} lies in no cargo workspace", start.display())))
}

/// The cargo that runs this task, so that a chosen toolchain stays chosen.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// Runs a program in the workspace with its output shown; fails where it fails.
pub fn run(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    run_with(program, arguments, &[])
}

/// As [`run`], with variables added to the environment.
pub fn run_with(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), Failure> {
    let shown: String = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    say(format_args!("\n$ {shown}{} {}", short_name(program), arguments.join(" ")));
    let status = Command::new(program).args(arguments).envs(variables.iter().copied()).current_dir(root()?).status();
    let status = status.map_err(|error| Failure::Check(format!("{program} does not start: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Check(format!("`{} {}` failed ({status})", short_name(program), arguments.join(" "))))
}

/// Runs a program in the workspace and returns what it wrote to its standard output.
pub fn capture(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(program).args(arguments).current_dir(root()?).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Failure::Check(format!("{program} does not start: {error}")))?;
    if !output.status.success() {
        let line = arguments.join(" ");
        return Err(Failure::Check(format!("`{} {line}` failed ({})", short_name(program), output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::Check(format!("{program} printed bytes that are no text")))
}

fn short_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_or_is_missing_is_a_failed_check() {
        assert!(matches!(capture("false", &[]), Err(Failure::Check(_))));
        assert!(matches!(capture("no-such-program", &[]), Err(Failure::Check(_))));
        assert!(matches!(capture("echo", &["one"]).as_deref(), Ok("one\n")));
    }

    #[test]
    fn the_workspace_is_found_from_within_a_crate() {
        assert!(root().is_ok_and(|root| root.join("crates").is_dir()));
    }
}
