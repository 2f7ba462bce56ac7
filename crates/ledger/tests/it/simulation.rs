//! The simulation as a test: a fixed set of seeds, and every seed that ever failed.

use crate::sim::run_twice;

/// Seeds that found a fault once; they run for ever.
const FAILED_ONCE: &str = include_str!("../../sim/failed-seeds.txt");
const STEPS: u64 = 40;

#[test]
fn two_hundred_seeds_agree_with_the_auditor_and_replay() {
    let odd = std::thread::spawn(|| (0..200).filter(|seed| seed % 2 == 1).try_for_each(|seed| run(seed, STEPS)));
    (0..200).filter(|seed| seed % 2 == 0).try_for_each(|seed| run(seed, STEPS)).unwrap();
    odd.join().unwrap().unwrap();
}

#[test]
fn seeds_that_failed_once_pass() {
    for line in FAILED_ONCE.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        run(line.trim().parse().unwrap(), 60).unwrap();
    }
}

fn run(seed: u64, steps: u64) -> Result<(), String> {
    run_twice(seed, steps).map(|_| ())
}
