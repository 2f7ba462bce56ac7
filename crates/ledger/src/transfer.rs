//! Transfers: immutable, at most once per id, all legs or none.

use crate::account::AccountId;
use crate::balance::{Added, balance_add_in};
use farebox_base::{Error, Kind, ListingId, Micros, Result, Timestamp};
use farebox_db::{Db, Isolation, LOST_RACE, Tx, sql, tx};

/// Why money moved; shown in statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// A buyer paid for a call.
    Call,
    /// The operator credited an account by hand.
    AdminGrant,
    /// The platform's gift to a new party.
    SignupBonus,
}

impl TransferKind {
    pub const fn text(self) -> &'static str {
        match self {
            TransferKind::Call => "call",
            TransferKind::AdminGrant => "admin_grant",
            TransferKind::SignupBonus => "signup_bonus",
        }
    }
}

/// One account's part of a transfer; a positive amount goes into the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub account: AccountId,
    pub amount: Micros,
}

/// A movement of money. Its id is its idempotency key.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub id: String,
    pub kind: TransferKind,
    /// Non-zero amounts that sum to zero, each account once.
    pub legs: Vec<Leg>,
    pub listing: Option<ListingId>,
    /// One line for statements.
    pub memo: String,
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    /// The same transfer was made before; nothing was done now.
    Exists,
    /// Another transfer has this id; nothing was done.
    Mismatch,
    /// The account's floor refused the debit; nothing was done.
    Insufficient {
        account: AccountId,
    },
}

/// Moves the money in a transaction of its own.
pub async fn transfer(db: &Db, transfer: &Transfer, now: Timestamp) -> Result<Outcome> {
    tx!(db, Isolation::ReadCommitted, tx => { transfer_in(tx, transfer, now).await })
}

/// Moves the money, inside a transaction that may do more. Every outcome but `Created` leaves no trace.
pub async fn transfer_in(tx: &mut Tx, transfer: &Transfer, now: Timestamp) -> Result<Outcome> {
    let mut legs = checked_legs(transfer)?;
    let digest = digest(transfer, None);
    if let Some(outcome) = seen_in(tx, &transfer.id, &digest).await? {
        return Ok(outcome);
    }
    legs.sort_by(|a, b| a.account.cmp(&b.account));
    let mut entries = Vec::with_capacity(legs.len());
    for (index, leg) in legs.iter().enumerate() {
        let added = balance_add_in(tx, &leg.account, leg.amount, now).await?;
        if added == Added::Refused {
            take_back_in(tx, &legs[..index], now).await?;
            return Ok(Outcome::Insufficient { account: leg.account.clone() });
        }
        let (account, balance_after) = (leg.account.text().to_owned(), added.balance());
        entries.push(Entry { account, amount: leg.amount, balance_after });
    }
    if !record_in(tx, &Record { transfer, digest: &digest, hold_id: None, now }).await? {
        return Err(lost_race());
    }
    entries_in(tx, &transfer.id, &entries, now).await?;
    Ok(Outcome::Created)
}

/// Undoes the balance updates of the legs before the one that was refused.
async fn take_back_in(tx: &mut Tx, done: &[Leg], now: Timestamp) -> Result<()> {
    for leg in done {
        let back = Micros::ZERO.checked_sub(leg.amount)?;
        if balance_add_in(tx, &leg.account, back, now).await? == Added::Refused {
            return Err(Error::internal(format!("could not take back a credit to {}", leg.account)));
        }
    }
    Ok(())
}

fn checked_legs(transfer: &Transfer) -> Result<Vec<Leg>> {
    let mut sum = Micros::ZERO;
    for (index, leg) in transfer.legs.iter().enumerate() {
        if leg.amount.is_zero() {
            return Err(Error::internal(format!("transfer {} has an empty leg", transfer.id)));
        }
        if transfer.legs[..index].iter().any(|other| other.account == leg.account) {
            return Err(Error::internal(format!("transfer {} names {} twice", transfer.id, leg.account)));
        }
        sum = sum.checked_add(leg.amount)?;
    }
    if transfer.legs.len() < 2 || !sum.is_zero() {
        return Err(Error::internal(format!("transfer {} does not balance", transfer.id)));
    }
    Ok(transfer.legs.clone())
}

/// A digest of everything the transfer does, in an unambiguous encoding.
pub(crate) fn digest(transfer: &Transfer, hold_id: Option<&str>) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        hash.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(bytes);
    };
    field(transfer.kind.text().as_bytes());
    field(hold_id.unwrap_or_default().as_bytes());
    field(transfer.listing.map(|l| l.to_string()).unwrap_or_default().as_bytes());
    for leg in &transfer.legs {
        field(leg.account.text().as_bytes());
        field(&leg.amount.get().to_le_bytes());
    }
    *hash.finalize().as_bytes()
}

/// Whether a transfer of this id was made before, and whether it was this one.
pub(crate) async fn seen_in(tx: &mut Tx, id: &str, digest: &[u8; 32]) -> Result<Option<Outcome>> {
    let row = tx.one(sql!("SELECT digest FROM transfer WHERE id = $1"), &[id.into()]).await?;
    let Some(row) = row else { return Ok(None) };
    let stored: Vec<u8> = row.get(0)?;
    Ok(Some(if stored == digest { Outcome::Exists } else { Outcome::Mismatch }))
}

pub(crate) struct Record<'a> {
    pub transfer: &'a Transfer,
    pub digest: &'a [u8; 32],
    pub hold_id: Option<&'a str>,
    pub now: Timestamp,
}

/// Writes the transfer's row. `false`: there is a transfer of this id.
pub(crate) async fn record_in(tx: &mut Tx, record: &Record<'_>) -> Result<bool> {
    let listing = record.transfer.listing.map(|l| l.to_string());
    let written = tx
        .execute(
            sql!(
                "INSERT INTO transfer (id, kind, digest, hold_id, listing_id, memo, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING"
            ),
            &[
                record.transfer.id.as_str().into(),
                record.transfer.kind.text().into(),
                record.digest.as_slice().into(),
                record.hold_id.into(),
                listing.as_deref().into(),
                record.transfer.memo.as_str().into(),
                record.now.into(),
            ],
        )
        .await?;
    Ok(written == 1)
}

/// One account's line of a transfer, as it is written.
pub(crate) struct Entry {
    pub account: String,
    pub amount: Micros,
    /// `None` where the account keeps no balance row.
    pub balance_after: Option<Micros>,
}

/// Writes a transfer's entries: the usual pair in one statement, others one by one.
pub(crate) async fn entries_in(tx: &mut Tx, transfer_id: &str, entries: &[Entry], now: Timestamp) -> Result<()> {
    if let [debit, credit] = entries {
        let written = tx
            .execute(
                sql!(
                    "INSERT INTO entry (transfer_id, leg, account_id, amount, balance_after, created_at)
                     VALUES ($1, 0, $2, $3, $4, $8), ($1, 1, $5, $6, $7, $8)"
                ),
                &[
                    transfer_id.into(),
                    debit.account.as_str().into(),
                    debit.amount.into(),
                    debit.balance_after.into(),
                    credit.account.as_str().into(),
                    credit.amount.into(),
                    credit.balance_after.into(),
                    now.into(),
                ],
            )
            .await?;
        return if written == 2 { Ok(()) } else { Err(Error::internal("a pair of entries was not written whole")) };
    }
    for (leg, entry) in (0_i64..).zip(entries) {
        tx.execute_one(
            sql!(
                "INSERT INTO entry (transfer_id, leg, account_id, amount, balance_after, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            ),
            &[
                transfer_id.into(),
                leg.into(),
                entry.account.as_str().into(),
                entry.amount.into(),
                entry.balance_after.into(),
                now.into(),
            ],
        )
        .await?;
    }
    Ok(())
}

/// The error that makes `tx!` run the block again.
pub(crate) fn lost_race() -> Error {
    Error::new(Kind::Unavailable, LOST_RACE, "Another request changed the same money first; try again")
}
