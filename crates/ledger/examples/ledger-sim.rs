//! The simulator of the ledger as a program; `cargo xtask sim` runs it.

#[path = "../sim/mod.rs"]
mod sim;

use farebox_base::planted::Bug;
use farebox_testkit::simulator::{Simulator, Summary, main as simulate};
use std::process::ExitCode;

#[cfg(feature = "planted-bugs")]
const PLANT: Option<fn(Option<Bug>)> = Some(farebox_base::planted::plant);
#[cfg(not(feature = "planted-bugs"))]
const PLANT: Option<fn(Option<Bug>)> = None;

fn main() -> ExitCode {
    let run = |seed, steps| sim::run(seed, steps).map(|_| ());
    simulate(&Simulator { name: "ledger", steps: 60, run, run_twice, bugs: &Bug::IN_LEDGER, plant: PLANT })
}

fn run_twice(seed: u64, steps: u64) -> Result<Summary, String> {
    let report = sim::run_twice(seed, steps)?;
    let counts = |(name, count): (_, u64)| (String::from(name), count);
    let (faults, outcomes) = (report.faults.into_iter().map(counts), report.outcomes.into_iter().map(counts));
    Ok(Summary {
        operations: report.operations,
        restarts: report.restarts,
        faults: faults.collect(),
        outcomes: outcomes.collect(),
    })
}
