//! `exact` by EIP-3009.

use super::time::{Reasons, Window};
use super::{Hold, Kind, NonceKey, Verified};
use crate::evm::Authorization;
use crate::offer::Offer;
use crate::{Reason, Refusal};

const TIMES: Reasons = Reasons { begin: Reason::ExactValidAfter, end: Reason::ExactValidBefore };

pub(super) fn check(offer: &Offer, authorization: &Authorization, window: &Window) -> Result<Verified, Refusal> {
    if authorization.to != offer.pay_to {
        return Err(Refusal::mismatch(Reason::ExactRecipientMismatch, "to", offer.pay_to, authorization.to));
    }
    if authorization.value != offer.amount {
        return Err(Refusal::mismatch(Reason::ExactValueMismatch, "value", offer.amount, authorization.value));
    }
    let begin = ("validAfter", authorization.valid_after);
    let valid_before_s = window.check(begin, ("validBefore", authorization.valid_before), TIMES)?;
    Ok(Verified {
        payer: authorization.from,
        amount: offer.amount,
        kind: Kind::Transfer,
        nonce: NonceKey::eip3009(offer, authorization.from, authorization.nonce),
        valid_before_s,
        hold: Hold::default(),
    })
}
