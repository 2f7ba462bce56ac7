//! A payment that came with a request: read, matched with what was asked, verified, and looked up on its chain.

use super::{Offers, Repeats};
use crate::Core;
use farebox_accounts::Caller;
use farebox_api_kit::Cx;
use farebox_base::{Result, Timestamp};
use farebox_calls::{IdempotencyKey, Payer, Sender, SignedPayment};
use farebox_x402::evm::ChannelId;
use farebox_x402::evm::address::checksummed;
use farebox_x402::extension::identifier;
use farebox_x402::offer::{Offer, Resource, Terms};
use farebox_x402::payment::Payment;
use farebox_x402::verify::{Limits, NonceKey, Verified, verify_local};
use farebox_x402::wire::{Object, PaymentHeader, decode_base64, names};
use farebox_x402::{Reason, Refusal, check_echo, extension, match_offer};
use http::{HeaderMap, HeaderName};
use std::sync::Arc;

/// Where payments come, of either version.
static PAYING: [HeaderName; 2] =
    [HeaderName::from_static(names::PAYMENT_SIGNATURE), HeaderName::from_static(names::X_PAYMENT)];

/// What a client is asked to pay, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub offers: Offers,
    pub resource: Resource,
    pub extensions: Object,
    repeats: Arc<Repeats>,
}

/// The payment among a request's headers, as text.
///
/// # Errors
/// `InvalidPayload` where there are several.
pub(crate) fn header_of(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = PAYING.iter().flat_map(|name| headers.get_all(name));
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let message = "PAYMENT-SIGNATURE and X-PAYMENT: expected one payment, got several";
        return Err(Refusal::new(Reason::InvalidPayload, message));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Refusal::new(Reason::InvalidPayload, "the payment's header is not base64")),
    }
}

impl Asked {
    pub(crate) fn new(offers: Offers, resource: Resource, extensions: Object) -> Self {
        Self { offers, resource, extensions, repeats: Arc::default() }
    }

    /// Reads the payment and checks it, as far as it can be before anything is reserved.
    ///
    /// # Errors
    /// The reason, for programs and people.
    pub(crate) async fn accept(
        &self,
        cx: &Cx<Core>,
        text: &str,
    ) -> Result<(SignedPayment, Option<IdempotencyKey>), Refusal> {
        let json = decode_base64(text)?;
        let sender = Sender { address: cx.peer, is_proven: cx.caller.is_some() };
        if let Some(signed) = self.repeats.accept(&json)? {
            return Ok((SignedPayment { sender, ..signed }, None));
        }
        let header = PaymentHeader::from_bytes(&json)?;
        let (offer, payment) = match_offer(&self.offers.offers, &header)?;
        check_echo(&self.extensions, &header, extension::CHANGING)?;
        let named = identifier::read(&header, false)?;
        let key =
            named.as_ref().and_then(|id| IdempotencyKey::parse(&format!("payment-identifier:{}", id.as_str())).ok());
        let verified = self.verified(&cx.core, offer, &payment, &header).await?;
        let (offer, receiver, later) = (offer.clone(), self.offers.receiver_of(offer), self.offers.later);
        let signed = SignedPayment { offer, payment, header: Some(header), verified, receiver, later, sender };
        if named.is_none() {
            self.repeats.note(&json, &signed);
        }
        Ok((signed, key))
    }
}

impl Asked {
    /// One that is known has its answer, be its time over and its nonce spent: what counts is who has signed it.
    async fn verified(
        &self,
        core: &Core,
        offer: &Offer,
        payment: &Payment,
        header: &PaymentHeader,
    ) -> Result<Verified, Refusal> {
        let now = core.clock.now();
        let nonce = match payment {
            // What a voucher may spend is in the books of its channel, and not on the chain.
            Payment::Voucher(_) | Payment::Refund { .. } => {
                return verify_local(offer, payment, now, &Limits::default());
            }
            Payment::Deposit { .. } => verify_local(offer, payment, now, &Limits::default())?.nonce,
            Payment::Eip3009 { .. } | Payment::Permit2 { .. } | Payment::Upto { .. } => NonceKey::of(offer, payment),
        };
        let known = core.calls.payment_is_known(&nonce).await.map_err(|error| {
            tracing::warn!(internal = ?error.internal, "whether a payment is known can't be told");
            Refusal::new(Reason::UnexpectedVerifyError, "the payment can't be looked up now; send it again in a moment")
        })?;
        if known && let Ok(verified) = verify_local(offer, payment, good_at(payment, now), &Limits::default()) {
            return Ok(verified);
        }
        core.calls.payments().facilitators.verify(offer, payment, header, now).await
    }
}

/// A time at which the payment has not ended yet, now where it has not.
fn good_at(payment: &Payment, now: Timestamp) -> Timestamp {
    let end = match payment {
        Payment::Eip3009 { authorization, .. } => authorization.valid_before,
        Payment::Permit2 { permit, .. } | Payment::Upto { permit, .. } => permit.deadline,
        Payment::Voucher(_) | Payment::Deposit { .. } | Payment::Refund { .. } => return now,
    };
    let end_s = i64::try_from(end).unwrap_or(i64::MAX / 1_000_000);
    now.min(Timestamp::from_micros(end_s.saturating_sub(60).saturating_mul(1_000_000)))
}

impl Asked {
    /// Tells a client whose voucher does not go on where its channel stands what to correct.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn corrected(&mut self, core: &Core, drawn: (ChannelId, u128), code: &str) -> Result<()> {
        let asks = [Reason::VoucherCumulativeMismatch, Reason::VoucherBelowClaimed].map(Reason::code);
        if !asks.contains(&code) {
            return Ok(());
        }
        let Some(correction) = core.calls.channel_correction(drawn).await? else { return Ok(()) };
        for offer in &mut self.offers.offers {
            if let Terms::BatchSettlement(terms) = &mut offer.terms {
                terms.correction = Some(Box::new(correction.clone()));
            }
        }
        Ok(())
    }
}

/// Who pays: whose channel it is, the caller where there is one, else the party of the wallet that has signed.
///
/// # Errors
/// Those of the database.
pub(crate) async fn payer(core: &Core, caller: Option<&Caller>, signed: &SignedPayment) -> Result<Payer> {
    if let Some(party_id) = core.calls.channel_owner(signed).await? {
        return Ok(Payer { party_id, key_id: None });
    }
    if let Some(caller) = caller {
        return Ok(Payer::from(caller));
    }
    let party_id = core.accounts.wallet_signer(&checksummed(signed.verified.payer)).await?;
    Ok(Payer { party_id, key_id: None })
}
