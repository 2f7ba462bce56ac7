//! How settlements were answered, counted for metrics.

use super::{Settlement, Status};
use crate::network::Caip2;
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers to settlements by what they said, since the start of the process. One that is asked for again counts again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub settled: u64,
    pub pending: u64,
    pub not_taken: u64,
}

/// What is known of one network, for health reports and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub network: Caip2,
    pub outcomes: Outcomes,
    /// Of our own gas wallet; `None` where somebody else settles.
    pub own: Option<Status>,
}

/// Counts the answers of one network.
#[derive(Default)]
pub(super) struct Tally {
    settled: AtomicU64,
    pending: AtomicU64,
    not_taken: AtomicU64,
}

impl Tally {
    pub(super) fn note(&self, settlement: &Settlement) {
        let counter = match settlement {
            Settlement::Settled { .. } => &self.settled,
            Settlement::Pending { .. } => &self.pending,
            Settlement::NotTaken(_) => &self.not_taken,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        Outcomes {
            settled: self.settled.load(Ordering::Relaxed),
            pending: self.pending.load(Ordering::Relaxed),
            not_taken: self.not_taken.load(Ordering::Relaxed),
        }
    }
}
