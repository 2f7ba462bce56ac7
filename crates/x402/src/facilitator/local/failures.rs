//! Payers whose payments have failed on chain: each failure has cost gas that nobody paid for.
//!
//! Invariant: for one payer no more transactions fail within a while than a few.

use alloy_primitives::Address;
use farebox_base::{Clock, Ticks};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How many failures of a payer are borne.
const BORNE: usize = 3;
/// How long each is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);
/// Payers that are remembered at most.
const PAYERS_MAX: usize = 10_000;

/// The failures of one network.
pub(super) struct Failures {
    clock: Arc<dyn Clock>,
    of: Mutex<HashMap<Address, Vec<Ticks>>>,
}

impl Failures {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, of: Mutex::default() }
    }

    pub(super) fn note(&self, payer: Address) {
        let now = self.clock.ticks();
        let mut of = self.of.lock();
        if of.len() >= PAYERS_MAX {
            of.retain(|_, at| at.iter().any(|at| now.since(*at) < REMEMBERED_FOR));
        }
        if of.len() < PAYERS_MAX || of.contains_key(&payer) {
            let at = of.entry(payer).or_default();
            at.retain(|at| now.since(*at) < REMEMBERED_FOR);
            at.push(now);
        }
    }

    /// Whether nothing more is sent for the payer until the failures are older.
    pub(super) fn are_too_many(&self, payer: Address) -> bool {
        let now = self.clock.ticks();
        let of = self.of.lock();
        let lately = of.get(&payer).map_or(0, |at| at.iter().filter(|at| now.since(**at) < REMEMBERED_FOR).count());
        lately >= BORNE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::{ManualClock, Timestamp};

    #[test]
    fn a_payer_who_keeps_failing_is_left_alone_for_a_while() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000)));
        let failures = Failures::new(clock.clone());
        let payer = Address::repeat_byte(1);
        for _ in 0..BORNE {
            assert!(!failures.are_too_many(payer));
            failures.note(payer);
        }
        assert!(failures.are_too_many(payer) && !failures.are_too_many(Address::repeat_byte(2)));
        clock.advance(REMEMBERED_FOR);
        assert!(!failures.are_too_many(payer));
    }
}
