//! Every developer task of Farebox, run as `cargo xtask TASK`. Nothing needs to be installed for it.
//!
//! Owns the order and the output of the tasks; the work itself is done by cargo, by the scripts in `bench/` and by the
//! crates. Depends on nothing but std, so that the first build of a task takes a second.

mod bench;
mod ci;
mod drill;
mod openapi;
mod planted;
mod process;
mod sim;
mod tidy;

use process::{Failure, say};
use std::process::ExitCode;

const OVERVIEW: &str = "\
Developer tasks of Farebox.

usage: cargo xtask TASK [OPTIONS]
       cargo xtask TASK --help

tasks:
  ci        what has to pass before a change lands: format, clippy, tidy, tests, OpenAPI snapshots
  tidy      check the house rules, printing for each breach what to do instead
  openapi   write, or with --check compare, the OpenAPI document of each door in openapi/
  sim       run the simulators of the ledger and of the calls: seeded schedules with faults, each seed twice
  bench     run a benchmark of bench/, or all of them
  drill     make something go wrong under load and look at the books afterwards; lists the drills

exit status: 0 done, 1 a check failed, 2 the command line is wrong";

struct Task {
    name: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const TASKS: &[Task] = &[
    Task { name: "ci", help: ci::HELP, run: ci::run },
    Task { name: "tidy", help: tidy::HELP, run: tidy::run },
    Task { name: "openapi", help: openapi::HELP, run: openapi::run },
    Task { name: "sim", help: sim::HELP, run: sim::run },
    Task { name: "bench", help: bench::HELP, run: bench::run },
    Task { name: "drill", help: drill::HELP, run: drill::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Check(message)) => {
            say(format_args!("xtask: {message}"));
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            say(format_args!("xtask: {message}\n\n{}", help_for(&arguments)));
            ExitCode::from(2)
        }
    }
}

/// The help of the task that was asked for, else of all.
fn help_for(arguments: &[String]) -> &'static str {
    let task = TASKS.iter().find(|task| arguments.first().is_some_and(|name| name == task.name));
    task.map_or(OVERVIEW, |task| task.help)
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(Failure::Usage("name a task".into()));
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        say(OVERVIEW);
        return Ok(());
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        return Err(Failure::Usage(format!("there is no task `{name}`")));
    };
    if rest.iter().any(|argument| matches!(argument.as_str(), "-h" | "--help")) {
        say(task.help);
        return Ok(());
    }
    (task.run)(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn a_wrong_command_line_is_told_apart_from_a_failed_check() {
        assert!(matches!(dispatch(&words("")), Err(Failure::Usage(_))));
        assert!(matches!(dispatch(&words("polish")), Err(Failure::Usage(_))));
        assert!(matches!(dispatch(&words("tidy --fix")), Err(Failure::Usage(_))));
        assert!(matches!(dispatch(&words("sim --seed many")), Err(Failure::Usage(_))));
        assert!(matches!(dispatch(&words("bench no-such-bench")), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_wrong_command_line_is_answered_with_the_help_of_its_task() {
        assert!(help_for(&words("sim --seeds 0")).contains("cargo xtask sim"));
        assert_eq!(help_for(&words("polish")), OVERVIEW);
    }

    #[test]
    fn every_task_is_in_the_overview_and_has_help_of_its_own() {
        for task in TASKS {
            assert!(OVERVIEW.contains(&format!("\n  {} ", task.name)), "{} is missing in the overview", task.name);
            assert!(task.help.contains(&format!("cargo xtask {}", task.name)), "{} shows no usage", task.name);
        }
    }
}
