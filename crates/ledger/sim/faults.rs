//! Faults by seed: statements that fail, lost races, crashes before the commit and answers lost after it.

use farebox_base::{Rng, SeededRng};
use farebox_db::{DbError, Faults, Point};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub struct SeededFaults {
    rng: SeededRng,
    /// Out of a hundred, at every point.
    chance: u64,
    paused: AtomicBool,
    injected: AtomicU64,
}

impl SeededFaults {
    pub fn new(seed: u64, chance: u64) -> Self {
        Self { rng: SeededRng::new(seed), chance, paused: AtomicBool::new(false), injected: AtomicU64::new(0) }
    }

    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    pub fn injected(&self) -> u64 {
        self.injected.load(Ordering::Relaxed)
    }
}

impl Faults for SeededFaults {
    fn at(&self, point: Point) -> Option<DbError> {
        if self.paused.load(Ordering::Relaxed) || self.rng.below(100) >= self.chance {
            return None;
        }
        self.injected.fetch_add(1, Ordering::Relaxed);
        Some(match point {
            Point::AfterCommit => DbError::CommitUnknown("the answer was lost".to_owned()),
            Point::BeforeCommit if self.rng.below(2) == 0 => DbError::Injected("crash before commit"),
            _ if self.rng.below(2) == 0 => DbError::Serialization,
            _ => DbError::Injected("statement failed"),
        })
    }
}
