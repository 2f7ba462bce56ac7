//! The closing of calls in the store, a group at a time: postings and releases, free-tier slots, saved replies and rows.

use crate::free_tier;
use crate::idempotency;
use crate::payment::{self, Paid, Receiver};
use crate::reserve::spend;
use crate::running::{End, Ending, Running};
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{CallId, Error, Micros, PaymentNeed, Result};
use farebox_db::{Rows, Tx, sql};
use farebox_ledger::{AccountId, Done, Leg, Operation, Outcome, Post, PostOutcome, Transfer, TransferKind};
use std::collections::HashSet;

/// What became of the closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    Done,
    /// The call was closed otherwise before, by its expiry; nothing was charged.
    TooLate,
    /// The money that was set aside is gone; nothing was charged, and the call is failed.
    Refused(PaymentNeed),
}

/// Moves the stored calls from open to their final state; answers which ones were open.
pub(crate) async fn rows_in(tx: &mut Tx, ends: &[(&End, Ending, String)]) -> Result<HashSet<CallId>> {
    let mut rows = Rows::with_capacity(ends.len(), 6);
    for (end, ending, id) in ends {
        rows.push([
            id.into(),
            ending.state().into(),
            ending.charged().into(),
            end.status.map(i64::from).into(),
            i64::try_from(end.latency_ms).unwrap_or(i64::MAX).into(),
            end.finished_at.into(),
        ]);
    }
    let changed = if is_planted(Bug::ClosedTwice) {
        const ANYHOW: &str = sql!(
            "UPDATE call SET state = $2, charged = $3, status_code = $4, latency_ms = $5, finished_at = $6
             WHERE id = $1 RETURNING id"
        );
        tx.query_many(ANYHOW, &rows).await?
    } else {
        const CLOSE: &str = sql!(
            "UPDATE call SET state = $2, charged = $3, status_code = $4, latency_ms = $5, finished_at = $6
             WHERE id = $1 AND state = 'open' RETURNING id"
        );
        tx.query_many(CLOSE, &rows).await?
    };
    changed.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// What the end does to the book; nothing where no money is involved.
pub(crate) fn movement(call: &Running, ending: Ending) -> Result<Option<Operation>> {
    let amount = ending.charged();
    let id = call.call_id.text();
    if let Some(paid) = &call.paid {
        return if amount.is_zero() {
            Ok(None)
        } else {
            Ok(Some(Operation::Transfer(settled(call, paid, id, amount)?)))
        };
    }
    if !call.stored {
        return if amount.is_zero() { Ok(None) } else { Ok(Some(Operation::Transfer(charge(call, id, amount)?))) };
    }
    if !amount.is_zero() {
        let transfer = Transfer { legs: credits(call, amount)?, ..transfer(call, id.clone()) };
        return Ok(Some(Operation::Post(Post { hold_id: id, transfer })));
    }
    Ok((!call.held.is_zero()).then_some(Operation::Void(id)))
}

/// A charge on what was set aside in memory.
fn charge(call: &Running, id: String, amount: Micros) -> Result<Transfer> {
    let reservation =
        call.reservation.as_ref().ok_or_else(|| Error::internal(format!("nothing is set aside for {id}")))?;
    let debits = spend(reservation, amount)?;
    let mut legs: Vec<Leg> = debits.into_iter().map(|(account, amount)| Leg { account, amount }).collect();
    legs.extend(credits(call, amount)?);
    Ok(Transfer { legs, ..transfer(call, id) })
}

/// A charge on money that came in on a chain.
fn settled(call: &Running, paid: &Paid, id: String, amount: Micros) -> Result<Transfer> {
    let mut legs = vec![Leg { account: paid.outside(), amount: Micros::ZERO.checked_sub(amount)? }];
    legs.extend(credits(call, amount)?);
    Ok(Transfer { legs, ..transfer(call, id) })
}

/// Where the buyer's transfer went to the seller himself: his earnings have left already, and the fee with them.
pub(crate) fn paid_out(call: &Running, ending: Ending) -> Result<Option<Operation>> {
    let amount = ending.charged();
    let Some(paid) = call.paid.as_ref().filter(|paid| paid.receiver == Receiver::Seller && !amount.is_zero()) else {
        return Ok(None);
    };
    let fee = amount.basis_points(call.fee_basis_points)?;
    let parts = [
        (AccountId::earnings(call.seller), fee.checked_sub(amount)?),
        (AccountId::owed(call.seller), Micros::ZERO.checked_sub(fee)?),
        (paid.outside(), amount),
    ];
    let legs = parts.into_iter().filter(|(_, part)| !part.is_zero());
    let legs = legs.map(|(account, amount)| Leg { account, amount }).collect();
    let paid_out =
        Transfer { kind: TransferKind::PaidOnChain, legs, ..transfer(call, format!("{}:paid", call.call_id)) };
    Ok(Some(Operation::Transfer(paid_out)))
}

fn transfer(call: &Running, id: String) -> Transfer {
    let (kind, legs) = (TransferKind::Call, Vec::new());
    Transfer { id, kind, legs, listing: Some(call.listing), memo: call.listing_name.clone() }
}

/// The seller earns the amount less the platform's fee, which is rounded down.
fn credits(call: &Running, amount: Micros) -> Result<Vec<Leg>> {
    let fee = amount.basis_points(call.fee_basis_points)?;
    let earned = amount.checked_sub(fee)?;
    let legs = [(AccountId::earnings(call.seller), earned), (AccountId::fees(), fee)];
    let legs = legs.into_iter().filter(|(_, part)| !part.is_zero());
    Ok(legs.map(|(account, amount)| Leg { account, amount }).collect())
}

/// What the book's answer means for the call.
pub(crate) fn closed(end: &End, done: Option<&Done>) -> Result<Closed> {
    match done {
        None
        | Some(
            Done::Void(true)
            | Done::Post(PostOutcome::Created | PostOutcome::Exists)
            | Done::Transfer(Outcome::Created | Outcome::Exists),
        ) => Ok(Closed::Done),
        Some(Done::Transfer(Outcome::Insufficient { .. })) => {
            Ok(Closed::Refused(PaymentNeed { required: end.ending.charged(), available: Micros::ZERO }))
        }
        Some(other) => {
            Err(Error::internal(format!("call {} can't be closed in the book: {other:?}", end.call.call_id)))
        }
    }
}

/// Gives a stored call's slot and key back, or keeps its reply.
pub(crate) async fn tidy_in(tx: &mut Tx, end: &End, ending: Ending) -> Result<()> {
    let (call, served) = (&*end.call, ending.is_served());
    if call.free_tier && !served && !is_planted(Bug::SlotKept) {
        free_tier::give_back_in(tx, &call.buyer.to_string(), &call.listing.to_string()).await?;
    }
    let id = call.call_id.text();
    if let Some(paid) = &call.paid {
        payment::resolve_in(tx, &id, &paid.fate, end.finished_at).await?;
    }
    let Some(claim) = &call.claim else { return Ok(()) };
    if served {
        idempotency::save_in(tx, claim, &id, end.reply.as_ref()).await
    } else if is_planted(Bug::KeyKept) {
        Ok(())
    } else {
        idempotency::release_in(tx, &id, claim).await
    }
}

/// The end that a call has which could not be paid.
pub(crate) const UNPAID: Ending = Ending::Failed;
