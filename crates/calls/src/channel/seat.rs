//! Who has a channel in this process, and what is remembered of it between its requests.
//!
//! Invariant: whoever has a seat is alone with its channel in this process; between processes the store decides.

use super::Channel;
use farebox_base::{FastMap, Timestamp};
use farebox_x402::evm::ChannelId;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Channels that are remembered before those that nobody has are forgotten.
const REMEMBERED_MAX: usize = 50_000;

#[derive(Default)]
pub(crate) struct Seats {
    all: Mutex<FastMap<ChannelId, Arc<Seat>>>,
    /// Channels of which the chain shows less than is booked, and since when.
    short: Mutex<FastMap<ChannelId, Timestamp>>,
}

/// How long a request waits for a job that has its channel in hand, which takes a transaction at most.
const JOB_PATIENCE: Duration = Duration::from_secs(5);

const FREE: u8 = 0;
const OF_REQUEST: u8 = 1;
const OF_JOB: u8 = 2;

#[derive(Default)]
struct Seat {
    /// One of the three above.
    taken: AtomicU8,
    /// Told when a job is done.
    freed: Notify,
    channel: Mutex<Option<Channel>>,
}

impl Seat {
    /// `Err` with who has it.
    fn take(self: &Arc<Self>, by: u8) -> Result<Seated, u8> {
        self.taken.compare_exchange(FREE, by, Ordering::AcqRel, Ordering::Acquire)?;
        Ok(Seated { seat: self.clone() })
    }
}

/// A channel in hand, until it is dropped.
pub(crate) struct Seated {
    seat: Arc<Seat>,
}

impl Seats {
    /// For a request, which waits for jobs; `None` while another request has the channel.
    pub(crate) async fn take(&self, id: ChannelId) -> Option<Seated> {
        let seat = self.seat(id);
        match seat.take(OF_REQUEST) {
            Ok(seated) => Some(seated),
            Err(OF_JOB) => Box::pin(after_job(seat)).await,
            Err(_) => None,
        }
    }

    /// For a job; `None` while anybody else has the channel.
    pub(crate) fn take_for_job(&self, id: ChannelId) -> Option<Seated> {
        self.seat(id).take(OF_JOB).ok()
    }

    fn seat(&self, id: ChannelId) -> Arc<Seat> {
        let mut all = self.all.lock();
        if all.len() >= REMEMBERED_MAX {
            all.retain(|_, seat| seat.taken.load(Ordering::Relaxed) != FREE || Arc::strong_count(seat) > 1);
        }
        all.entry(id).or_default().clone()
    }

    /// Notes that the chain shows less than is booked; answers since when it has at every look.
    pub(super) fn short_since(&self, id: ChannelId, now: Timestamp) -> Timestamp {
        *self.short.lock().entry(id).or_insert(now)
    }

    /// Notes that the chain and the book agree again.
    pub(super) fn whole(&self, id: ChannelId) {
        self.short.lock().remove(&id);
    }

    /// Some channels of which the chain shows less than is booked.
    pub(super) fn short(&self, most: usize) -> Vec<ChannelId> {
        self.short.lock().keys().take(most).copied().collect()
    }

    /// What is remembered of a channel, whoever has it.
    pub(crate) fn look(&self, id: ChannelId) -> Option<Channel> {
        let seat = self.all.lock().get(&id).cloned();
        seat.and_then(|seat| seat.channel.lock().clone())
    }
}

async fn after_job(seat: Arc<Seat>) -> Option<Seated> {
    let taken = async {
        loop {
            // Made before the look, it misses no end of a job after it.
            let freed = seat.freed.notified();
            match seat.take(OF_REQUEST) {
                Ok(seated) => return Some(seated),
                Err(OF_JOB) => freed.await,
                Err(_) => return None,
            }
        }
    };
    tokio::time::timeout(JOB_PATIENCE, taken).await.ok().flatten()
}

impl Seated {
    pub(crate) fn channel(&self) -> Option<Channel> {
        self.seat.channel.lock().clone()
    }

    /// Remembers the channel as it is now; `None`: it has to be read again.
    pub(crate) fn note(&self, channel: Option<Channel>) {
        *self.seat.channel.lock() = channel;
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        if self.seat.taken.swap(FREE, Ordering::AcqRel) == OF_JOB {
            self.seat.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
    use std::future::Future as _;
    use std::task::{Context, Waker};

    #[tokio::test]
    async fn a_request_waits_for_a_job_and_not_for_another_request() {
        let (seats, id) = (Seats::default(), ChannelId::new(B256::repeat_byte(7)));
        let job = seats.take_for_job(id).unwrap();
        let mut request = std::pin::pin!(seats.take(id));
        assert!(request.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(job);
        let seated = request.await.unwrap();
        assert!(seats.take(id).await.is_none() && seats.take_for_job(id).is_none());
        drop(seated);
        assert!(seats.take(id).await.is_some());
    }
}
