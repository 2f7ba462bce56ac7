//! Which of the payments that others have left are asked for in a round.
//!
//! Kept in memory: where each network's next round goes on, and when each payment was asked for. Invariants: every payment
//! has its turn, however many before it stay open; one that stays open is asked for less and less often.

use crate::Calls;
use farebox_base::{CallId, Result, Ticks, Timestamp};
use farebox_db::sql;
use farebox_x402::network::Caip2;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// How many payments one round takes up.
const ROUND: usize = 100;
/// How many are looked through for that.
const LOOKED_AT: i64 = 2_000;
/// After the first time that a payment has not ended; doubled each time.
const AGAIN_FIRST: Duration = Duration::from_secs(2);
const AGAIN_MAX: Duration = Duration::from_secs(60);
/// Payments that are remembered before those are forgotten that nobody asks for any more.
const ASKED_MAX: usize = 10_000;

/// What this process knows of earlier rounds.
#[derive(Default)]
pub(crate) struct Rounds {
    asked: Mutex<HashMap<CallId, Asked>>,
    /// The last payment that was looked at, by network; none: a round begins with the oldest.
    places: Mutex<HashMap<Caip2, Place>>,
}

#[derive(Clone, Copy)]
struct Asked {
    at: Ticks,
    wait: Duration,
}

type Place = (Timestamp, CallId);

impl Rounds {
    fn is_due(&self, id: CallId, now: Ticks) -> bool {
        self.asked.lock().get(&id).is_none_or(|asked| now.since(asked.at) >= asked.wait)
    }

    /// It was asked for and has not ended.
    pub(super) fn asked(&self, id: CallId, now: Ticks) {
        let mut all = self.asked.lock();
        if all.len() >= ASKED_MAX {
            all.retain(|_, asked| now.since(asked.at) < 10 * AGAIN_MAX);
        }
        let wait = all.get(&id).map_or(AGAIN_FIRST, |asked| (asked.wait * 2).min(AGAIN_MAX));
        all.insert(id, Asked { at: now, wait });
    }

    pub(super) fn ended(&self, id: CallId) {
        self.asked.lock().remove(&id);
    }

    /// Of payments in their order those that are due, as many as a round takes; and where the next one goes on.
    fn pick(&self, seen: &[Place], is_last: bool, now: Ticks) -> (Vec<CallId>, Option<Place>) {
        let mut due = Vec::new();
        for place in seen {
            if due.len() == ROUND {
                break;
            }
            if self.is_due(place.1, now) {
                due.push(place.1);
            }
        }
        let is_full = due.len() == ROUND;
        let last = if is_full { due.last().and_then(|id| seen.iter().find(|seen| seen.1 == *id)) } else { seen.last() };
        (due, last.filter(|_| is_full || !is_last).copied())
    }
}

impl Calls {
    /// The payments of a network that the next round takes up, the oldest first.
    pub(super) async fn due_on(&self, network: &Caip2, until: Timestamp) -> Result<Vec<CallId>> {
        const LEFT: &str = sql!(
            "SELECT earned_at, id FROM payment
             WHERE state = 'earned' AND network = $1 AND earned_at <= $2
               AND (earned_at > $3 OR (earned_at = $3 AND id > $4))
             ORDER BY earned_at, id LIMIT $5"
        );
        let place = self.rounds.places.lock().get(network).copied();
        let (after, id) = match place {
            Some((after, id)) => (after, id.to_string()),
            None => (Timestamp::from_micros(i64::MIN), String::new()),
        };
        let params = [network.as_str().into(), until.into(), after.into(), id.as_str().into(), LOOKED_AT.into()];
        let mut seen = Vec::new();
        let rows = self.parts.db.query(LEFT, &params).await?;
        for row in &rows {
            let id: String = row.get(1)?;
            match CallId::parse(&id) {
                Some(id) => seen.push((row.get(0)?, id)),
                None => tracing::error!(%id, "a payment that was begun has no such id; look at its row"),
            }
        }
        let is_last = i64::try_from(rows.len()).is_ok_and(|rows| rows < LOOKED_AT);
        let (due, next) = self.rounds.pick(&seen, is_last, self.parts.clock.ticks());
        let mut places = self.rounds.places.lock();
        match next {
            Some(next) => drop(places.insert(network.clone(), next)),
            None => drop(places.remove(network)),
        }
        Ok(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::{ManualClock, SystemRng};

    fn at(s: u64) -> Ticks {
        Ticks::from_micros(s * 1_000_000)
    }

    fn payments(count: i64) -> Vec<Place> {
        let clock = ManualClock::at(Timestamp::from_micros(1));
        (0..count).map(|n| (Timestamp::from_micros(n), CallId::generate(&clock, &SystemRng))).collect()
    }

    #[test]
    fn what_stays_open_is_asked_for_less_and_less_often_and_at_least_every_minute() {
        let (rounds, id) = (Rounds::default(), payments(1)[0].1);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert!(rounds.is_due(id, at(now)));
            rounds.asked(id, at(now));
            let wait = (1..).find(|wait| rounds.is_due(id, at(now + wait))).unwrap();
            waits.push(wait);
            now += wait;
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        rounds.ended(id);
        assert!(rounds.is_due(id, at(now)));
    }

    #[test]
    fn rounds_go_on_where_the_last_one_ended_and_begin_again_at_the_end() {
        let (rounds, all) = (Rounds::default(), payments(150));
        let (first, next) = rounds.pick(&all, true, at(0));
        assert_eq!((first.len(), next), (ROUND, Some(all[ROUND - 1])));
        let (second, next) = rounds.pick(&all[ROUND..], true, at(0));
        assert_eq!((second.len(), next), (50, None));
        first.iter().for_each(|id| rounds.asked(*id, at(0)));
        let (third, _) = rounds.pick(&all, true, at(1));
        assert_eq!(third, second, "what was asked for a moment ago is passed over");
        let (_, next) = rounds.pick(&all[..50], false, at(1));
        assert_eq!(next, Some(all[49]), "more may follow");
    }
}
