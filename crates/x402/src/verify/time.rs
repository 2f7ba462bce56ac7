//! When a signature has to be valid. All times in seconds since the epoch, as chains count.

use alloy_primitives::U256;
use farebox_base::Timestamp;

use super::Limits;
use crate::offer::Offer;
use crate::{Reason, Refusal};

/// The times between which a signature has to begin and end.
pub(super) struct Window {
    now: u64,
    earliest_end: u64,
    latest_end: u64,
}

/// The reasons of a scheme for the two ends.
#[derive(Clone, Copy)]
pub(super) struct Reasons {
    pub(super) begin: Reason,
    pub(super) end: Reason,
}

impl Window {
    pub(super) fn new(offer: &Offer, now: Timestamp, limits: &Limits) -> Self {
        let now = u64::try_from(now.seconds()).unwrap_or_default();
        let longest = limits.longest_beyond.as_secs().saturating_add(offer.timeout_s.into());
        Self {
            now,
            earliest_end: now.saturating_add(limits.least_left.as_secs()),
            latest_end: now.saturating_add(longest),
        }
    }

    /// Checks both ends and gives the later one.
    pub(super) fn check(
        &self,
        (begin_name, begin): (&str, U256),
        (end_name, end): (&str, U256),
        reasons: Reasons,
    ) -> Result<Option<i64>, Refusal> {
        if end < U256::from(self.earliest_end) {
            let least = format!("at least {}", self.earliest_end);
            return Err(Refusal::mismatch(reasons.end, end_name, least, end));
        }
        if end > U256::from(self.latest_end) {
            let most = format!("at most {}", self.latest_end);
            return Err(Refusal::mismatch(reasons.end, end_name, most, end));
        }
        if begin > U256::from(self.now) {
            return Err(Refusal::mismatch(reasons.begin, begin_name, format!("at most {}", self.now), begin));
        }
        Ok(i64::try_from(end).ok())
    }
}
