//! Looking back at what has ended: whether the chain still has it, and what to do where it has not.
//!
//! A payment that was counted as final may be taken back by a reorganisation deeper than `confirmations`. One block's
//! hash tells for all blocks before it; only where that changed are receipts asked for. What is in no block any more is
//! sent again as it was. Invariant: nothing ends for good as lost without a line of the log that names it.

use super::ended::{self, Ended};
use super::flight::Flight;
use super::{Core, SendError, SendOutcome, journal};
use crate::chain::abi::amount_moved;
use crate::chain::rpc::Receipt;
use crate::chain::transaction::Transaction;
use alloy_primitives::B256;
use farebox_base::Timestamp;
use farebox_db::{Isolation, tx};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Blocks for which ended transactions are watched, in confirmations, and at least.
const DEPTH_TIMES: u64 = 4;
const DEPTH_MIN: u64 = 32;
/// They are watched at least so long unless that depth comes first.
const WATCHED_FOR: Duration = Duration::from_mins(10);
/// The shortest and the longest time between two looks.
const EVERY_MIN: Duration = Duration::from_millis(500);
const EVERY_MAX: Duration = Duration::from_secs(5);
/// A node may be so many blocks behind before what it lacks counts as taken back.
const BEHIND_BLOCKS: u32 = 2;
/// Of so many rows that ended last one is in the highest block.
const NEWEST: i64 = 50;
/// Rows that are looked at after a reorganisation.
const ROWS_MAX: i64 = 10_000;
/// Rows that are begun again in one transaction.
const AT_ONCE: usize = 100;

/// What reorganisations took back after it was final, since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reorganised {
    /// Transactions that were sent again.
    pub sent_again: u64,
    /// Of those that had been mined, how many failed then: what they paid is not there.
    pub lost: u64,
}

/// What is remembered between two looks.
#[derive(Default)]
pub(super) struct Hindsight {
    sent_again: AtomicU64,
    lost: AtomicU64,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    looked_at: Option<Timestamp>,
    doubt: Doubt,
    /// The block that was found too deep to be taken back; nothing newer has ended.
    deep: Option<B256>,
}

#[derive(Clone, Copy, Default)]
enum Doubt {
    #[default]
    None,
    /// The chain did not have this block when it was asked, which a node that is behind explains as well.
    Of { block: u64, hash: B256, since: Timestamp },
    /// It still has not: everything has to be looked at, until that is done.
    Due,
}

impl Hindsight {
    pub(super) fn counts(&self) -> Reorganised {
        Reorganised { sent_again: self.sent_again.load(Ordering::Relaxed), lost: self.lost.load(Ordering::Relaxed) }
    }

    fn is_turn(&self, now: Timestamp, every: Duration) -> bool {
        let mut memory = self.memory.lock();
        let is_turn = memory.looked_at.is_none_or(|at| now >= at.plus(every));
        if is_turn {
            memory.looked_at = Some(now);
        }
        is_turn
    }

    fn is_due(&self) -> bool {
        matches!(self.memory.lock().doubt, Doubt::Due)
    }
}

impl Core {
    /// Compares the newest block of ours with the chain's, where it is time to, and looks closer where they go on to differ.
    pub(super) async fn look_back(&self) -> Result<(), SendError> {
        let (now, hint) = (self.clock.now(), self.settings.block_time_hint);
        if !self.hindsight.is_turn(now, hint.clamp(EVERY_MIN, EVERY_MAX)) {
            return Ok(());
        }
        let depth = self.settings.confirmations.saturating_mul(DEPTH_TIMES).max(DEPTH_MIN);
        let window = hint.saturating_mul(u32::try_from(depth).unwrap_or(u32::MAX).saturating_mul(2)).max(WATCHED_FOR);
        if !self.hindsight.is_due() {
            let newest = ended::since(&self.db, &self.owner, now.minus(window), NEWEST).await?;
            let Some(anchor) = newest.into_iter().max_by_key(|one| one.block) else { return Ok(()) };
            self.compare((anchor.block, anchor.block_hash), depth, now).await?;
        }
        if self.hindsight.is_due() {
            let rows = ended::since(&self.db, &self.owner, now.minus(window), ROWS_MAX).await?;
            if self.examine(rows).await? {
                self.hindsight.memory.lock().doubt = Doubt::None;
            }
        }
        Ok(())
    }

    async fn compare(&self, newest: (u64, B256), depth: u64, now: Timestamp) -> Result<(), SendError> {
        let ((block, hash), since) = {
            let memory = self.hindsight.memory.lock();
            match memory.doubt {
                Doubt::Of { block, hash, since } => ((block, hash), since),
                Doubt::None | Doubt::Due if memory.deep == Some(newest.1) => return Ok(()),
                Doubt::None | Doubt::Due => (newest, now),
            }
        };
        let (head, found) = self.rpc.head_and_hash_of(block).await?;
        let has_it = found == Some(hash);
        let patience = self.settings.block_time_hint.saturating_mul(BEHIND_BLOCKS);
        let mut memory = self.hindsight.memory.lock();
        memory.doubt = match has_it {
            true => Doubt::None,
            false if now > since && now >= since.plus(patience) => Doubt::Due,
            false => Doubt::Of { block, hash, since },
        };
        memory.deep = (has_it && head.saturating_sub(block) >= depth).then_some(hash);
        Ok(())
    }

    /// Asks for the receipts of these: what is in another block is noted, what is in none is begun again. Answers whether
    /// the node could tell of all.
    pub(super) async fn examine(&self, rows: Vec<Ended>) -> Result<bool, SendError> {
        let hashes: Vec<B256> = rows.iter().map(|row| row.hash).collect();
        let answers = self.rpc.receipts(&hashes).await?;
        let (mut moved, mut gone, mut is_whole) = (Vec::new(), Vec::new(), true);
        for (row, answer) in rows.into_iter().zip(answers) {
            match answer {
                Err(_) => is_whole = false,
                Ok(Some(Receipt { succeeded, block, block_hash, .. })) if succeeded == row.succeeded => {
                    if block_hash != row.block_hash {
                        moved.push(Ended { block, block_hash, ..row });
                    }
                }
                Ok(_) => gone.push(row),
            }
        }
        if !moved.is_empty() {
            let now = self.clock.now();
            tx!(self.db, Isolation::ReadCommitted, tx => { ended::move_in(tx, &moved, now).await })?;
        }
        gone.sort_by_key(|row| row.nonce);
        for part in gone.chunks(AT_ONCE) {
            self.begin_again(part).await?;
        }
        Ok(is_whole)
    }

    async fn begin_again(&self, gone: &[Ended]) -> Result<(), SendError> {
        let now = self.clock.now();
        let begun = tx!(self.db, Isolation::ReadCommitted, tx => { ended::begin_again_in(tx, gone, now).await })?;
        if begun.is_empty() {
            return Ok(());
        }
        self.hindsight.sent_again.fetch_add(u64::try_from(begun.len()).unwrap_or_default(), Ordering::Relaxed);
        tracing::warn!(
            network = %self.settings.caip2,
            transactions = begun.len(),
            "a reorganisation deeper than confirmations took back final transactions; sending them again"
        );
        for id in begun {
            if let Some(journal::Found::Unfinished(flight)) = journal::find(&self.db, &self.owner, id).await? {
                tracing::info!(%id, nonce = flight.nonce, hash = %flight.newest.hash, "sent again after a reorganisation");
                self.adopt(*flight);
            }
        }
        Ok(())
    }

    /// Tells of a transaction that was counted as mined before what has become of it now.
    pub(super) fn tell_of_second_end(&self, counted: B256, flight: &Flight, outcome: &SendOutcome) {
        let payment = flight.id;
        match outcome {
            SendOutcome::Failed { hash, reason } => {
                self.hindsight.lost.fetch_add(1, Ordering::Relaxed);
                let sent = flight.forms().filter_map(|form| Transaction::read(&form.raw));
                let paid = sent.filter_map(|sent| Some((sent.to, amount_moved(&sent.data)?))).next();
                let (contract, amount) = paid.unzip();
                tracing::error!(
                    network = %self.settings.caip2, %payment, %counted, failed = %hash, reason,
                    amount = amount.map(tracing::field::display), contract = contract.map(tracing::field::display),
                    "a settled payment is gone: a reorganisation took its transaction back, and sent again it failed"
                );
            }
            SendOutcome::Mined(receipt) => {
                tracing::warn!(%payment, %counted, hash = %receipt.hash, "a payment that a reorganisation took back is settled again");
            }
            SendOutcome::Pending { .. } => {}
        }
    }
}
