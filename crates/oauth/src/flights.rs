//! One renewal of a connection at a time in this process, so that those who wait for it do not ask the database.

use farebox_base::OauthConnectionId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

type Seats = Arc<Mutex<HashMap<OauthConnectionId, Arc<tokio::sync::Mutex<()>>>>>;

/// Who renews what.
#[derive(Default)]
pub(crate) struct Flights(Seats);

/// The right to renew one connection, until it is dropped.
pub(crate) struct Seat {
    seats: Seats,
    id: OauthConnectionId,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    /// Waits for the connection's seat.
    pub(crate) async fn seat(&self, id: OauthConnectionId) -> Seat {
        let lock = self.0.lock().entry(id).or_default().clone();
        Seat { seats: self.0.clone(), id, guard: Some(lock.lock_owned().await) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock();
        self.guard = None;
        if seats.get(&self.id).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            seats.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::{ManualClock, SystemRng, Timestamp};

    #[tokio::test]
    async fn a_seat_is_taken_by_one_at_a_time_and_nothing_is_left_of_it() {
        let (flights, clock) = (Flights::default(), ManualClock::at(Timestamp::from_micros(0)));
        let (one, other) =
            (OauthConnectionId::generate(&clock, &SystemRng), OauthConnectionId::generate(&clock, &SystemRng));
        let seat = flights.seat(one).await;
        let waiting = flights.seat(one);
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut waiting).await.is_err());
        drop(flights.seat(other).await);
        drop(seat);
        drop(waiting.await);
        assert!(flights.0.lock().is_empty());
    }
}
