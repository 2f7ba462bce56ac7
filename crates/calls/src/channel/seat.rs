//! Who has a channel in this process, and what is remembered of it between its requests.
//!
//! Invariant: whoever has a seat is alone with its channel in this process; between processes the store decides.

use super::Channel;
use farebox_x402::evm::ChannelId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Channels that are remembered before those that nobody has are forgotten.
const REMEMBERED_MAX: usize = 50_000;

#[derive(Default)]
pub(crate) struct Seats {
    all: Mutex<HashMap<ChannelId, Arc<Seat>>>,
}

#[derive(Default)]
struct Seat {
    is_taken: AtomicBool,
    channel: Mutex<Option<Channel>>,
}

/// A channel in hand, until it is dropped.
pub(crate) struct Seated {
    seat: Arc<Seat>,
}

impl Seats {
    /// `None` while somebody else has the channel.
    pub(crate) fn take(&self, id: ChannelId) -> Option<Seated> {
        let mut all = self.all.lock();
        if all.len() >= REMEMBERED_MAX {
            all.retain(|_, seat| seat.is_taken.load(Ordering::Relaxed));
        }
        let seat = all.entry(id).or_default();
        let taken = seat.is_taken.swap(true, Ordering::AcqRel);
        (!taken).then(|| Seated { seat: seat.clone() })
    }

    /// What is remembered of a channel, whoever has it.
    pub(crate) fn look(&self, id: ChannelId) -> Option<Channel> {
        let seat = self.all.lock().get(&id).cloned();
        seat.and_then(|seat| seat.channel.lock().clone())
    }
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
        self.seat.is_taken.store(false, Ordering::Release);
    }
}
