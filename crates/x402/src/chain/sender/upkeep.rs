//! What a flight needs besides receipts: to be sent again, to be replaced, to have the way before it cleared.

use super::flight::{Flight, Need, Stage};
use super::repair::Repair;
use super::{Core, SendError, ended, journal};
use crate::chain::rpc::{Call, CallAt, RpcError};
use farebox_base::Timestamp;
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

/// The first wait before bytes that no node took are sent again; doubled each time.
const AGAIN_FIRST: Duration = Duration::from_millis(250);
const AGAIN_DOUBLINGS_MAX: u32 = 6;
/// Unfinished rows that are older than this and that nobody here watches are another process's legacy.
const ORPHANED_AFTER: Duration = Duration::from_secs(15);
/// The shortest time for which a nonce must be seen as used before its transaction gets another one.
const SUSPECT_AT_LEAST: Duration = Duration::from_secs(2);
/// How long a flight that could not be helped waits for the next attempt.
const HELPLESS_FOR: Duration = Duration::from_millis(500);
/// Nonces that are looked up, and those of them that are filled, in one round; the next ones go on.
const GAP_LOOKED_AT: u64 = 1_000;
const GAP_FILLED: usize = 16;

/// The wallet's nonces as the chain sees them.
#[derive(Debug, Clone, Copy)]
struct Nonces {
    /// The next one to be mined.
    next: u64,
    /// The next one after the block `settled_at`, the newest that is deep enough to count.
    settled: u64,
    settled_at: u64,
    /// The next one after all that waits in the node's pool.
    pending: u64,
}

impl Core {
    /// One round of looking after everything.
    pub(super) async fn upkeep(&self) {
        if let Err(error) = self.gas.refresh(&self.rpc, &*self.clock).await {
            tracing::debug!(%error, "the gas wallet's balance can't be read");
        }
        self.send_again();
        if let Err(error) = self.look_back().await {
            tracing::warn!(%error, "what has ended can't be looked at again; trying again");
        }
        if let Err(error) = self.help().await {
            tracing::warn!(%error, "transactions in flight can't be looked after; trying again");
        }
        if let Err(error) = self.adopt_orphans().await {
            tracing::warn!(%error, "unfinished transactions can't be read; trying again");
        }
    }

    fn send_again(&self) {
        let now = self.clock.now();
        let due = |flight: &mut Flight| {
            let wait = match flight.stage {
                Stage::Included => return None,
                Stage::New => AGAIN_FIRST * (1 << flight.tries.min(AGAIN_DOUBLINGS_MAX)),
                Stage::Broadcast => self.settings.stuck_after / 2,
            };
            let is_due = flight.sent_at.is_some_and(|at| now >= at.plus(wait));
            is_due.then(|| {
                // A batch that is still under way must not be followed by the same at once.
                flight.tries = flight.tries.saturating_add(1);
                flight.sent_at = Some(now);
                flight.id
            })
        };
        self.board.collect(due).into_iter().for_each(|id| self.broadcaster.push(id));
    }

    /// Replaces what can't go on as it is.
    async fn help(&self) -> Result<(), SendError> {
        let now = self.clock.now();
        let needy = self.board.collect(|flight| self.is_needy(flight, now).then_some(flight.id));
        if needy.is_empty() {
            return Ok(());
        }
        let (nonces, base) = (self.nonces().await?, self.fees.base().await?);
        for id in needy {
            let Some(found) = self.board.change(id, |flight| self.diagnose(flight, nonces, base, now)) else {
                continue;
            };
            let helped = match found {
                Some(Repair::Renumber { .. }) if !self.is_lost(id, nonces).await? => false,
                Some(repair) => {
                    let done = self.repair(id, repair).await;
                    done.inspect_err(|error| tracing::warn!(%id, %error, "a transaction can't be replaced now")).is_ok()
                }
                None => false,
            };
            if !helped {
                self.board.change(id, |flight| flight.helpless_at = Some(now));
            }
        }
        self.clear_the_way(nonces, now).await
    }

    fn is_needy(&self, flight: &Flight, now: Timestamp) -> bool {
        let is_stuck = now >= flight.newest.signed_at.plus(self.settings.stuck_after);
        let may_try = flight.helpless_at.is_none_or(|at| now >= at.plus(HELPLESS_FOR));
        let has_need = is_stuck || flight.need != Need::Patience || flight.owes_filler().is_some();
        flight.stage != Stage::Included && may_try && has_need
    }

    /// Looks once more, nonce and receipts in one batch, so that two nodes at different heights mislead nobody.
    async fn is_lost(&self, id: Uuid, nonces: Nonces) -> Result<bool, SendError> {
        let looked =
            self.board.change(id, |flight| (flight.nonce, flight.hashes().map(Call::receipt).collect::<Vec<_>>()));
        let Some((nonce, mut calls)) = looked else { return Ok(false) };
        calls.insert(0, Call::nonce(self.key.address(), CallAt::Block(nonces.settled_at)));
        let mut answers = self.rpc.batch(&calls).await?.into_iter();
        let seen = answers
            .next()
            .is_some_and(|answer| answer.ok().as_ref().and_then(as_number).is_some_and(|seen| seen > nonce));
        Ok(seen && answers.all(|answer| answer.is_ok_and(|receipt| receipt.is_null())))
    }

    fn diagnose(&self, flight: &mut Flight, nonces: Nonces, base: u128, now: Timestamp) -> Option<Repair> {
        if flight.nonce < nonces.settled {
            let since = *flight.suspect_since.get_or_insert(now);
            let patience = SUSPECT_AT_LEAST.max(self.settings.block_time_hint * 2);
            let at_least = nonces.pending.max(nonces.next);
            return (now >= since.plus(patience)).then_some(Repair::Renumber { at_least });
        }
        flight.suspect_since = None;
        if flight.nonce < nonces.next {
            return None;
        }
        if let Some(reason) = flight.owes_filler() {
            return Some(Repair::Fill(reason.to_owned()));
        }
        match std::mem::replace(&mut flight.need, Need::Patience) {
            Need::Filler(reason) => return Some(Repair::Fill(reason)),
            Need::Bump => return Some(Repair::Bump),
            Need::Patience | Need::NonceCheck => {}
        }
        let signed_at = flight.newest.signed_at;
        let is_stuck = now >= signed_at.plus(self.settings.stuck_after);
        let is_cheap = flight.transaction().is_some_and(|sent| sent.max_fee_per_gas < base);
        // On a chain that stands still higher fees help nobody.
        let was_passed_over = *self.block_seen_at.lock() >= signed_at.plus(self.settings.stuck_after / 2);
        let is_next = flight.nonce == nonces.next;
        (is_stuck && (is_cheap || is_next && was_passed_over)).then_some(Repair::Bump)
    }

    /// Sees to nonces below all of ours that the chain waits for: what the journal has for them is sent again, and only
    /// those that no row has are filled.
    async fn clear_the_way(&self, nonces: Nonces, now: Timestamp) -> Result<(), SendError> {
        let oldest = |flight: &mut Flight| {
            let is_waiting = now >= flight.newest.signed_at.plus(self.settings.stuck_after);
            (is_waiting && flight.stage != Stage::Included).then_some(flight.nonce)
        };
        let Some(lowest) = self.board.collect(oldest).into_iter().min() else { return Ok(()) };
        let first = nonces.pending.max(nonces.next);
        if lowest <= first {
            return Ok(());
        }
        let end = lowest.min(first.saturating_add(GAP_LOOKED_AT));
        let held = ended::held(&self.db, &self.owner, first, end).await?;
        if held.iter().any(|row| row.is_unfinished) {
            return Ok(());
        }
        let nonces: HashSet<u64> = held.iter().map(|row| row.nonce).collect();
        self.examine(held.into_iter().filter_map(|row| row.ended).collect()).await?;
        for nonce in (first..end).filter(|nonce| !nonces.contains(nonce)).take(GAP_FILLED) {
            self.fill_gap(nonce).await?;
        }
        Ok(())
    }

    async fn nonces(&self) -> Result<Nonces, RpcError> {
        let wallet = self.key.address();
        let settled_at = self.rpc.block_number().await?.saturating_sub(self.settings.confirmations.saturating_sub(1));
        let calls = [
            Call::nonce(wallet, CallAt::Latest),
            Call::nonce(wallet, CallAt::Block(settled_at)),
            Call::nonce(wallet, CallAt::Pending),
        ];
        let [next, settled, pending] = self.rpc.numbers(calls).await?;
        Ok(Nonces { next, settled, settled_at, pending })
    }

    fn is_orphans_turn(&self, now: Timestamp) -> bool {
        let mut last = self.orphans_at.lock();
        let is_turn = now >= last.plus(ORPHANED_AFTER);
        if is_turn {
            *last = now;
        }
        is_turn
    }

    async fn adopt_orphans(&self) -> Result<(), SendError> {
        let now = self.clock.now();
        if !self.is_orphans_turn(now) {
            return Ok(());
        }
        for flight in journal::unfinished(&self.db, &self.owner, now.minus(ORPHANED_AFTER)).await? {
            let id: Uuid = flight.id;
            if self.adopt(flight) {
                tracing::info!(%id, "took over a transaction that nobody watched");
            }
        }
        Ok(())
    }
}

fn as_number(value: &serde_json::Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}
