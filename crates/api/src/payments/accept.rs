//! A payment that came with a request: read, matched with what was asked, verified, and looked up on its chain.

use super::Offers;
use crate::Core;
use farebox_accounts::Caller;
use farebox_base::{Error, Result};
use farebox_calls::{IdempotencyKey, Payer, SignedPayment};
use farebox_x402::extension::identifier;
use farebox_x402::offer::{Offer, Resource};
use farebox_x402::payment::Payment;
use farebox_x402::verify::{Kind, Limits, Verified, verify_local};
use farebox_x402::wire::{Object, PaymentHeader, names};
use farebox_x402::{Reason, Refusal, check_echo, extension, match_offer};
use http::HeaderMap;

/// What a client is asked to pay, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub offers: Offers,
    pub resource: Resource,
    pub extensions: Object,
}

/// The payment among a request's headers, as text.
///
/// # Errors
/// `InvalidPayload` where there are several.
pub(crate) fn header_of(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = [names::PAYMENT_SIGNATURE, names::X_PAYMENT].iter().flat_map(|name| headers.get_all(*name));
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
    /// Reads the payment and checks it, as far as it can be before anything is reserved.
    ///
    /// # Errors
    /// The reason, for programs and people.
    pub(crate) async fn accept(
        &self,
        core: &Core,
        text: &str,
    ) -> Result<(SignedPayment, Option<IdempotencyKey>), Refusal> {
        let header = PaymentHeader::decode(text)?;
        let (offer, payment) = match_offer(&self.offers.offers, &header)?;
        check_echo(&self.extensions, &header, extension::CHANGING)?;
        let named = identifier::read(&header, false)?;
        let key = named.and_then(|id| IdempotencyKey::parse(&format!("payment-identifier:{}", id.as_str())).ok());
        let facilitators = &core.calls.payments().facilitators;
        let verified = match facilitators.verify(offer, &payment, &header, core.clock.now()).await {
            Ok(verified) => verified,
            Err(refusal) => known(core, offer, &payment, refusal).await?,
        };
        if !matches!(verified.kind, Kind::Transfer | Kind::Permit) {
            return Err(Refusal::new(Reason::UnsupportedScheme, "scheme: expected exact"));
        }
        let offer = offer.clone();
        Ok((SignedPayment { offer, payment, header, verified, receiver: self.offers.receiver }, key))
    }
}

/// What we have settled is spent on its chain. Its request may come again for a reply that it did not get, so that the
/// payment's own row decides, as long as the signature is good.
async fn known(core: &Core, offer: &Offer, payment: &Payment, refusal: Refusal) -> Result<Verified, Refusal> {
    let Ok(verified) = verify_local(offer, payment, core.clock.now(), &Limits::default()) else { return Err(refusal) };
    match core.calls.payment_is_known(&verified.nonce).await {
        Ok(true) => Ok(verified),
        Ok(false) => Err(refusal),
        Err(_) => {
            Err(Refusal::new(Reason::UnexpectedVerifyError, "it can't be told whether the payment is known; try again"))
        }
    }
}

/// Who pays: the caller where there is one, else the party of the wallet that has signed.
///
/// # Errors
/// Those of the database.
pub(crate) async fn payer(core: &Core, caller: Option<&Caller>, signed: &SignedPayment) -> Result<Payer> {
    if let Some(caller) = caller {
        return Ok(Payer::from(caller));
    }
    let address = farebox_x402::evm::address::checksummed(signed.verified.payer);
    let wallet = core.accounts.wallet_party_ensure(&address).await.map_err(|error: Error| error)?;
    Ok(Payer { party_id: wallet.party_id, key_id: None })
}
