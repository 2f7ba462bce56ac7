//! The opening of calls in the store, a group at a time: idempotency keys, free-tier slots, holds and rows. Everything
//! but an opened call leaves no trace.

use crate::free_tier;
use crate::idempotency::{self, Claimed};
use crate::payment::{self, Reserved, Spent};
use crate::running::Running;
use farebox_base::{CallId, Error, Micros, PaymentNeed, Result};
use farebox_db::{Rows, Tx, sql};
use farebox_ledger::{Hold, HoldOutcome, Operation};
use std::collections::HashMap;

/// What became of an opening.
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
    Known(Box<Claimed>),
    /// The payment is known already.
    Spent(Box<Spent>),
}

/// How far an opening has come before its hold.
pub(crate) enum Ready {
    /// It goes on, with this much to hold, or to be settled of its payment.
    Hold {
        held: Micros,
        free_tier: bool,
    },
    Over(Opened),
}

/// Claims the call's key and slot. `found` says what an earlier attempt left in the store.
pub(crate) async fn ready_in(tx: &mut Tx, call: &Running, found: Option<(Micros, bool)>) -> Result<Ready> {
    if let Some((held, free_tier)) = found {
        return Ok(Ready::Over(Opened::Open { held, free_tier }));
    }
    if let Some(claim) = &call.claim {
        let id = call.call_id.text();
        let claimed = idempotency::claim_in(tx, claim, &id, call.created_at, call.claim_expires_at).await?;
        if !matches!(claimed, Claimed::Fresh) {
            return Ok(Ready::Over(Opened::Known(Box::new(claimed))));
        }
    }
    if let Some(paid) = &call.paid {
        return match payment::reserve_in(tx, call, paid).await? {
            Reserved::Fresh => Ok(Ready::Hold { held: call.quoted, free_tier: false }),
            Reserved::Spent(spent) => {
                if let Some(claim) = &call.claim {
                    idempotency::release_in(tx, &call.call_id.text(), claim).await?;
                }
                Ok(Ready::Over(Opened::Spent(spent)))
            }
        };
    }
    let slots = call.free_tier_calls;
    let (buyer, listing) = (call.buyer, call.listing);
    let free_tier = slots > 0 && free_tier::claim_in(tx, &buyer.to_string(), &listing.to_string(), slots).await?;
    Ok(Ready::Hold { held: if free_tier { Micros::ZERO } else { call.quoted }, free_tier })
}

/// The hold that a ready call needs.
pub(crate) fn hold(call: &Running, amount: Micros) -> Operation {
    Operation::Hold(Hold {
        id: call.call_id.text(),
        sources: call.sources.clone(),
        amount,
        expires_at: call.expires_at,
    })
}

/// What a hold's outcome means for its call; takes back its key where there was too little.
pub(crate) async fn held_in(
    tx: &mut Tx,
    call: &Running,
    held: Micros,
    free_tier: bool,
    outcome: Option<&HoldOutcome>,
) -> Result<Opened> {
    match outcome {
        None | Some(HoldOutcome::Created | HoldOutcome::Exists) => Ok(Opened::Open { held, free_tier }),
        Some(HoldOutcome::Insufficient { available }) => {
            if let Some(claim) = &call.claim {
                idempotency::release_in(tx, &call.call_id.text(), claim).await?;
            }
            Ok(Opened::Insufficient(PaymentNeed { required: held, available: *available }))
        }
        Some(HoldOutcome::Mismatch) => Err(Error::internal(format!("call id {} was used before", call.call_id))),
    }
}

/// A call as it is stored.
pub(crate) struct Found {
    pub held: Micros,
    pub free_tier: bool,
    pub state: String,
}

/// Which of the calls are stored.
pub(crate) async fn found_in(tx: &mut Tx, ids: impl Iterator<Item = &String>) -> Result<HashMap<CallId, Found>> {
    let mut rows = Rows::default();
    ids.for_each(|id| rows.push([id.into()]));
    let mut found = HashMap::new();
    for row in tx.query_many(sql!("SELECT id, quoted, free_tier, state FROM call WHERE id = $1"), &rows).await? {
        found.insert(row.get(0)?, Found { held: row.get(1)?, free_tier: row.get(2)?, state: row.get(3)? });
    }
    Ok(found)
}
