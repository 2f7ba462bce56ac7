//! `cargo xtask drill`: what must not happen, made to happen: a test with more load, which prints what it saw.

use crate::process::{Failure, cargo, root, say};
use std::process::Command;

pub const HELP: &str = "\
Runs a drill: something breaks under load, and the books must be exact afterwards. CI runs each with less load.

usage: cargo xtask drill NAME

drills:
  failover   kills PostgreSQL's first server under paid calls; its confirmed copy takes over";

/// A test of the whole server, and what makes it longer.
struct Drill {
    name: &'static str,
    test: &'static str,
    variables: &'static [(&'static str, &'static str)],
}

const DRILLS: &[Drill] = &[Drill {
    name: "failover",
    test: "failover::a_killed_primary_costs_refusals_and_no_charge_is_wrong",
    variables: &[("FAREBOX_TEST_FAILOVER_CLIENTS", "128"), ("FAREBOX_TEST_FAILOVER_CALLS", "3000")],
}];

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let [name] = arguments else { return Err(Failure::Usage("name one drill".into())) };
    let Some(drill) = DRILLS.iter().find(|drill| drill.name == name) else {
        return Err(Failure::Usage(format!("there is no drill `{name}`")));
    };
    say(format_args!("drill: {name}"));
    let mut command = Command::new(cargo());
    command.args(["test", "--quiet", "--package", "farebox", "--test", "it", "--", "--exact", "--nocapture"]);
    command.arg(drill.test).envs(drill.variables.iter().copied()).current_dir(root()?);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Check(format!("the drill failed ({status})"))),
        Err(error) => Err(Failure::Check(format!("cargo does not start: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drill_is_in_the_help_and_no_other_is_run() {
        for drill in DRILLS {
            assert!(HELP.contains(&format!("\n  {} ", drill.name)), "{} is missing", drill.name);
        }
        assert!(matches!(run(&["earthquake".into()]), Err(Failure::Usage(_))));
        assert!(matches!(run(&[]), Err(Failure::Usage(_))));
    }
}
