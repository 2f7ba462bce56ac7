//! Runs the calls' simulation: `sim [--seed N] [--seeds N] [--from N] [--steps N]`. Each seed runs twice.

#[path = "../sim/mod.rs"]
mod sim;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

struct Options {
    from: u64,
    seeds: u64,
    steps: u64,
}

fn options() -> Result<Options, String> {
    let mut options = Options { from: 0, seeds: 200, steps: 60 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().and_then(|v| v.parse().ok());
        let value: u64 = value.ok_or_else(|| format!("{word} takes a whole number"))?;
        match word.as_str() {
            "--seed" => (options.from, options.seeds) = (value, 1),
            "--from" => options.from = value,
            "--seeds" => options.seeds = value,
            "--steps" => options.steps = value,
            _ => return Err(format!("unknown option {word}; known: --seed --from --seeds --steps")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    match simulate(&mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(out, "FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(out: &mut impl std::io::Write) -> Result<(), String> {
    let options = options()?;
    let (mut operations, mut restarts) = (0, 0);
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for seed in options.from..options.from + options.seeds {
        let report = sim::run_twice(seed, options.steps)?;
        operations += report.requests;
        restarts += report.restarts;
        report.faults.iter().for_each(|(fault, count)| *faults.entry(fault).or_default() += count);
        report.outcomes.iter().for_each(|(outcome, count)| *outcomes.entry(outcome.clone()).or_default() += count);
    }
    let mut say = |text: String| writeln!(out, "{text}").map_err(|e| e.to_string());
    say(format!(
        "calls: seeds {} to {}, each run twice with the same result",
        options.from,
        options.from + options.seeds - 1
    ))?;
    say(format!("requests {operations}, restarts {restarts}"))?;
    say("faults".to_owned())?;
    for (fault, count) in faults {
        say(format!("  {fault:<24}{count:>8}"))?;
    }
    say("outcomes".to_owned())?;
    for (outcome, count) in outcomes {
        say(format!("  {outcome:<40}{count:>8}"))?;
    }
    Ok(())
}
