//! `exact` and `upto` by Permit2.

use alloy_primitives::{Address, U256};

use super::time::{Reasons, Window};
use super::{Hold, Kind, NonceKey, Verified};
use crate::evm::{Permit, Witness, contracts};
use crate::offer::Offer;
use crate::{Reason, Refusal};

const TIMES: Reasons = Reasons { begin: Reason::Permit2NotYetValid, end: Reason::Permit2DeadlineExpired };

pub(super) fn check_exact(offer: &Offer, permit: &Permit, window: &Window) -> Result<Verified, Refusal> {
    let Witness::Exact { to, valid_after } = permit.witness else { return Err(wrong_witness("to and validAfter")) };
    check(offer, permit, contracts::EXACT_PERMIT2_PROXY, to)?;
    finish(offer, permit, Kind::Permit, valid_after, window)
}

pub(super) fn check_upto(
    offer: &Offer,
    permit: &Permit,
    facilitator: Address,
    window: &Window,
) -> Result<Verified, Refusal> {
    let Witness::Upto { to, facilitator: named, valid_after } = permit.witness else {
        return Err(wrong_witness("to, facilitator and validAfter"));
    };
    check(offer, permit, contracts::UPTO_PERMIT2_PROXY, to)?;
    if named != facilitator {
        return Err(Refusal::mismatch(Reason::UptoFacilitatorMismatch, "witness.facilitator", facilitator, named));
    }
    finish(offer, permit, Kind::Upto, valid_after, window)
}

fn check(offer: &Offer, permit: &Permit, spender: Address, to: Address) -> Result<(), Refusal> {
    if permit.spender != spender {
        return Err(Refusal::mismatch(Reason::Permit2Spender, "spender", spender, permit.spender));
    }
    if to != offer.pay_to {
        return Err(Refusal::mismatch(Reason::Permit2RecipientMismatch, "witness.to", offer.pay_to, to));
    }
    if permit.token != offer.token().address() {
        let expected = offer.token().checksummed();
        return Err(Refusal::mismatch(Reason::Permit2TokenMismatch, "permitted.token", expected, permit.token));
    }
    if permit.amount != offer.amount {
        return Err(Refusal::mismatch(Reason::Permit2AmountMismatch, "permitted.amount", offer.amount, permit.amount));
    }
    Ok(())
}

fn finish(offer: &Offer, permit: &Permit, kind: Kind, begin: U256, window: &Window) -> Result<Verified, Refusal> {
    let valid_before_s = window.check(("witness.validAfter", begin), ("deadline", permit.deadline), TIMES)?;
    Ok(Verified {
        payer: permit.from,
        amount: offer.amount,
        kind,
        nonce: NonceKey::permit2(offer, permit.from, permit.nonce),
        valid_before_s,
        hold: Hold::default(),
    })
}

fn wrong_witness(expected: &str) -> Refusal {
    Refusal::mismatch(Reason::InvalidPayload, "witness", expected, "another scheme's")
}
