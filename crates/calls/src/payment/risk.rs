//! What is served and not settled yet, where settling may follow the answer.
//!
//! Invariant: what is at risk at one time in this process is never more than the operator allows.

use farebox_base::Micros;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A bound on payments that are settled after their answer.
#[derive(Debug)]
pub struct LaterSettling {
    max: i64,
    open: AtomicI64,
}

/// One payment's part of it, given back when dropped.
#[derive(Debug)]
pub(crate) struct AtRisk {
    of: Arc<LaterSettling>,
    amount: i64,
}

impl LaterSettling {
    pub fn up_to(max: Micros) -> Arc<Self> {
        Arc::new(Self { max: max.get(), open: AtomicI64::new(0) })
    }

    /// `None` where it would be too much: then the answer waits for the settlement.
    pub(crate) fn take(self: &Arc<Self>, amount: Micros) -> Option<AtRisk> {
        let amount = amount.get();
        let fits = |open: i64| open.checked_add(amount).filter(|sum| *sum <= self.max);
        self.open.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits).ok()?;
        Some(AtRisk { of: self.clone(), amount })
    }
}

impl Drop for AtRisk {
    fn drop(&mut self) {
        self.of.open.fetch_sub(self.amount, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_at_risk_than_is_allowed() {
        let later = LaterSettling::up_to(Micros::new(100));
        let first = later.take(Micros::new(70)).unwrap();
        assert!(later.take(Micros::new(31)).is_none());
        let second = later.take(Micros::new(30)).unwrap();
        drop(first);
        assert!(later.take(Micros::new(70)).is_some());
        drop(second);
    }
}
