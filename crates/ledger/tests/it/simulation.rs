//! The simulation as a test: a fixed set of seeds, and every seed that ever failed.

use crate::sim::run_twice;

/// Seeds that found a fault once; they run for ever.
const FAILED_ONCE: &str = include_str!("../../sim/failed-seeds.txt");

#[test]
fn two_hundred_seeds_agree_with_the_auditor_and_replay() {
    for seed in 0..200 {
        run_twice(seed, 60).unwrap();
    }
}

#[test]
fn seeds_that_failed_once_pass() {
    for line in FAILED_ONCE.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        run_twice(line.trim().parse().unwrap(), 120).unwrap();
    }
}
