//! Batches: many operations on the book in one transaction, decided in memory and written set by set.
//!
//! Every change of the book goes through here, also one that is alone. What the accounts have is read, the operations
//! are decided one after the other as if each were alone, and what comes of all of them is written: one update per
//! account, one statement per table. The update is guarded: where another process changed an account in between so that
//! it would fall below its floor, the whole batch is decided anew.
//!
//! Invariant: every outcome but `Created` (and a void that did something) leaves no trace.

mod load;
mod plan;
mod seal;
mod write;

pub(crate) use seal::{ENTRIES_MAX, Sealed, first_number, seal};

use crate::account::AccountId;
use crate::hold::{Hold, HoldOutcome, Post, PostOutcome};
use crate::transfer::{Outcome, Transfer};
use farebox_base::{Error, Kind, Micros, Result, Timestamp};
use farebox_db::{Db, Isolation, LOST_RACE, Tx, sql, tx};
use std::sync::atomic::{AtomicBool, Ordering};

/// One thing to do to the book.
#[derive(Clone, Debug)]
pub enum Operation {
    Transfer(Transfer),
    Hold(Hold),
    Post(Post),
    /// Release a hold, by its id.
    Void(String),
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Transfer(Outcome),
    Hold(HoldOutcome),
    Post(PostOutcome),
    /// `false`: the hold was resolved before, or never made; nothing was done.
    Void(bool),
}

/// Whose commits and entries are numbered together. One writer uses one chain at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(i64);

impl ChainId {
    /// The chain of whatever has no writer of its own; its users wait for each other.
    pub const SHARED: ChainId = ChainId(0);

    pub(crate) const fn of(id: i64) -> Self {
        Self(id)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    /// Begins a chain of one's own. Where only one process can write, it goes on with the chain of the one before.
    pub async fn begin(db: &Db) -> Result<Self> {
        tx!(db, tx => { begin_in(tx).await })
    }
}

async fn begin_in(tx: &mut Tx) -> Result<ChainId> {
    let row = tx.one(sql!("SELECT COALESCE(MAX(id), 0) FROM chain"), &[]).await?;
    let newest: i64 = row.map_or(Ok(0), |row| row.get(0))?;
    if tx.is_alone() && newest > 0 {
        return Ok(ChainId(newest));
    }
    let id = newest + 1;
    tx.execute_one(sql!("INSERT INTO chain (id, seq, entries) VALUES ($1, 0, 0)"), &[id.into()]).await?;
    Ok(ChainId(id))
}

/// What is set aside of an account beside the book, for calls that are paid for when they end. Holds leave it alone.
pub trait SetAside: Send + Sync {
    fn of(&self, account: &AccountId) -> Micros;
}

/// Nothing is set aside.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingSetAside;

impl SetAside for NothingSetAside {
    fn of(&self, _: &AccountId) -> Micros {
        Micros::ZERO
    }
}

/// Operations to do together.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub operations: &'a [Operation],
    pub chain: ChainId,
    pub now: Timestamp,
    /// The ids of all transfers and new holds were made for this batch, so that none can be in the book yet. Where one
    /// is nevertheless, nothing is written: the batch loses a race and must run again without the promise, or an
    /// operation that would have been seen before is refused for another reason.
    pub ids_are_new: bool,
    pub set_aside: &'a dyn SetAside,
}

/// What a batch did.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// One for each operation, in order.
    pub done: Vec<Done>,
    /// What each account that was looked at has available now.
    pub available: Vec<(AccountId, Micros)>,
}

/// Applies a batch in a transaction of its own.
pub async fn apply(db: &Db, batch: Batch<'_>) -> Result<Applied> {
    let ran = AtomicBool::new(false);
    tx!(db, Isolation::ReadCommitted, tx => {
        let first = !ran.swap(true, Ordering::Relaxed);
        apply_in(tx, Batch { ids_are_new: batch.ids_are_new && first, ..batch }).await
    })
}

/// Applies a batch inside a transaction that may do more.
pub async fn apply_in(tx: &mut Tx, batch: Batch<'_>) -> Result<Applied> {
    if batch.operations.is_empty() {
        return Ok(Applied::default());
    }
    let mut book = load::load_in(tx, &batch).await?;
    let mut done = Vec::with_capacity(batch.operations.len());
    for operation in batch.operations {
        done.push(book.decide(operation)?);
    }
    write::write_in(tx, &mut book, batch.chain, batch.now).await?;
    Ok(Applied { done, available: book.available()? })
}

/// Applies one operation in a transaction of its own, on the shared chain.
pub(crate) async fn apply_one(db: &Db, operation: Operation, now: Timestamp) -> Result<Done> {
    tx!(db, Isolation::ReadCommitted, tx => { apply_one_in(tx, &operation, now).await })
}

/// Applies one operation inside a transaction that may do more.
pub(crate) async fn apply_one_in(tx: &mut Tx, operation: &Operation, now: Timestamp) -> Result<Done> {
    let operations = std::slice::from_ref(operation);
    let set_aside = &NothingSetAside;
    let batch = Batch { operations, chain: ChainId::SHARED, now, ids_are_new: false, set_aside };
    let mut done = apply_in(tx, batch).await?.done;
    done.pop().ok_or_else(|| Error::internal("a batch answered nothing"))
}

/// The error that makes `tx!` run the block again.
pub(crate) fn lost_race() -> Error {
    Error::new(Kind::Unavailable, LOST_RACE, "Another request changed the same money first; try again")
}
