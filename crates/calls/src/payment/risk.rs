//! What is served and not settled yet, where settling may follow the answer.
//!
//! Invariants: nothing is served on top of what is at risk beyond what the operator allows, for all that this process
//! knows of; what was served stays at risk until its payment has ended, also across a restart.

use crate::Calls;
use crate::settings::CallsParts;
use farebox_base::{CallId, Error, Micros, Result};
use farebox_db::sql;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often a payment is looked at that its chain has left pending.
const LOOK_EVERY: Duration = Duration::from_secs(2);

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

    /// What was served before this process began, whatever is allowed now.
    fn carry(self: &Arc<Self>, amount: Micros) -> AtRisk {
        let amount = amount.get();
        self.open.fetch_add(amount, Ordering::AcqRel);
        AtRisk { of: self.clone(), amount }
    }
}

impl Calls {
    /// Counts what earlier processes have served and nobody has settled yet, until it is. To be called once, before the
    /// first request.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn later_carry(&self) -> Result<()> {
        let Some(later) = &self.parts.payments.later else { return Ok(()) };
        const SERVED: &str = sql!("SELECT id, amount FROM payment WHERE state = 'earned' AND delivered <> 0");
        let mut open = Vec::new();
        for row in self.parts.db.query(SERVED, &[]).await? {
            let id: &str = row.get(0)?;
            let id = CallId::parse(id).ok_or_else(|| Error::internal(format!("payment {id} has no such id")))?;
            open.push((id, later.carry(row.get(1)?)));
        }
        self.keep_until_ended(open);
        Ok(())
    }

    /// Keeps what is at risk until its payments have ended, whoever ends them.
    pub(super) fn keep_until_ended(&self, open: Vec<(CallId, AtRisk)>) {
        tokio::spawn(kept_until_ended(Arc::downgrade(&self.parts), open));
    }
}

/// Holds nothing of a server that has stopped meanwhile.
async fn kept_until_ended(parts: Weak<CallsParts>, mut open: Vec<(CallId, AtRisk)>) {
    const UNDER_WAY: &str = sql!("SELECT 1 FROM payment WHERE id = $1 AND state IN ('reserved', 'earned')");
    while let Some(parts) = parts.upgrade() {
        let mut left = Vec::with_capacity(open.len());
        for (id, risk) in open {
            // Where the store can't be asked, nothing is known to have ended.
            if !matches!(parts.db.one(UNDER_WAY, &[(&id.text()).into()]).await, Ok(None)) {
                left.push((id, risk));
            }
        }
        if left.is_empty() {
            return;
        }
        open = left;
        drop(parts);
        tokio::time::sleep(LOOK_EVERY).await;
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
        let carried = later.carry(Micros::new(150));
        assert!(later.take(Micros::new(1)).is_none());
        drop(carried);
        assert!(later.take(Micros::new(100)).is_some());
    }
}
