//! Running other programs, and the one way in which tasks print and fail.

use std::fmt::Display;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// What cargo tells a program that it runs about the package that the program is of. Whoever builds with these set builds
/// all anew whose build scripts look at them, and once more without.
const OF_THIS_PACKAGE: &[&str] = &[
    "CARGO",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];
const OF_THIS_PACKAGE_PREFIXES: &[&str] = &["CARGO_BIN_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_PKG_"];

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
    let status = command(program, arguments)?.envs(variables.iter().copied()).status();
    succeeded(program, arguments, status.map_err(|error| does_not_start(program, &error))?)
}

/// As [`run`], with each line of its standard output returned as well as shown.
pub fn watch(program: &str, arguments: &[&str]) -> Result<Vec<String>, Failure> {
    say(format_args!("\n$ {} {}", short_name(program), arguments.join(" ")));
    let child = command(program, arguments)?.stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| does_not_start(program, &error))?;
    let mut lines = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            say(&line);
            lines.push(line);
        }
    }
    let status = child.wait().map_err(|error| Failure::Check(format!("{program} was lost: {error}")))?;
    succeeded(program, arguments, status)?;
    Ok(lines)
}

/// Runs a program in the workspace and returns what it wrote to its standard output.
pub fn capture(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = command(program, arguments)?.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| does_not_start(program, &error))?;
    succeeded(program, arguments, output.status)?;
    String::from_utf8(output.stdout).map_err(|_| Failure::Check(format!("{program} printed bytes that are no text")))
}

/// A program in the workspace, with the environment that it has when it is started by hand.
fn command(program: &str, arguments: &[&str]) -> Result<Command, Failure> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_this_package)) {
        command.env_remove(name);
    }
    Ok(command)
}

fn is_of_this_package(variable: &str) -> bool {
    OF_THIS_PACKAGE.contains(&variable) || OF_THIS_PACKAGE_PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
}

fn does_not_start(program: &str, error: &std::io::Error) -> Failure {
    Failure::Check(format!("{program} does not start: {error}"))
}

fn succeeded(program: &str, arguments: &[&str], status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    Err(Failure::Check(format!("`{} {}` failed ({status})", short_name(program), arguments.join(" "))))
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
    fn a_program_is_told_nothing_of_the_package_that_this_task_is_of_and_all_else() {
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some(), "cargo did not run this test, so it tests nothing");
        let environment = capture("env", &[]).unwrap();
        let names: Vec<&str> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        let told: Vec<&&str> = names.iter().filter(|name| is_of_this_package(name)).collect();
        assert!(told.is_empty(), "{told:?}");
        assert!(names.contains(&"PATH"));
        assert_eq!(names.contains(&"CARGO_HOME"), std::env::var_os("CARGO_HOME").is_some());
        for own in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_VERSION_MAJOR", "CARGO_BIN_EXE_xtask", "OUT_DIR"] {
            assert!(is_of_this_package(own), "{own}");
        }
        for kept in [
            "CARGO_TARGET_DIR",
            "CARGO_HOME",
            "CARGO_INCREMENTAL",
            "CARGO_PROFILE_DEV_DEBUG",
            "CARGO_BUILD_JOBS",
            "CARGO_NET_OFFLINE",
            "CARGO_TERM_COLOR",
            "RUSTUP_TOOLCHAIN",
            "FAREBOX_TEST_PG_URL",
        ] {
            assert!(!is_of_this_package(kept), "{kept}");
        }
    }

    #[test]
    fn what_is_watched_is_shown_and_returned_and_fails_where_it_fails() {
        assert!(matches!(watch("echo", &["one\ntwo"]).as_deref(), Ok([one, two]) if one == "one" && two == "two"));
        assert!(matches!(watch("false", &[]), Err(Failure::Check(_))));
    }

    #[test]
    fn the_workspace_is_found_from_within_a_crate() {
        assert!(root().is_ok_and(|root| root.join("crates").is_dir()));
    }
}
