//! The command line of the simulators: which seeds to run, the sum of what they did, and the hunt for planted bugs.

use farebox_base::planted::Bug;
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Seeds in which a planted bug must show.
const PLANTED_SEEDS_MAX: u64 = 200;
/// How often the progress is told, in seeds.
const PROGRESS_SEEDS: u64 = 25;

/// What a seed did, or many together.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub operations: u64,
    pub restarts: u64,
    pub faults: BTreeMap<String, u64>,
    pub outcomes: BTreeMap<String, u64>,
}

impl Summary {
    fn add(&mut self, other: &Summary) {
        self.operations += other.operations;
        self.restarts += other.restarts;
        other.faults.iter().for_each(|(name, count)| *self.faults.entry(name.clone()).or_default() += count);
        other.outcomes.iter().for_each(|(name, count)| *self.outcomes.entry(name.clone()).or_default() += count);
    }
}

/// A simulator.
pub struct Simulator {
    pub name: &'static str,
    /// Steps of a seed, where none are asked for.
    pub steps: u64,
    /// Runs a seed for so many steps.
    pub run: fn(u64, u64) -> Result<(), String>,
    /// The same twice, with the same result.
    pub run_twice: fn(u64, u64) -> Result<Summary, String>,
    /// The bugs that it must find, and how one is planted; `None` in a build that has none.
    pub bugs: &'static [Bug],
    pub plant: Option<fn(Option<Bug>)>,
}

struct Options {
    from: u64,
    seeds: u64,
    steps: u64,
    planted: bool,
}

/// Does what the command line says: `[--seed N | --seeds N] [--from N] [--steps N] [--planted]`.
pub fn main(simulator: &Simulator) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let outcome = options(simulator).and_then(|options| match (options.planted, simulator.plant) {
        (false, _) => run(&mut out, simulator, &options),
        (true, Some(plant)) => hunt(&mut out, simulator, &options, plant),
        (true, None) => Err("no bugs are planted in this build; it takes the feature planted-bugs".to_owned()),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(out, "FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(simulator: &Simulator) -> Result<Options, String> {
    let mut options = Options { from: 0, seeds: 200, steps: simulator.steps, planted: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--planted" {
            options.planted = true;
            continue;
        }
        let value = words.next().and_then(|v| v.parse().ok());
        let value: u64 = value.ok_or_else(|| format!("{word} takes a whole number"))?;
        match word.as_str() {
            "--seed" => (options.from, options.seeds) = (value, 1),
            "--from" => options.from = value,
            "--seeds" => options.seeds = value,
            "--steps" => options.steps = value,
            _ => return Err(format!("unknown option {word}; known: --seed --from --seeds --steps --planted")),
        }
    }
    if options.seeds == 0 {
        return Err("--seeds takes a whole number from 1".to_owned());
    }
    Ok(options)
}

fn run(out: &mut impl Write, simulator: &Simulator, options: &Options) -> Result<(), String> {
    let mut sum = Summary::default();
    let seeds = options.from..options.from.saturating_add(options.seeds);
    for (done, seed) in (1..).zip(seeds.clone()) {
        sum.add(&(simulator.run_twice)(seed, options.steps)?);
        if done % PROGRESS_SEEDS == 0 {
            let _ = writeln!(std::io::stderr(), "{}: {done} of {} seeds", simulator.name, options.seeds);
        }
    }
    let mut say = |text: String| writeln!(out, "{text}").map_err(|e| e.to_string());
    say(format!(
        "{}: {} {} from {}, each run twice with the same result",
        simulator.name,
        options.seeds,
        if options.seeds == 1 { "seed" } else { "seeds" },
        seeds.start
    ))?;
    say(format!("operations {}, restarts {}", sum.operations, sum.restarts))?;
    for (title, counts) in [("faults", &sum.faults), ("outcomes", &sum.outcomes)] {
        say(title.to_owned())?;
        for (name, count) in counts {
            say(format!("  {name:<40}{count:>8}"))?;
        }
    }
    Ok(())
}

/// Plants one bug after the other, and runs seeds until one shows it.
fn hunt(out: &mut impl Write, simulator: &Simulator, options: &Options, plant: fn(Option<Bug>)) -> Result<(), String> {
    // A bug may show by a panic, which is reported here like the rest.
    std::panic::set_hook(Box::new(|_| ()));
    let mut hidden = Vec::new();
    for bug in simulator.bugs {
        plant(Some(*bug));
        let shows = |seed: u64| {
            let outcome = catch_unwind(AssertUnwindSafe(|| (simulator.run)(seed, options.steps)));
            outcome.unwrap_or_else(|_| Err("panicked".to_owned())).err().map(|found| (seed, found))
        };
        let line = match (0..PLANTED_SEEDS_MAX.min(options.seeds)).find_map(shows) {
            Some((seed, found)) => {
                format!("{:<10}{:<28}{seed:>5}  {}", simulator.name, format!("{bug:?}"), short(&found))
            }
            None => {
                hidden.push(*bug);
                format!("{:<10}{:<28}    -  HIDDEN", simulator.name, format!("{bug:?}"))
            }
        };
        plant(None);
        writeln!(out, "{line}").map_err(|e| e.to_string())?;
    }
    if hidden.is_empty() { Ok(()) } else { Err(format!("not found: {hidden:?}")) }
}

/// What is wrong stands first in a report.
fn short(found: &str) -> &str {
    const SHOWN: usize = 130;
    let line = found.lines().next().unwrap_or_default();
    line.char_indices().nth(SHOWN).map_or(line, |(at, _)| &line[..at])
}
