//! `cargo xtask sim`: the simulators of the ledger and of the paid calls, which are examples of their crates.

use crate::planted;
use crate::process::{Failure, cargo, root, run as run_program, say, watch};

pub const HELP: &str = "\
Runs the ledger and the paid calls under seeded schedules with faults, checks every answer against a model and the books
after every few steps, and runs each seed twice to see that it replays identically. See docs/simulation.md.

usage: cargo xtask sim [--only ledger|calls] [--seed N | --seeds N] [--planted]

options:
  --only NAME   one of the two simulators
  --seed N      run this one seed, as printed by a run that failed
  --seeds N     run N seeds, at least 1; 200 where nothing is said
  --planted     plant one bug after the other and run seeds until one shows it; fails where one stays hidden, and where
                docs/simulation.md names another first seed

The build and the progress are shown on standard error.";

const SIMULATORS: [(&str, &str, &str); 2] =
    [("ledger", "farebox-ledger", "ledger-sim"), ("calls", "farebox-calls", "calls-sim")];

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    only: Option<String>,
    planted: bool,
    /// What is handed on to the simulators.
    handed_on: Vec<String>,
}

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = read(arguments)?;
    let (mut failed, mut ran, mut found) = (None, Vec::new(), Vec::new());
    for (name, package, example) in SIMULATORS {
        if options.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mut command = vec!["run", "--package", package, "--example", example];
        if options.planted {
            command.extend(["--features", "planted-bugs"]);
        }
        command.push("--");
        command.extend(options.handed_on.iter().map(String::as_str));
        // One that fails must not hide what the other would find.
        let outcome = match options.planted {
            true => watch(&cargo(), &command).map(|lines| found.extend(lines)),
            false => run_program(&cargo(), &command),
        };
        failed = outcome.err().or(failed);
        ran.push(name);
    }
    match failed {
        Some(failed) => Err(failed),
        None if options.planted => compare(&ran, &found),
        None => Ok(()),
    }
}

/// Fails where the table of planted bugs is not what was found.
fn compare(simulators: &[&str], found: &[String]) -> Result<(), Failure> {
    let path = root()?.join(planted::TABLE);
    let table = std::fs::read_to_string(&path)
        .map_err(|error| Failure::Check(format!("{} cannot be read: {error}", path.display())))?;
    let differences = planted::differences(&table, simulators, found);
    if differences.is_empty() {
        say(format_args!("\n{} has the same first seeds", planted::TABLE));
        return Ok(());
    }
    Err(Failure::Check(format!(
        "{} is out of date; correct its table:\n  {}",
        planted::TABLE,
        differences.join("\n  ")
    )))
}

fn read(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--planted" => {
                options.planted = true;
                options.handed_on.push(word.clone());
            }
            "--only" => match words.next() {
                Some(name) if SIMULATORS.iter().any(|(known, ..)| known == name) => options.only = Some(name.clone()),
                _ => return Err(Failure::Usage("--only takes ledger or calls".into())),
            },
            "--seed" | "--seeds" => {
                let least = if word == "--seeds" { 1 } else { 0 };
                match words.next().filter(|number| number.parse::<u64>().is_ok_and(|number| number >= least)) {
                    Some(number) => options.handed_on.extend([word.clone(), number.clone()]),
                    None => return Err(Failure::Usage(format!("{word} takes a whole number from {least}"))),
                }
            }
            _ => return Err(Failure::Usage(format!("sim does not take `{word}`"))),
        }
    }
    let both = |flag: &str| options.handed_on.iter().any(|word| word == flag);
    if both("--seed") && both("--seeds") {
        return Err(Failure::Usage("take one of --seed and --seeds".into()));
    }
    // A hunt begins at the first seed and ends where the bug shows.
    if options.planted && both("--seed") {
        return Err(Failure::Usage("--planted takes --seeds, and no --seed".into()));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_one_simulator_or_the_planted_bugs_are_accepted_and_nothing_else() {
        let accepted = |line: &str| read(&line.split_whitespace().map(String::from).collect::<Vec<_>>()).is_ok();
        for good in ["", "--seed 42", "--seeds 200", "--only calls --seed 1", "--planted", "--planted --only ledger"] {
            assert!(accepted(good), "{good}");
        }
        for bad in [
            "--seed",
            "--seed -1",
            "--seeds 0",
            "--seed 1 --seeds 2",
            "--only",
            "--only books",
            "--plant",
            "--planted --seed 1",
        ] {
            assert!(!accepted(bad), "{bad}");
        }
        let Err(Failure::Usage(rule)) = read(&["--seeds".into(), "0".into()]) else { panic!("no seeds were accepted") };
        assert_eq!(rule, "--seeds takes a whole number from 1");
    }
}
