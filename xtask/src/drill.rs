//! `cargo xtask drill`: what goes wrong in production, made to happen to the real binary, and what must hold after it.
//!
//! A drill is a test of `crates/farebox/tests/it` that the test suite runs too, small; here it runs long and tells what
//! it does. Each drill is one row of [`DRILLS`].

use crate::process::{Failure, cargo, run_with, say};

pub const HELP: &str = "\
Runs a drill: the real binary under load while something goes wrong, and a look at the books afterwards.

usage: cargo xtask drill                       lists the drills
       cargo xtask drill NAME [--rounds N]     runs one";

struct Drill {
    name: &'static str,
    /// Which tests it is, as `cargo test` filters them.
    test: &'static str,
    help: &'static str,
    /// Environment of the long run; `--rounds` sets the first one's value.
    settings: &'static [(&'static str, &'static str)],
}

const DRILLS: &[Drill] = &[
    Drill {
        name: "kill",
        test: "drill_kill::",
        help: "kill -9 at random moments under load, 100 times on SQLite and a fifth of that on PostgreSQL",
        settings: &[("FAREBOX_TEST_DRILL_ROUNDS", "100")],
    },
    Drill {
        name: "disk-full",
        test: "drill_disk_full::",
        help: "the disk runs full under load, is given room, and the server goes on by itself",
        settings: &[],
    },
    Drill {
        name: "backup",
        test: "drill_backup::",
        help: "backups under load, restored into another folder, and a damaged one refused",
        settings: &[("FAREBOX_TEST_DRILL_BACKUPS", "10")],
    },
    Drill {
        name: "failover",
        test: "failover::",
        help: "PostgreSQL's primary is killed under load and its confirmed copy takes over",
        settings: &[("FAREBOX_TEST_FAILOVER_CALLS", "3000"), ("FAREBOX_TEST_FAILOVER_CLIENTS", "128")],
    },
];

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (drill, rounds) = match words.as_slice() {
        [] => {
            say(list());
            return Ok(());
        }
        [name] => (find(name)?, None),
        [name, "--rounds", number] => (find(name)?, Some(rounds(number)?)),
        _ => return Err(Failure::Usage(format!("drill does not take `{}`", arguments.join(" ")))),
    };
    let mut settings = drill.settings.to_vec();
    if let Some(rounds) = rounds {
        let Some(first) = settings.first_mut() else {
            return Err(Failure::Usage(format!("the drill {} has no rounds", drill.name)));
        };
        first.1 = rounds;
    }
    let command = ["test", "--package", "farebox", "--test", "it", drill.test, "--", "--nocapture", "--test-threads=1"];
    run_with(&cargo(), &command, &settings)
}

fn find(name: &str) -> Result<&'static Drill, Failure> {
    let found = DRILLS.iter().find(|drill| drill.name == name);
    found.ok_or_else(|| Failure::Usage(format!("there is no drill `{name}`; there are\n{}", list())))
}

fn list() -> String {
    DRILLS.iter().map(|drill| format!("  {:<10} {}", drill.name, drill.help)).collect::<Vec<_>>().join("\n")
}

fn rounds(number: &str) -> Result<&str, Failure> {
    match number.parse::<u32>() {
        Ok(1..) => Ok(number),
        _ => Err(Failure::Usage(format!("--rounds takes a whole number from 1, not `{number}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_that_is_not_there_or_has_no_rounds_is_a_wrong_command_line() {
        for line in ["flood", "kill --rounds 0", "kill --rounds many", "disk-full --rounds 3", "kill --seed 1"] {
            let words: Vec<String> = line.split_whitespace().map(String::from).collect();
            assert!(matches!(run(&words), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn who_names_no_drill_that_there_is_gets_the_list() {
        let Err(Failure::Usage(said)) = run(&["flood".to_owned()]) else { panic!("there is a flood") };
        assert!(DRILLS.iter().all(|drill| said.contains(drill.name) && said.contains(drill.help)), "{said}");
    }

    #[test]
    fn every_drill_is_in_the_table_for_operators() {
        let table = include_str!("../../docs/operations.md");
        for drill in DRILLS {
            assert!(table.contains(&format!("| `cargo xtask drill {}` |", drill.name)), "{} has no row", drill.name);
        }
    }

    #[test]
    fn the_tests_of_every_drill_exist() {
        let modules = include_str!("../../crates/farebox/tests/it/main.rs");
        for drill in DRILLS {
            let module = drill.test.trim_end_matches("::");
            assert!(modules.contains(&format!("mod {module};")), "{} runs no test", drill.name);
        }
    }
}
