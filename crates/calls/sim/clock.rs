//! The clocks of a simulation: they follow the paused time of the runtime, and the wall clock can be moved besides.

use farebox_base::{Clock, Ticks, Timestamp};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

pub const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub struct SimClock {
    state: Mutex<State>,
}

struct State {
    wall: Timestamp,
    ticks: u64,
    /// Since when the runtime's time counts; `None` between two lives of the process.
    since: Option<Instant>,
}

impl SimClock {
    pub fn new() -> Self {
        Self { state: Mutex::new(State { wall: START, ticks: 1, since: None }) }
    }

    /// A life begins, on the current runtime.
    pub fn run(&self) {
        self.lock().since = Some(Instant::now());
    }

    /// The life is over: time stands still.
    pub fn stop(&self) {
        let mut state = self.lock();
        let passed = state.passed();
        state.wall = state.wall.plus(passed);
        state.ticks += u64::try_from(passed.as_micros()).unwrap_or(0);
        state.since = None;
    }

    /// Moves the wall clock, forward or back; what measures spans does not notice.
    pub fn jump(&self, seconds: i64) {
        let mut state = self.lock();
        let span = Duration::from_secs(seconds.unsigned_abs());
        state.wall = if seconds < 0 { state.wall.minus(span) } else { state.wall.plus(span) };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn passed(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| Instant::now().duration_since(since))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let state = self.lock();
        state.wall.plus(state.passed())
    }

    fn ticks(&self) -> Ticks {
        let state = self.lock();
        Ticks::from_micros(state.ticks + u64::try_from(state.passed().as_micros()).unwrap_or(0))
    }
}
