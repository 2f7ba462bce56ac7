//! The closing of a call in the store: posting or release, free-tier slot, saved reply and the call's row, all or nothing.

use crate::free_tier;
use crate::idempotency::{self, Claim, SavedReply};
use farebox_base::{CallId, Error, ListingId, Micros, PartyId, Result, Timestamp};
use farebox_db::{Tx, sql};
use farebox_ledger::{AccountId, Leg, Post, PostOutcome, Transfer, TransferKind};

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The seller answered; `amount` is charged, zero where the call is free.
    Served { amount: Micros },
    /// No answer, or one that is the seller's fault: free.
    Failed,
    /// The client left before the answer began: free.
    Canceled,
}

/// What a closing needs to know of its call; it outlives the request.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub call_id: CallId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub listing: ListingId,
    pub listing_name: String,
    pub fee_basis_points: i64,
    pub held: Micros,
    pub free_tier: bool,
    pub claim: Option<Claim>,
}

/// A call at its end.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub opening: Opening,
    pub ending: Ending,
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// With an idempotency key: the reply to keep; `None` where it was too large.
    pub reply: Option<SavedReply>,
    pub finished_at: Timestamp,
}

/// What became of the closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    Done,
    /// The call was closed otherwise before, by its expiry; nothing was charged.
    TooLate,
}

pub(crate) async fn close_in(tx: &mut Tx, end: &End) -> Result<Closed> {
    let id = end.opening.call_id.to_string();
    let state = state_text(end);
    if !row_in(tx, end, &id, state).await? {
        let row = tx.one(sql!("SELECT state FROM call WHERE id = $1"), &[id.as_str().into()]).await?;
        let found: Option<String> = row.map(|row| row.get(0)).transpose()?;
        return Ok(if found.as_deref() == Some(state) { Closed::Done } else { Closed::TooLate });
    }
    match end.ending {
        Ending::Served { amount } if !amount.is_zero() => charge_in(tx, end, &id, amount).await?,
        _ if !end.opening.held.is_zero() => release_in(tx, &id, end.finished_at).await?,
        _ => {}
    }
    let served = matches!(end.ending, Ending::Served { .. });
    if end.opening.free_tier && !served {
        free_tier::give_back_in(tx, &end.opening.buyer.to_string(), &end.opening.listing.to_string()).await?;
    }
    if let Some(claim) = &end.opening.claim {
        if served {
            idempotency::save_in(tx, claim, &id, end.reply.as_ref()).await?;
        } else {
            idempotency::release_in(tx, &id, claim).await?;
        }
    }
    Ok(Closed::Done)
}

fn state_text(end: &End) -> &'static str {
    match end.ending {
        Ending::Served { amount } if amount.is_zero() => "free",
        Ending::Served { .. } => "charged",
        Ending::Failed => "failed",
        Ending::Canceled => "canceled",
    }
}

async fn row_in(tx: &mut Tx, end: &End, id: &str, state: &str) -> Result<bool> {
    let charged = match end.ending {
        Ending::Served { amount } => amount,
        Ending::Failed | Ending::Canceled => Micros::ZERO,
    };
    let changed = tx
        .execute(
            sql!(
                "UPDATE call SET state = $2, charged = $3, status_code = $4, latency_ms = $5, finished_at = $6
                 WHERE id = $1 AND state = 'open'"
            ),
            &[
                id.into(),
                state.into(),
                charged.into(),
                end.status.map(i64::from).into(),
                i64::try_from(end.latency_ms).unwrap_or(i64::MAX).into(),
                end.finished_at.into(),
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Posts the charge: the seller earns it less the platform's fee, which is rounded down.
async fn charge_in(tx: &mut Tx, end: &End, id: &str, amount: Micros) -> Result<()> {
    let opening = &end.opening;
    let fee = amount.basis_points(opening.fee_basis_points)?;
    let mut legs = Vec::with_capacity(2);
    for (account, part) in [(AccountId::earnings(opening.seller), amount.checked_sub(fee)?), (AccountId::fees(), fee)] {
        if !part.is_zero() {
            legs.push(Leg { account, amount: part });
        }
    }
    let transfer = Transfer {
        id: id.to_owned(),
        kind: TransferKind::Call,
        legs,
        listing: Some(opening.listing),
        memo: opening.listing_name.clone(),
    };
    let post = Post { hold_id: id.to_owned(), transfer };
    match farebox_ledger::hold::post_in(tx, &post, end.finished_at).await? {
        PostOutcome::Created | PostOutcome::Exists => Ok(()),
        outcome => Err(Error::internal(format!("call {id} is open but its hold can't be posted: {outcome:?}"))),
    }
}

async fn release_in(tx: &mut Tx, id: &str, now: Timestamp) -> Result<()> {
    if farebox_ledger::hold::void_in(tx, id, now).await? {
        Ok(())
    } else {
        Err(Error::internal(format!("call {id} is open but its hold can't be released")))
    }
}
