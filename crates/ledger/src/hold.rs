//! Holds: money set aside before a call, then posted (all or part of it) or voided.
//!
//! A hold draws on several accounts in the order it is given, so that promotional money goes first.
//! Posting and voiding race for the hold's state in one guarded update; the loser changes nothing.

use crate::account::AccountId;
use crate::balance::{SOURCES_MAX, available_in, balance_add_in, reserve_in, settle_reserved_in};
use crate::transfer::{Entry, Leg, Outcome, Record, Transfer, digest, entries_in, lost_race, record_in, seen_in};
use farebox_base::{Error, Micros, Result, Timestamp};
use farebox_db::{Db, Isolation, Tx, sql, tx};

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

struct Part {
    account: String,
    amount: Micros,
    state: String,
}

/// Reserves in a transaction of its own.
pub async fn hold(db: &Db, hold: &Hold, now: Timestamp) -> Result<HoldOutcome> {
    tx!(db, Isolation::ReadCommitted, tx => { hold_in(tx, hold, now).await })
}

/// Reserves, inside a transaction that may do more. Every outcome but `Created` leaves no trace.
pub async fn hold_in(tx: &mut Tx, hold: &Hold, now: Timestamp) -> Result<HoldOutcome> {
    if hold.amount <= Micros::ZERO || hold.sources.is_empty() || hold.sources.len() > SOURCES_MAX {
        return Err(Error::internal(format!("hold {} of {} is not possible", hold.id, hold.amount)));
    }
    let digest = hold_digest(hold);
    let available = available_in(tx, &hold.sources).await?;
    let parts = match divide(hold, &available)? {
        Ok(parts) => parts,
        Err(available) => {
            let insufficient = HoldOutcome::Insufficient { available };
            return Ok(held_before_in(tx, hold, &digest).await?.unwrap_or(insufficient));
        }
    };
    for (index, (account, amount)) in parts.iter().enumerate() {
        if !part_in(tx, hold, index, account, *amount, &digest, now).await? {
            return held_before_in(tx, hold, &digest).await?.ok_or_else(lost_race);
        }
    }
    let mut in_order: Vec<&(&AccountId, Micros)> = parts.iter().collect();
    in_order.sort_by(|a, b| a.0.cmp(b.0));
    for (account, amount) in in_order {
        if !reserve_in(tx, account, *amount).await? {
            return Err(lost_race());
        }
    }
    Ok(HoldOutcome::Created)
}

/// Whether a hold of this id was made before, and whether it was this one.
async fn held_before_in(tx: &mut Tx, hold: &Hold, digest: &[u8; 32]) -> Result<Option<HoldOutcome>> {
    let seen = tx.one(sql!("SELECT digest FROM hold WHERE id = $1 AND part = 0"), &[hold.id.as_str().into()]).await?;
    let Some(row) = seen else { return Ok(None) };
    let is_same = row.get::<&[u8]>(0)? == digest;
    Ok(Some(if is_same { HoldOutcome::Exists } else { HoldOutcome::Mismatch }))
}

/// Splits the amount over the sources in order; `Err` carries what they have together if that is too little.
fn divide<'a>(
    hold: &'a Hold,
    available: &[Micros],
) -> Result<std::result::Result<Vec<(&'a AccountId, Micros)>, Micros>> {
    let mut parts = Vec::with_capacity(1);
    let (mut missing, mut total) = (hold.amount, Micros::ZERO);
    for (account, has) in hold.sources.iter().zip(available) {
        let has = (*has).max(Micros::ZERO);
        total = total.checked_add(has)?;
        let take = has.min(missing);
        if !take.is_zero() {
            parts.push((account, take));
            missing = missing.checked_sub(take)?;
        }
    }
    Ok(if missing.is_zero() { Ok(parts) } else { Err(total) })
}

/// Writes one part. `false`: there is a hold of this id.
async fn part_in(
    tx: &mut Tx,
    hold: &Hold,
    index: usize,
    account: &AccountId,
    amount: Micros,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<bool> {
    let written = tx
        .execute(
            sql!(
                "INSERT INTO hold (id, part, account_id, amount, state, digest, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, 'held', $5, $6, $7) ON CONFLICT (id, part) DO NOTHING"
            ),
            &[
                hold.id.as_str().into(),
                i64::try_from(index).unwrap_or(i64::MAX).into(),
                account.text().into(),
                amount.into(),
                digest.as_slice().into(),
                now.into(),
                hold.expires_at.into(),
            ],
        )
        .await?;
    Ok(written == 1)
}

fn hold_digest(hold: &Hold) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(&hold.amount.get().to_le_bytes());
    for source in &hold.sources {
        hash.update(source.text().as_bytes());
        hash.update(b"\n");
    }
    *hash.finalize().as_bytes()
}

/// Spends a hold in a transaction of its own.
pub async fn post(db: &Db, post: &Post, now: Timestamp) -> Result<PostOutcome> {
    tx!(db, Isolation::ReadCommitted, tx => { post_in(tx, post, now).await })
}

/// Spends a hold: what the credits sum to is taken from its parts in order, the rest is released.
pub async fn post_in(tx: &mut Tx, post: &Post, now: Timestamp) -> Result<PostOutcome> {
    let digest = digest(&post.transfer, Some(&post.hold_id));
    let parts = parts_in(tx, &post.hold_id).await?;
    if parts.first().is_none_or(|part| part.state != "held") {
        let is_posted = parts.first().is_some_and(|part| part.state == "posted");
        return Ok(match (seen_in(tx, &post.transfer.id, &digest).await?, is_posted) {
            (Some(Outcome::Exists), _) => PostOutcome::Exists,
            (None, false) => PostOutcome::NotHeld,
            _ => PostOutcome::Mismatch,
        });
    }
    let amount = checked_amount(post, &parts)?;
    let record = Record { transfer: &post.transfer, digest: &digest, hold_id: Some(&post.hold_id), now };
    if !record_in(tx, &record).await? {
        let seen = seen_in(tx, &post.transfer.id, &digest).await?.ok_or_else(lost_race)?;
        return Ok(if seen == Outcome::Exists { PostOutcome::Exists } else { PostOutcome::Mismatch });
    }
    if !resolve_in(tx, &post.hold_id, "posted", parts.len(), now).await? {
        return Err(lost_race());
    }
    let mut entries = spend_in(tx, parts, amount).await?;
    let mut credits = post.transfer.legs.clone();
    credits.sort_by(|a, b| a.account.cmp(&b.account));
    for leg in &credits {
        let balance_after = balance_add_in(tx, &leg.account, leg.amount, now).await?.balance();
        entries.push(Entry { account: leg.account.text().to_owned(), amount: leg.amount, balance_after });
    }
    entries_in(tx, &post.transfer.id, &entries, now).await?;
    Ok(PostOutcome::Created)
}

fn checked_amount(post: &Post, parts: &[Part]) -> Result<Micros> {
    let mut amount = Micros::ZERO;
    for Leg { account, amount: credit } in &post.transfer.legs {
        if *credit <= Micros::ZERO {
            return Err(Error::internal(format!("posting {} credits {credit} to {account}", post.transfer.id)));
        }
        amount = amount.checked_add(*credit)?;
    }
    let mut held = Micros::ZERO;
    for part in parts {
        held = held.checked_add(part.amount)?;
    }
    if amount.is_zero() || amount > held {
        return Err(Error::internal(format!("posting {} spends {amount} of {held} held", post.transfer.id)));
    }
    Ok(amount)
}

/// Takes `amount` from the parts in order and releases the rest; answers the debits.
async fn spend_in(tx: &mut Tx, parts: Vec<Part>, amount: Micros) -> Result<Vec<Entry>> {
    let mut spends = Vec::with_capacity(parts.len());
    let mut missing = amount;
    for part in parts {
        let spent = part.amount.min(missing);
        missing = missing.checked_sub(spent)?;
        spends.push((part, spent));
    }
    spends.sort_by(|a, b| a.0.account.cmp(&b.0.account));
    let mut debits = Vec::with_capacity(spends.len() + 2);
    for (part, spent) in spends {
        let after = settle_reserved_in(tx, &part.account, part.amount, spent).await?;
        if !spent.is_zero() {
            let amount = Micros::ZERO.checked_sub(spent)?;
            debits.push(Entry { account: part.account, amount, balance_after: Some(after) });
        }
    }
    Ok(debits)
}

/// Releases a hold. `false`: it was resolved before, or never made; nothing was done.
pub async fn void_in(tx: &mut Tx, hold_id: &str, now: Timestamp) -> Result<bool> {
    let parts = parts_in(tx, hold_id).await?;
    if parts.first().is_none_or(|part| part.state != "held") {
        return Ok(false);
    }
    if !resolve_in(tx, hold_id, "voided", parts.len(), now).await? {
        return Err(lost_race());
    }
    spend_in(tx, parts, Micros::ZERO).await?;
    Ok(true)
}

/// Releases a hold in a transaction of its own.
pub async fn void(db: &Db, hold_id: &str, now: Timestamp) -> Result<bool> {
    tx!(db, Isolation::ReadCommitted, tx => { void_in(tx, hold_id, now).await })
}

/// Releases up to `limit` holds whose time is over; answers how many. Running it twice changes nothing more.
pub async fn holds_expire(db: &Db, now: Timestamp, limit: i64) -> Result<u64> {
    let due = db
        .query(
            sql!(
                "SELECT id FROM hold WHERE state = 'held' AND part = 0 AND expires_at <= $1
                 ORDER BY expires_at, id LIMIT $2"
            ),
            &[now.into(), limit.into()],
        )
        .await?;
    let mut released = 0;
    for row in due {
        let id: String = row.get(0)?;
        released += u64::from(void(db, &id, now).await?);
    }
    Ok(released)
}

async fn parts_in(tx: &mut Tx, hold_id: &str) -> Result<Vec<Part>> {
    let rows = tx
        .query(sql!("SELECT account_id, amount, state FROM hold WHERE id = $1 ORDER BY part"), &[hold_id.into()])
        .await?;
    rows.iter().map(|row| Ok(Part { account: row.get(0)?, amount: row.get(1)?, state: row.get(2)? })).collect()
}

/// Moves a hold from held to `state`. `false`: another transaction resolved it in the meantime.
async fn resolve_in(tx: &mut Tx, hold_id: &str, state: &str, parts: usize, now: Timestamp) -> Result<bool> {
    let changed = tx
        .execute(
            sql!("UPDATE hold SET state = $2, resolved_at = $3 WHERE id = $1 AND state = 'held'"),
            &[hold_id.into(), state.into(), now.into()],
        )
        .await?;
    Ok(usize::try_from(changed).is_ok_and(|n| n == parts))
}
