//! What a payment is more than its call costs: the buyer's balance at the seller.
//!
//! A signature that pays an exact amount is taken whole, and what a query costs is known only once its rows are there. The
//! part that the call costs is written while the payment becomes `earned`, so that whoever settles it knows it; the rest is
//! credited in the transaction that charges the call.

use super::Receiver;
use crate::running::{Ending, Running};
use farebox_base::{CallId, Micros, Result};
use farebox_db::{Tx, sql};
use farebox_ledger::{AccountId, Leg, Operation, Transfer, TransferKind};

/// Notes what the call costs.
pub(super) async fn note_in(tx: &mut Tx, id: CallId, cost: Micros) -> Result<()> {
    const NOTE: &str = sql!("UPDATE payment SET charged = $2 WHERE id = $1 AND state = 'reserved'");
    tx.execute(NOTE, &[(&id.to_string()).into(), cost.into()]).await?;
    Ok(())
}

/// The credit that goes with a call's charge. Money that went to the seller himself can't be given back here: such a call
/// costs all of it.
pub(crate) fn change(call: &Running, ending: Ending) -> Result<Option<Operation>> {
    let charged = ending.charged();
    let Some(paid) =
        call.paid.as_ref().filter(|paid| paid.is_whole && paid.receiver == Receiver::Gateway && !charged.is_zero())
    else {
        return Ok(None);
    };
    let rest = call.quoted.checked_sub(charged)?;
    if rest.is_zero() {
        return Ok(None);
    }
    let (buyer, seller) = (call.buyer, call.seller);
    let account = if buyer == seller { AccountId::funded(buyer) } else { AccountId::prepaid(buyer, seller) };
    let legs =
        vec![Leg { account: paid.outside(), amount: Micros::ZERO.checked_sub(rest)? }, Leg { account, amount: rest }];
    Ok(Some(Operation::Transfer(Transfer {
        id: format!("change:{}", call.call_id),
        kind: TransferKind::CryptoDeposit,
        legs,
        listing: None,
        memo: format!("Change of a payment for {}", call.listing_name),
    })))
}
