//! A request to the facilitator, read and matched to the networks that are known here.

use super::{Heard, Reply};
use crate::facilitator::OwnPlace;
use crate::facilitator::catalogue::{Entry, EntryError};
use crate::network::Networks;
use crate::offer::{Offer, Terms};
use crate::payment::Payment;
use crate::verify::NonceKey;
use crate::wire::{FacilitatorRequest, PaymentHeader, Requirements, payload_of};
use crate::{Reason, Refusal, match_offer};
use alloy_primitives::{B256, U256, keccak256};

/// What was asked, with nothing of it verified.
pub(super) struct Asked {
    pub request: FacilitatorRequest,
    pub offer: Offer,
    pub payment: Payment,
    /// To be settled, in the token's smallest unit.
    pub amount: U256,
    pub nonce: NonceKey,
    pub fingerprint: B256,
}

/// Why there is nothing to verify.
pub(super) struct Unread {
    heard: Heard,
    refusal: Refusal,
    version: u8,
    network: String,
}

impl Asked {
    pub(super) fn read(body: &[u8], networks: &Networks) -> Result<Self, Unread> {
        Self::of(Unread::parse(body)?, networks)
    }

    pub(super) fn of(request: FacilitatorRequest, networks: &Networks) -> Result<Self, Unread> {
        let (version, network) = (request.payment.version(), request.requirements.network().to_owned());
        let unread = |refusal| Unread { heard: Heard::Answered, refusal, version, network };
        let matched = request.settlement(networks).and_then(|(mut offer, amount)| {
            // Whether to insist on it is the server's business.
            if let Terms::BatchSettlement(terms) = &mut offer.terms {
                terms.min_deposit = None;
            }
            let (_, payment) = match_offer(std::slice::from_ref(&offer), &request.payment)?;
            Ok((offer, payment, amount))
        });
        let (offer, payment, amount) = matched.map_err(unread)?;
        let nonce = NonceKey::of_settlement(&offer, &payment);
        let fingerprint = fingerprint(&request, &offer, &payment, amount);
        Ok(Self { request, offer, payment, amount, nonce, fingerprint })
    }

    /// What was settled, in the token's smallest unit; of a deposit the whole of it.
    pub(super) const fn settled_amount(&self) -> U256 {
        match &self.payment {
            Payment::Deposit { amount, .. } => *amount,
            _ => self.amount,
        }
    }

    /// Refuses what is not settled by itself.
    pub(super) fn check_settles(&self) -> Result<(), Refusal> {
        match &self.payment {
            Payment::Voucher(_) | Payment::Refund { .. } => {
                let expected = "deposit, claim, settle, or a refund with its refundNonce";
                Err(Refusal::mismatch(Reason::ChannelPayloadType, "payload.type", expected, self.payment.kind()))
            }
            _ => Ok(()),
        }
    }

    pub(super) const fn version(&self) -> u8 {
        self.request.payment.version()
    }

    /// What it says that it pays for.
    pub(super) fn entry(&self, own: &OwnPlace) -> Result<Option<Entry>, EntryError> {
        Entry::of(&self.offer, &self.request.payment, own)
    }

    /// The refusal of a nonce that serves another settlement.
    pub(super) fn spent(&self) -> Refusal {
        let reason = match self.payment {
            Payment::Permit2 { .. } | Payment::Upto { .. } => Reason::Permit2InvalidNonce,
            Payment::Deposit { .. } => Reason::DepositSimulationFailed,
            _ => Reason::ExactNonceUsed,
        };
        let message = "the nonce belongs to a payment that is being settled or was settled here";
        Refusal::new(reason, message).of(self.payment.payer())
    }
}

impl Unread {
    /// The request, or why it is none.
    pub(super) fn parse(body: &[u8]) -> Result<FacilitatorRequest, Self> {
        FacilitatorRequest::from_json(body).map_err(|refusal| {
            let heard = match refusal.reason {
                Reason::PayloadTooLarge => Heard::TooLarge,
                Reason::InvalidPayload => Heard::Malformed,
                _ => Heard::Answered,
            };
            Self { heard, refusal, version: 2, network: String::new() }
        })
    }

    pub(super) fn answered(refusal: Refusal, network: &str) -> Self {
        Self { heard: Heard::Answered, refusal, version: 2, network: network.to_owned() }
    }

    pub(super) fn reply<T>(self, body: impl FnOnce(&Refusal, u8, &str) -> T) -> Reply<T> {
        Reply::of(self.heard, body(&self.refusal, self.version, &self.network))
    }
}

/// Of what was signed, of what is taken, and of what it is said to be for. Order and spelling of the JSON don't matter.
fn fingerprint(request: &FacilitatorRequest, offer: &Offer, payment: &Payment, amount: U256) -> B256 {
    let resource = match (&request.payment, &request.requirements) {
        (PaymentHeader::V2(payload), _) => payload.resource_url().unwrap_or_default(),
        (PaymentHeader::V1(_), Requirements::V1(requirements)) => &requirements.resource,
        (PaymentHeader::V1(_), Requirements::V2(_)) => "",
    };
    let signed = serde_json::Value::Object(payload_of(payment)).to_string();
    let parts = [
        offer.scheme().as_str(),
        offer.network().caip2().as_str(),
        offer.token().checksummed(),
        &format!("{:x}", offer.pay_to),
        &amount.to_string(),
        &signed,
        resource,
    ];
    keccak256(parts.join("\n"))
}
