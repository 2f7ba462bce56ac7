//! Offers as requirements of either version, and back.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};

use super::uint::Uint;
use super::{Object, v1, v2};
use crate::evm::address::{self, checksummed};
use crate::network::{Method, Network, Networks, Token};
use crate::offer::{ChannelTerms, Correction, Flow, Offer, Resource, Scheme, Terms};
use crate::{Reason, Refusal};

impl From<&Offer> for v2::Requirements {
    fn from(offer: &Offer) -> Self {
        Self {
            scheme: offer.scheme().as_str().to_owned(),
            network: offer.network().caip2().as_str().to_owned(),
            amount: Uint(offer.amount),
            asset: offer.token().checksummed().to_owned(),
            pay_to: checksummed(offer.pay_to),
            max_timeout_seconds: offer.timeout_s.into(),
            extra: Some(extra_of(offer)),
        }
    }
}

/// `extra` of version 2. Clients refuse an offer without the name and version of the token's domain.
pub(crate) fn extra_of(offer: &Offer) -> Object {
    let mut extra = domain(offer.token());
    if offer.method() == Method::Permit2 {
        extra.insert("assetTransferMethod".into(), Method::Permit2.as_str().into());
    }
    match &offer.terms {
        // Clients that find no name of what to sign ask a service for the token's code, which knows no chain of one's own.
        Terms::Exact(Method::Eip3009) => {
            extra.insert("primaryType".into(), "TransferWithAuthorization".into());
        }
        Terms::Exact(Method::Permit2) => {}
        Terms::Upto { facilitator } => {
            extra.insert("facilitatorAddress".into(), checksummed(*facilitator).into());
        }
        Terms::BatchSettlement(terms) => {
            extra.insert("receiverAuthorizer".into(), checksummed(terms.receiver_authorizer).into());
            extra.insert("withdrawDelay".into(), terms.withdraw_delay_s.into());
            extra.extend(terms.min_deposit.map(|least| ("minDeposit".to_owned(), Uint(least).to_string().into())));
            extra.extend(terms.correction.iter().flat_map(|state| correction(state)));
        }
    }
    if offer.flow != Flow::Authorization {
        extra.insert("paymentFlow".into(), offer.flow.as_str().into());
    }
    extra
}

fn correction(state: &Correction) -> impl Iterator<Item = (String, Value)> {
    let channel = json!({
        "channelId": state.channel.get(),
        "balance": Uint(state.balance),
        "totalClaimed": Uint(state.total_claimed),
        "chargedCumulativeAmount": Uint(state.charged),
    });
    let voucher = state.voucher.map(|(signed, signature)| {
        let voucher = json!({ "signedMaxClaimable": Uint(signed), "signature": signature.to_hex() });
        ("voucherState".to_owned(), voucher)
    });
    std::iter::once(("channelState".to_owned(), channel)).chain(voucher)
}

/// `None` for what version 1 can't say; see `Offer::is_for_v1`.
pub(super) fn v1_requirements(offer: &Offer, resource: &Resource) -> Option<v1::Requirements> {
    let network = offer.network().v1_name().filter(|_| offer.is_for_v1())?;
    Some(v1::Requirements {
        scheme: offer.scheme().as_str().to_owned(),
        network: network.to_owned(),
        max_amount_required: Uint(offer.amount),
        resource: resource.url.clone(),
        description: resource.description.clone(),
        mime_type: resource.mime_type.clone(),
        output_schema: None,
        pay_to: checksummed(offer.pay_to),
        max_timeout_seconds: offer.timeout_s.into(),
        asset: offer.token().checksummed().to_owned(),
        extra: Some(domain(offer.token())),
    })
}

fn domain(token: &Token) -> Object {
    let mut extra = Object::new();
    extra.insert("name".into(), token.name().as_str().into());
    extra.insert("version".into(), token.version().as_str().into());
    extra
}

/// What somebody else's requirements mean, on networks and tokens that are known here.
///
/// # Errors
/// `UnsupportedScheme`, `InvalidNetwork`, `InvalidRequirements`, `ExactTokenName`, `ExactTokenVersion`,
/// `ExactMissingDomain`.
pub fn offer_of_v2(wire: &v2::Requirements, networks: &Networks) -> Result<Offer, Refusal> {
    let scheme = Scheme::parse(&wire.scheme).ok_or_else(|| {
        Refusal::mismatch(Reason::UnsupportedScheme, "scheme", "exact, upto or batch-settlement", short(&wire.scheme))
    })?;
    let (network, token) = place(networks, &wire.network, &wire.asset)?;
    let empty = Object::new();
    let extra = wire.extra.as_ref().unwrap_or(&empty);
    let method = match extra.get("assetTransferMethod").and_then(Value::as_str) {
        None if scheme == Scheme::Upto => Method::Permit2,
        None => Method::Eip3009,
        Some(text) => Method::parse(text).ok_or_else(|| {
            Refusal::mismatch(Reason::InvalidRequirements, "assetTransferMethod", "eip3009 or permit2", short(text))
        })?,
    };
    check_domain(extra, &token, method)?;
    let terms = match scheme {
        Scheme::Exact => Terms::Exact(method),
        Scheme::Upto => Terms::Upto { facilitator: named(extra, "facilitatorAddress")? },
        Scheme::BatchSettlement => Terms::BatchSettlement(ChannelTerms {
            deposit: method,
            receiver_authorizer: named(extra, "receiverAuthorizer")?,
            withdraw_delay_s: extra
                .get("withdrawDelay")
                .map_or(Some(*ChannelTerms::WITHDRAW_DELAY_S.start()), Value::as_u64)
                .ok_or_else(|| Refusal::new(Reason::InvalidRequirements, "extra.withdrawDelay must be seconds"))?,
            min_deposit: extra.get("minDeposit").and_then(Value::as_str).and_then(Uint::parse).map(|uint| uint.0),
            correction: None,
        }),
    };
    let flow = match extra.get("paymentFlow").and_then(Value::as_str) {
        None => Flow::Authorization,
        Some(text) => Flow::parse(text).ok_or_else(|| {
            Refusal::mismatch(Reason::InvalidRequirements, "paymentFlow", "authorization or upfront", short(text))
        })?,
    };
    let offer = build(network, token, wire.amount.0, &wire.pay_to, wire.max_timeout_seconds, terms)?;
    Ok(if flow == Flow::Upfront { offer.upfront() } else { offer })
}

/// The same for version 1, which has `exact` by EIP-3009 only.
///
/// # Errors
/// As `offer_of_v2`.
pub fn offer_of_v1(wire: &v1::Requirements, networks: &Networks) -> Result<Offer, Refusal> {
    if wire.scheme != Scheme::Exact.as_str() {
        return Err(Refusal::mismatch(Reason::UnsupportedScheme, "scheme", "exact", short(&wire.scheme)));
    }
    let (network, token) = place(networks, &wire.network, &wire.asset)?;
    let empty = Object::new();
    check_domain(wire.extra.as_ref().unwrap_or(&empty), &token, Method::Eip3009)?;
    let terms = Terms::Exact(Method::Eip3009);
    build(network, token, wire.max_amount_required.0, &wire.pay_to, wire.max_timeout_seconds, terms)
}

fn place(networks: &Networks, name: &str, asset: &str) -> Result<(Arc<Network>, Arc<Token>), Refusal> {
    let network = networks.by_name(name).ok_or_else(|| {
        let known: Vec<&str> = networks.all().iter().map(|network| network.caip2().as_str()).collect();
        Refusal::mismatch(Reason::InvalidNetwork, "network", format!("one of {}", known.join(", ")), short(name))
    })?;
    let token = address::parse(asset).and_then(|address| network.token(address)).ok_or_else(|| {
        let known: Vec<&str> = network.tokens().iter().map(|token| token.checksummed()).collect();
        Refusal::mismatch(Reason::InvalidRequirements, "asset", format!("one of {}", known.join(", ")), short(asset))
    })?;
    Ok((Arc::clone(network), Arc::clone(token)))
}

/// Name and version have to be the token's where they are given; EIP-3009 needs them.
fn check_domain(extra: &Object, token: &Token, method: Method) -> Result<(), Refusal> {
    let parts = [
        ("name", token.name().as_str(), Reason::ExactTokenName),
        ("version", token.version().as_str(), Reason::ExactTokenVersion),
    ];
    for (field, own, reason) in parts {
        match extra.get(field).and_then(Value::as_str) {
            Some(text) if text == own => {}
            Some(text) => return Err(Refusal::mismatch(reason, &format!("extra.{field}"), own, short(text))),
            None if method == Method::Permit2 => {}
            None => return Err(Refusal::new(Reason::ExactMissingDomain, format!("extra.{field} must be {own}"))),
        }
    }
    Ok(())
}

fn build(
    network: Arc<Network>,
    token: Arc<Token>,
    amount: U256,
    pay_to: &str,
    timeout_s: u64,
    terms: Terms,
) -> Result<Offer, Refusal> {
    let pay_to = address::parse(pay_to).ok_or_else(|| {
        Refusal::mismatch(Reason::InvalidRequirements, "payTo", "40 hex digits after 0x", short(pay_to))
    })?;
    // What is longer than a week is as good as a week.
    let timeout_s = u32::try_from(timeout_s).unwrap_or(u32::MAX).min(Offer::TIMEOUT_S_MAX);
    Offer::new(network, token, amount, pay_to, timeout_s, terms)
        .map_err(|error| Refusal::new(Reason::InvalidRequirements, error.to_string()))
}

fn named(extra: &Object, field: &str) -> Result<Address, Refusal> {
    extra.get(field).and_then(Value::as_str).and_then(address::parse).ok_or_else(|| {
        Refusal::new(Reason::InvalidRequirements, format!("extra.{field} must be 40 hex digits after 0x"))
    })
}

/// Enough of a stranger's text to recognise it.
pub(crate) fn short(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    text.chars().take(CHARS_MAX).collect()
}
