//! The opening of a call in the store: idempotency key, free-tier slot or hold, and the call's row, all or nothing.

use crate::free_tier;
use crate::idempotency::{self, Claim, Claimed};
use farebox_base::{CallId, Error, KeyId, ListingId, Micros, PartyId, PaymentNeed, Result, Timestamp};
use farebox_billing::spend_sources;
use farebox_db::{Tx, sql};
use farebox_ledger::{Hold, HoldOutcome};

/// A call about to be forwarded.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub call_id: CallId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub listing: ListingId,
    pub key_id: Option<KeyId>,
    pub door: &'static str,
    pub method: String,
    /// Without query, cut to 256 bytes.
    pub path: String,
    /// The most that the call can cost.
    pub quoted: Micros,
    /// The listing's free calls for each buyer.
    pub free_tier_calls: u32,
    pub request_id: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub claim: Option<Claim>,
    pub claim_expires_at: Timestamp,
}

/// What became of the opening. Everything but `Open` leaves no trace.
#[derive(Debug)]
pub(crate) enum Opened {
    /// Committed: the call may be forwarded.
    Open {
        /// What is held; zero where the call costs nothing.
        held: Micros,
        free_tier: bool,
    },
    Insufficient(PaymentNeed),
    /// The idempotency key is taken; never `Claimed::Fresh`.
    Known(Claimed),
}

/// Opens the call. `again` says that an earlier attempt may have committed without our learning of it.
pub(crate) async fn open_in(tx: &mut Tx, start: &Start, again: bool) -> Result<Opened> {
    let id = start.call_id.to_string();
    if again && let Some(opened) = found_in(tx, &id).await? {
        return Ok(opened);
    }
    if let Some(claim) = &start.claim {
        let claimed = idempotency::claim_in(tx, claim, &id, start.created_at, start.claim_expires_at).await?;
        if !matches!(claimed, Claimed::Fresh) {
            return Ok(Opened::Known(claimed));
        }
    }
    let (buyer, listing) = (start.buyer.to_string(), start.listing.to_string());
    let free_tier =
        start.free_tier_calls > 0 && free_tier::claim_in(tx, &buyer, &listing, start.free_tier_calls).await?;
    let held = if free_tier { Micros::ZERO } else { start.quoted };
    if !held.is_zero()
        && let Some(need) = reserve_in(tx, start, &id, held).await?
    {
        if let Some(claim) = &start.claim {
            idempotency::release_in(tx, &id, claim).await?;
        }
        return Ok(Opened::Insufficient(need));
    }
    row_in(tx, start, &id, &buyer, &listing, held, free_tier).await?;
    Ok(Opened::Open { held, free_tier })
}

async fn found_in(tx: &mut Tx, id: &str) -> Result<Option<Opened>> {
    let row = tx.one(sql!("SELECT quoted, free_tier FROM call WHERE id = $1"), &[id.into()]).await?;
    row.map(|row| Ok(Opened::Open { held: row.get(0)?, free_tier: row.get(1)? })).transpose()
}

async fn reserve_in(tx: &mut Tx, start: &Start, id: &str, amount: Micros) -> Result<Option<PaymentNeed>> {
    let hold = Hold {
        id: id.to_owned(),
        sources: spend_sources(start.buyer, start.seller),
        amount,
        expires_at: start.expires_at,
    };
    match farebox_ledger::hold::hold_in(tx, &hold, start.created_at).await? {
        HoldOutcome::Created | HoldOutcome::Exists => Ok(None),
        HoldOutcome::Insufficient { available } => Ok(Some(PaymentNeed { required: amount, available })),
        HoldOutcome::Mismatch => Err(Error::internal(format!("call id {id} was used before"))),
    }
}

async fn row_in(
    tx: &mut Tx,
    start: &Start,
    id: &str,
    buyer: &str,
    listing: &str,
    held: Micros,
    free_tier: bool,
) -> Result<()> {
    let seller = start.seller.to_string();
    let key = start.key_id.map(|k| k.to_string());
    tx.execute_one(
        sql!(
            "INSERT INTO call (id, buyer_party_id, seller_party_id, listing_id, key_id, door, method, path, state,
               free_tier, quoted, charged, request_id, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, 0, $11, $12, $13)"
        ),
        &[
            id.into(),
            buyer.into(),
            seller.as_str().into(),
            listing.into(),
            key.as_deref().into(),
            start.door.into(),
            start.method.as_str().into(),
            start.path.as_str().into(),
            free_tier.into(),
            held.into(),
            start.request_id.as_str().into(),
            start.created_at.into(),
            start.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}
