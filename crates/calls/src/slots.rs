//! Places for calls under way: so many in the process, and of these so many for one buyer.
//!
//! Invariant: a place is given back exactly once, when its `Slot` is dropped.

use farebox_base::{Error, FastMap, Kind, PartyId, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a caller without a place is asked to wait.
const RETRY_AFTER_S: u64 = 1;

pub(crate) struct Slots {
    all: Arc<Semaphore>,
    all_max: usize,
    by_buyer: Mutex<FastMap<PartyId, usize>>,
    buyer_max: usize,
}

/// One call's place.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    buyer: PartyId,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub(crate) fn new(all_max: usize, buyer_max: usize) -> Arc<Self> {
        Arc::new(Self { all: Arc::new(Semaphore::new(all_max)), all_max, by_buyer: Mutex::default(), buyer_max })
    }

    /// # Errors
    /// `Unavailable` where the process has no place, `TooManyRequests` where the buyer has all of his.
    pub(crate) fn take(self: &Arc<Self>, buyer: PartyId) -> Result<Slot> {
        let all =
            || Error::unavailable("Too many calls at once; try again in a moment").with_retry_after(RETRY_AFTER_S);
        let permit = self.all.clone().try_acquire_owned().map_err(|_| all())?;
        let mut by_buyer = self.by_buyer.lock();
        let taken = by_buyer.entry(buyer).or_default();
        if *taken >= self.buyer_max {
            let message = format!("You have {taken} calls under way, as many as one buyer may; wait for some of them");
            return Err(Error::new(Kind::TooManyRequests, "too_many_calls", message).with_retry_after(RETRY_AFTER_S));
        }
        *taken += 1;
        Ok(Slot { slots: self.clone(), buyer, _permit: permit })
    }

    /// Waits until no call is under way, at most so long; `false`: some still are.
    pub(crate) async fn drained(&self, patience: Duration) -> bool {
        let all = u32::try_from(self.all_max).unwrap_or(u32::MAX);
        tokio::time::timeout(patience, self.all.acquire_many(all)).await.is_ok()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_buyer = self.slots.by_buyer.lock();
        if let Some(taken) = by_buyer.get_mut(&self.buyer) {
            *taken -= 1;
            if *taken == 0 {
                by_buyer.remove(&self.buyer);
            }
        }
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slot({})", self.buyer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buyer(number: u128) -> PartyId {
        PartyId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn one_buyer_never_takes_the_places_of_all() {
        let slots = Slots::new(3, 2);
        let held: Vec<Slot> = (0..2).map(|_| slots.take(buyer(1)).unwrap()).collect();
        assert_eq!(slots.take(buyer(1)).unwrap_err().kind, Kind::TooManyRequests);
        let other = slots.take(buyer(2)).unwrap();
        assert_eq!(slots.take(buyer(3)).unwrap_err().kind, Kind::Unavailable);
        drop((held, other));
        assert!(slots.by_buyer.lock().is_empty());
        assert!(slots.take(buyer(1)).is_ok());
    }
}
