//! Which of the offers a payment takes up, and whether it echoes what was advertised.
//!
//! Invariant: the offer found has the scheme, network, asset, recipient and amount of the payment. Nothing here checks a
//! signature, but where two offers of version 1 differ in nothing else.

use std::fmt::{self, Display};

use serde_json::Value;

use crate::evm::{Authorization, Signature, address};
use crate::network::Method;
use crate::offer::{Flow, Offer, Scheme};
use crate::payment::Payment;
use crate::wire::{Object, PaymentHeader, Uint, extra_of, payment_of, v1, v2};
use crate::{Reason, Refusal};

/// Fields of `extra` that payments need not repeat: those that change from challenge to challenge, and one that other
/// servers do not send.
const FREE_EXTRA: &[&str] = &["channelState", "voucherState", "minDeposit", "primaryType"];

/// Finds the offer that a payment takes up and reads the payment.
///
/// # Errors
/// Of the first term at which no offer is left: `UnsupportedScheme`, `InvalidScheme`, `InvalidNetwork`,
/// `InvalidRequirements` for asset, recipient, amount, time and `extra`; for version 1, which repeats no terms, the
/// reasons of the authorization. `InvalidPayload` and others for what can't be read.
pub fn match_offer<'a>(offers: &'a [Offer], header: &PaymentHeader) -> Result<(&'a Offer, Payment), Refusal> {
    match header {
        PaymentHeader::V1(payload) => match_v1(offers, payload),
        PaymentHeader::V2(payload) => match_v2(offers, payload),
    }
}

fn match_v2<'a>(offers: &'a [Offer], payload: &v2::Payload) -> Result<(&'a Offer, Payment), Refusal> {
    let accepted = &payload.accepted;
    let mut left = Left(offers.iter().collect());
    let scheme = left.by_scheme(&accepted.scheme)?;
    let network = Term { reason: Reason::InvalidNetwork, what: "network", came: &accepted.network };
    left.keep(network, |offer| offer.network().caip2().as_str() == accepted.network, |offer| offer.network().caip2())?;
    let term = |what, came| Term { reason: Reason::InvalidRequirements, what, came };
    let asset = address::parse(&accepted.asset);
    left.keep(
        term("asset", &accepted.asset),
        |offer| Some(offer.token().address()) == asset,
        |offer| offer.token().checksummed(),
    )?;
    let pay_to = address::parse(&accepted.pay_to);
    left.keep(term("payTo", &accepted.pay_to), |offer| Some(offer.pay_to) == pay_to, |offer| offer.pay_to)?;
    let amount = accepted.amount;
    left.keep(term("amount", &amount), |offer| Uint(offer.amount) == amount, |offer| offer.amount)?;
    // Somebody else's longer times were cut when they were read.
    let timeout = accepted.max_timeout_seconds.min(Offer::TIMEOUT_S_MAX.into());
    left.keep(
        term("maxTimeoutSeconds", &accepted.max_timeout_seconds),
        |offer| u64::from(offer.timeout_s) == timeout,
        |offer| offer.timeout_s,
    )?;
    // Both may be left out, so that a part of `extra` can't tell them apart.
    let named = |key: &str| accepted.extra.as_ref().and_then(|extra| extra.get(key)?.as_str());
    let usual = if scheme == Scheme::Upto { Method::Permit2 } else { Method::Eip3009 };
    let method = named("assetTransferMethod").unwrap_or(usual.as_str());
    left.keep(term("assetTransferMethod", &method), |offer| offer.method().as_str() == method, |offer| offer.method())?;
    let flow = named("paymentFlow").unwrap_or(Flow::Authorization.as_str());
    left.keep(term("paymentFlow", &flow), |offer| offer.flow.as_str() == flow, |offer| offer.flow.as_str())?;
    left.by_extra(accepted.extra.as_ref())?;
    let offer = left.first()?;
    let payment = payment_of(scheme, payload.payload().ok_or_else(no_payload)?)?;
    check_method(offer, &payment)?;
    Ok((offer, payment))
}

fn match_v1<'a>(offers: &'a [Offer], payload: &v1::Payload) -> Result<(&'a Offer, Payment), Refusal> {
    let mut left = Left(offers.iter().filter(|offer| offer.is_for_v1()).collect());
    let scheme = left.by_scheme(&payload.scheme)?;
    let network = Term { reason: Reason::InvalidNetwork, what: "network", came: &payload.network };
    let name_of = |offer: &Offer| offer.network().v1_name().unwrap_or_default();
    left.keep(network, |offer| name_of(offer) == payload.network, name_of)?;
    let payment = payment_of(scheme, payload.payload().ok_or_else(no_payload)?)?;
    let Payment::Eip3009 { authorization, signature } = &payment else {
        return Err(wrong_method("an eip3009 authorization", &payment));
    };
    let from_payer = |refusal: Refusal| refusal.of(authorization.from);
    let to = Term { reason: Reason::ExactRecipientMismatch, what: "to", came: &authorization.to };
    left.keep(to, |offer| offer.pay_to == authorization.to, |offer| offer.pay_to).map_err(from_payer)?;
    let value = Term { reason: Reason::ExactValueMismatch, what: "value", came: &authorization.value };
    left.keep(value, |offer| offer.amount == authorization.value, |offer| offer.amount).map_err(from_payer)?;
    let offer = left.signed(authorization, signature)?;
    Ok((offer, payment))
}

/// The offers that are still possible.
struct Left<'a>(Vec<&'a Offer>);

/// A term of a payment, and the reason for one that nothing was offered at.
struct Term<'t> {
    reason: Reason,
    what: &'static str,
    came: &'t dyn Display,
}

impl<'a> Left<'a> {
    fn by_scheme(&mut self, came: &str) -> Result<Scheme, Refusal> {
        let reason = if Scheme::parse(came).is_some() { Reason::InvalidScheme } else { Reason::UnsupportedScheme };
        let term = Term { reason, what: "scheme", came: &came };
        self.keep(term, |offer| offer.scheme().as_str() == came, |offer| offer.scheme().as_str())?;
        self.first().map(Offer::scheme)
    }

    /// Keeps what `fits`; where nothing does, says what would have.
    fn keep<T: Display>(
        &mut self,
        term: Term<'_>,
        fits: impl Fn(&'a Offer) -> bool,
        shown: impl Fn(&'a Offer) -> T,
    ) -> Result<(), Refusal> {
        let kept: Vec<&Offer> = self.0.iter().copied().filter(|offer| fits(offer)).collect();
        if !kept.is_empty() {
            self.0 = kept;
            return Ok(());
        }
        const CHARS_MAX: usize = 200;
        let mut expected: Vec<String> = self.0.iter().map(|offer| shown(offer).to_string()).collect();
        expected.dedup();
        let expected = if expected.is_empty() { "nothing".to_owned() } else { expected.join(" or ") };
        let came: String = term.came.to_string().chars().take(CHARS_MAX).collect();
        Err(Refusal::mismatch(term.reason, term.what, expected, came))
    }

    /// The client may add to `extra`.
    fn by_extra(&mut self, came: Option<&Object>) -> Result<(), Refusal> {
        let term = Term { reason: Reason::InvalidRequirements, what: "extra", came: &Shown(came) };
        let own = |offer: &Offer| {
            let mut extra = extra_of(offer);
            extra.retain(|key, _| !FREE_EXTRA.contains(&key.as_str()));
            extra
        };
        self.keep(term, |offer| contains_all(came, &own(offer)), |offer| Value::Object(own(offer)))
    }

    fn first(&self) -> Result<&'a Offer, Refusal> {
        self.0.first().copied().ok_or_else(|| Refusal::new(Reason::InvalidRequirements, "nothing is offered here"))
    }

    /// Of several tokens on one network, version 1 names none: the signature is over one of them.
    fn signed(&self, authorization: &Authorization, signature: &Signature) -> Result<&'a Offer, Refusal> {
        if let (Signature::Ecdsa(signature), true) = (signature, self.0.len() > 1) {
            let is_signed = |offer: &&&Offer| {
                signature.recover(authorization.digest(offer.token().domain())) == Ok(authorization.from)
            };
            if let Some(offer) = self.0.iter().find(is_signed) {
                return Ok(*offer);
            }
        }
        self.first()
    }
}

fn check_method(offer: &Offer, payment: &Payment) -> Result<(), Refusal> {
    match (offer.method(), payment) {
        (Method::Permit2, Payment::Eip3009 { .. }) => Err(wrong_method("a permit2 authorization", payment)),
        (Method::Eip3009, Payment::Permit2 { .. }) => Err(wrong_method("an eip3009 authorization", payment)),
        _ => Ok(()),
    }
}

fn wrong_method(expected: &str, payment: &Payment) -> Refusal {
    Refusal::mismatch(Reason::UnsupportedPayloadType, "payload", expected, payment.kind()).of(payment.payer())
}

fn no_payload() -> Refusal {
    Refusal::new(Reason::InvalidPayload, "payload must be an object")
}

/// Checks that each extension that a client echoes repeats what was advertised; it may add to it. As the published
/// servers do, an extension that is not echoed at all is let pass.
///
/// `changing` names fields of an extension's `info` that differ from challenge to challenge: `("sign-in-with-x", "nonce")`.
///
/// # Errors
/// `ExtensionEchoMismatch`.
pub fn check_echo(advertised: &Object, header: &PaymentHeader, changing: &[(&str, &str)]) -> Result<(), Refusal> {
    let Some(echoed) = header.extensions() else { return Ok(()) };
    for (key, own) in advertised {
        let Some(came) = echoed.get(key) else { continue };
        let mut own = own.get("info").unwrap_or(own).clone();
        if let Some(object) = own.as_object_mut() {
            object.retain(|field, _| !changing.contains(&(key.as_str(), field.as_str())));
        }
        if !contains(came.get("info").unwrap_or(came), &own) {
            let message = format!("extensions.{key}: expected the advertised info, with additions at most");
            return Err(Refusal::new(Reason::ExtensionEchoMismatch, message));
        }
    }
    Ok(())
}

/// An object that may be missing, as JSON.
struct Shown<'o>(Option<&'o Object>);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(object) => f.write_str(&serde_json::to_string(object).unwrap_or_default()),
            None => f.write_str("nothing"),
        }
    }
}

fn contains_all(whole: Option<&Object>, part: &Object) -> bool {
    part.iter().all(|(key, part)| whole.and_then(|whole| whole.get(key)).is_some_and(|whole| contains(whole, part)))
}

/// Whether `whole` has everything that `part` has. Objects may have more, anything else has to be equal.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => contains_all(Some(whole), part),
        // Not by clients that were seen, but addresses differ in case only.
        (Value::String(whole), Value::String(part)) if part.starts_with("0x") => whole.eq_ignore_ascii_case(part),
        _ => whole == part,
    }
}
