//! Holds: money set aside before a call, then posted (all or part of it) or voided.
//!
//! A hold draws on several accounts in the order it is given, so that promotional money goes first.
//! Posting and voiding race for the hold's state in one guarded update; the loser is decided anew.

use crate::account::AccountId;
use crate::batch::{Done, Operation, apply_one, apply_one_in};
use crate::transfer::{Leg, Transfer};
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Error, Micros, Result, Timestamp};
use farebox_db::{Db, Tx, sql};

/// The most accounts that a hold may draw on.
const SOURCES_MAX: usize = 4;

/// A reservation to make. Its id is its idempotency key.
#[derive(Clone, Debug)]
pub struct Hold {
    pub id: String,
    /// Where the money may come from, in order of preference; one to four accounts.
    pub sources: Vec<AccountId>,
    /// Greater than zero.
    pub amount: Micros,
    pub expires_at: Timestamp,
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldOutcome {
    Created,
    /// The same hold was made before; nothing was done now.
    Exists,
    /// Another hold has this id; nothing was done.
    Mismatch,
    /// The sources together have less; nothing was done.
    Insufficient {
        available: Micros,
    },
}

/// How a hold is spent. `transfer.legs` are the credits; the debits come from the hold's parts.
#[derive(Clone, Debug)]
pub struct Post {
    pub hold_id: String,
    /// Positive legs only, summing to the amount to spend, which is at most what is held.
    pub transfer: Transfer,
}

/// What became of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostOutcome {
    Created,
    /// The same posting was made before; nothing was done now.
    Exists,
    /// The hold was posted differently, or another transfer has the id; nothing was done.
    Mismatch,
    /// The hold was voided or never made; nothing was done.
    NotHeld,
}

impl Hold {
    /// # Errors
    /// `Internal` where no such hold can be.
    pub(crate) fn checked(&self) -> Result<()> {
        if self.amount <= Micros::ZERO || self.sources.is_empty() || self.sources.len() > SOURCES_MAX {
            return Err(Error::internal(format!("hold {} of {} is not possible", self.id, self.amount)));
        }
        Ok(())
    }
}

/// Reserves in a transaction of its own.
pub async fn hold(db: &Db, hold: &Hold, now: Timestamp) -> Result<HoldOutcome> {
    match apply_one(db, Operation::Hold(hold.clone()), now).await? {
        Done::Hold(outcome) => Ok(outcome),
        other => Err(unexpected(&other)),
    }
}

/// Spends a hold in a transaction of its own: what the credits sum to is taken from its parts in order, the rest is
/// released.
pub async fn post(db: &Db, post: &Post, now: Timestamp) -> Result<PostOutcome> {
    match apply_one(db, Operation::Post(post.clone()), now).await? {
        Done::Post(outcome) => Ok(outcome),
        other => Err(unexpected(&other)),
    }
}

/// Releases a hold in a transaction of its own. `false`: it was resolved before, or never made; nothing was done.
pub async fn void(db: &Db, hold_id: &str, now: Timestamp) -> Result<bool> {
    voided(apply_one(db, Operation::Void(hold_id.to_owned()), now).await?)
}

/// As [`void`], inside a transaction that may do more.
pub async fn void_in(tx: &mut Tx, hold_id: &str, now: Timestamp) -> Result<bool> {
    voided(apply_one_in(tx, &Operation::Void(hold_id.to_owned()), now).await?)
}

fn voided(done: Done) -> Result<bool> {
    match done {
        Done::Void(did) => Ok(did),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(done: &Done) -> Error {
    Error::internal(format!("an operation on a hold was answered {done:?}"))
}

/// Splits the amount over sources, given by place and what they have, in order; `Err` carries what they have together if
/// that is too little.
pub(crate) fn divide(
    amount: Micros,
    sources: &[(usize, Micros)],
) -> Result<std::result::Result<Vec<(usize, Micros)>, Micros>> {
    let mut parts = Vec::with_capacity(1);
    let (mut missing, mut total) = (amount, Micros::ZERO);
    for (place, has) in sources {
        let has = (*has).max(Micros::ZERO);
        total = total.checked_add(has)?;
        let take = has.min(missing);
        if !take.is_zero() {
            parts.push((*place, take));
            missing = missing.checked_sub(take)?;
        }
    }
    Ok(if missing.is_zero() { Ok(parts) } else { Err(total) })
}

pub(crate) fn hold_digest(hold: &Hold) -> [u8; 32] {
    let mut bytes = hold.amount.get().to_le_bytes().to_vec();
    for source in &hold.sources {
        bytes.extend_from_slice(source.text().as_bytes());
        bytes.push(b'\n');
    }
    *blake3::hash(&bytes).as_bytes()
}

/// What a posting takes of the parts that are held.
pub(crate) fn checked_amount(post: &Post, parts: &[(usize, Micros)]) -> Result<Micros> {
    let mut amount = Micros::ZERO;
    for Leg { account, amount: credit } in &post.transfer.legs {
        if *credit <= Micros::ZERO {
            return Err(Error::internal(format!("posting {} credits {credit} to {account}", post.transfer.id)));
        }
        amount = amount.checked_add(*credit)?;
    }
    let mut held = Micros::ZERO;
    for (_, part) in parts {
        held = held.checked_add(*part)?;
    }
    if amount.is_zero() || amount > held {
        return Err(Error::internal(format!("posting {} spends {amount} of {held} held", post.transfer.id)));
    }
    Ok(if is_planted(Bug::WholeHoldSpent) { held } else { amount })
}

/// Releases up to `limit` holds whose time is over; answers how many. Running it twice changes nothing more.
pub async fn holds_expire(db: &Db, now: Timestamp, limit: i64) -> Result<u64> {
    let due_at = if is_planted(Bug::ExpiryIgnored) { Timestamp::from_micros(i64::MAX) } else { now };
    let due = db
        .query(
            sql!(
                "SELECT id FROM hold WHERE state = 'held' AND part = 0 AND expires_at <= $1
                 ORDER BY expires_at, id LIMIT $2"
            ),
            &[due_at.into(), limit.into()],
        )
        .await?;
    let mut released = 0;
    for row in due {
        let id: String = row.get(0)?;
        released += u64::from(void(db, &id, now).await?);
    }
    Ok(released)
}
