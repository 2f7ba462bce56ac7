//! A store that misbehaves by seed, for the simulators: statements that fail, lost races, crashes before the commit and
//! answers lost after it; and one that fails at a point of the test's choice.

use farebox_base::{Rng, SeededRng};
use farebox_db::{DbError, Faults, Point};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Faults drawn from a seed, one draw for each point that the store passes.
pub struct SeededFaults {
    rng: SeededRng,
    /// Out of a thousand, at every point.
    chance: u64,
    paused: AtomicBool,
    injected: Mutex<BTreeMap<&'static str, u64>>,
}

impl SeededFaults {
    /// `chance` out of a thousand at every point.
    pub fn new(seed: u64, chance: u64) -> Self {
        let (paused, injected) = (AtomicBool::new(false), Mutex::default());
        Self { rng: SeededRng::new(seed), chance, paused, injected }
    }

    /// While paused nothing fails, and nothing is drawn.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// How often each kind of fault struck.
    pub fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.injected.lock().clone()
    }
}

impl Faults for SeededFaults {
    fn at(&self, point: Point) -> Option<DbError> {
        if self.paused.load(Ordering::Relaxed) || self.rng.below(1_000) >= self.chance {
            return None;
        }
        let (name, error) = match point {
            Point::AfterCommit => {
                ("answer lost after commit", DbError::CommitUnknown("the answer was lost".to_owned()))
            }
            Point::BeforeCommit if self.rng.below(2) == 0 => {
                ("crash before commit", DbError::Injected("crash before commit"))
            }
            _ if self.rng.below(2) == 0 => ("lost race", DbError::Serialization),
            _ => ("statement failed", DbError::Injected("statement failed")),
        };
        *self.injected.lock().entry(name).or_default() += 1;
        Some(error)
    }
}

/// A folder in memory where the machine has one, because a simulation is about order and not about disks.
///
/// # Errors
/// What the system says.
pub fn scratch() -> Result<tempfile::TempDir, String> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.map_err(|e| e.to_string())
}

/// Strikes at one point, a number of times, with one error.
#[derive(Default)]
pub struct Strikes(Mutex<Option<(Point, u32, DbError)>>);

impl Strikes {
    /// From here on, in the place of what was planned before.
    pub fn plan(&self, point: Point, times: u32, error: DbError) {
        *self.0.lock() = Some((point, times, error));
    }
}

impl Faults for Strikes {
    fn at(&self, point: Point) -> Option<DbError> {
        let mut plan = self.0.lock();
        let (at, left, error) = plan.as_mut()?;
        if *at != point || *left == 0 {
            return None;
        }
        *left -= 1;
        Some(error.clone())
    }
}
