//! `cargo xtask sim`: the ledger's simulator, which is an example of the ledger crate.

use crate::process::{Failure, cargo, run as run_program};

pub const HELP: &str = "\
Runs the ledger under seeded workloads with faults, checks the books after every tenth step, and runs each seed twice to see
that it replays identically.

usage: cargo xtask sim [--seed N | --seeds N]

options:
  --seed N    run this one seed, as printed by a run that failed
  --seeds N   run N seeds";

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    check(arguments)?;
    let mut command = vec!["run", "--quiet", "--package", "farebox-ledger", "--example", "sim", "--"];
    command.extend(arguments.iter().map(String::as_str));
    run_program(&cargo(), &command)
}

fn check(arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => Ok(()),
        [flag, number] if flag == "--seed" || flag == "--seeds" => match number.parse::<u64>() {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::Usage(format!("{flag} takes a whole number, not `{number}`"))),
        },
        _ => Err(Failure::Usage(format!("sim does not take `{}`", arguments.join(" ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_or_a_number_of_seeds_is_accepted_and_nothing_else() {
        let accepted = |line: &str| check(&line.split_whitespace().map(String::from).collect::<Vec<_>>()).is_ok();
        assert!(accepted(""));
        assert!(accepted("--seed 42"));
        assert!(accepted("--seeds 200"));
        assert!(!accepted("--seed"));
        assert!(!accepted("--seed -1"));
        assert!(!accepted("--seed 1 --seeds 2"));
    }
}
