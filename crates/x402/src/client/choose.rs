//! Reading a 402 and choosing one of its offers.

use farebox_base::Micros;
use serde::Deserialize;
use serde_json::Value;

use super::ClientError;
use crate::Reason;
use crate::network::{ChainId, Networks};
use crate::offer::{Offer, Scheme};
use crate::wire::{decode_base64_json, names, offer_of_v1, offer_of_v2, short, v1, v2};

/// The longest body of a 402 that is read.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// More offers than this are not looked at.
const OFFERS_MAX: usize = 32;

/// A challenge as it came, in one version or both.
#[derive(Debug, Clone)]
pub struct Required {
    v2: Option<Value>,
    v1: Option<Value>,
}

/// Which offers are taken.
#[derive(Debug, Clone)]
pub struct Preferences {
    /// Empty for every network that is known.
    pub chains: Vec<ChainId>,
    /// A symbol such as `USDC`; `None` for every token that is known.
    pub symbol: Option<String>,
    /// The most that is signed for.
    pub max_amount: Micros,
    /// Those that the caller can sign; the first that the server offers is taken.
    pub schemes: Vec<Scheme>,
    /// Pay by version 1 where both are offered.
    pub prefers_v1: bool,
}

/// The offer that is taken, with what has to be repeated to the server.
#[derive(Debug, Clone)]
pub struct Choice {
    pub offer: Offer,
    pub(super) echo: Echo,
}

#[derive(Debug, Clone)]
pub(super) enum Echo {
    V1 { scheme: String, network: String },
    V2 { accepted: Value, resource: Option<Value>, extensions: Option<crate::wire::Object> },
}

impl Preferences {
    /// Any known network and token, exact payments only.
    pub fn up_to(max_amount: Micros) -> Self {
        let schemes = vec![Scheme::Exact];
        Self { chains: Vec::new(), symbol: None, max_amount, schemes, prefers_v1: false }
    }
}

impl Required {
    /// `header` gives the value of a header by its name in small letters.
    ///
    /// # Errors
    /// `NotPaymentRequired` for any other status than 402, `Unreadable`.
    pub fn read<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Result<Self, ClientError> {
        if status != 402 {
            return Err(ClientError::NotPaymentRequired(status));
        }
        let from_header = header(names::PAYMENT_REQUIRED)
            .map(|value| decode_base64_json(value).map_err(|refusal| ClientError::Unreadable(refusal.message)))
            .transpose()?;
        let from_body: Option<Value> =
            Some(body).filter(|body| body.len() <= BODY_BYTES_MAX).and_then(|body| serde_json::from_slice(body).ok());
        let of_version =
            |value: &Value, version: u64| value.get("x402Version").and_then(Value::as_u64) == Some(version);
        let required = Self {
            v2: from_header.or_else(|| from_body.clone().filter(|body| of_version(body, 2))),
            v1: from_body.filter(|body| of_version(body, 1)),
        };
        if required.v1.is_none() && required.v2.is_none() {
            return Err(ClientError::Unreadable("neither a PAYMENT-REQUIRED header nor a body of x402".to_owned()));
        }
        Ok(required)
    }

    /// What the server says is wrong; the code of version 2 where there are both.
    pub fn error(&self) -> Option<&str> {
        [&self.v2, &self.v1].into_iter().flatten().find_map(|challenge| challenge.get("error")?.as_str())
    }

    /// The first offer that fits, of the preferred version where it has one.
    ///
    /// # Errors
    /// `TooMuch` where only the price stands in the way, `NoOffer` saying what there is, what is wanted, and what is wrong
    /// with offers that would be.
    pub fn choose(&self, networks: &Networks, preferences: &Preferences) -> Result<Choice, ClientError> {
        let mut candidates: Vec<Result<Choice, ClientError>> = self.v2_choices(networks);
        let v1 = self.v1_choices(networks);
        if preferences.prefers_v1 {
            candidates.splice(0..0, v1);
        } else {
            candidates.extend(v1);
        }
        let mut too_much = None;
        let mut why = Vec::new();
        for candidate in candidates {
            match candidate.and_then(|choice| preferences.check(choice)) {
                Ok(choice) => return Ok(choice),
                Err(error @ ClientError::TooMuch { .. }) => {
                    too_much.get_or_insert(error);
                }
                Err(ClientError::NotWanted) => {}
                // What the server offers is told anyway.
                Err(ClientError::Refused(refusal))
                    if matches!(refusal.reason, Reason::InvalidNetwork | Reason::UnsupportedScheme) => {}
                Err(ClientError::NoOffer(text)) => why.push(text),
                Err(error) => why.push(error.to_string()),
            }
        }
        let (offered, wanted) = (self.offered(networks), preferences.told(networks));
        why.insert(0, format!("the server offers {offered}; wanted is {wanted}"));
        why.dedup();
        Err(too_much.unwrap_or_else(|| ClientError::NoOffer(why.join("; "))))
    }

    /// What the server offers, for people: each scheme and network once.
    fn offered(&self, networks: &Networks) -> String {
        let text = |offer: &Value, name: &str| offer.get(name).and_then(Value::as_str).map(short).unwrap_or_default();
        let mut offered = Vec::new();
        for challenge in [&self.v2, &self.v1].into_iter().flatten() {
            for offer in accepts(challenge) {
                let one = format!("{} on {}", text(offer, "scheme"), place(networks, &text(offer, "network")));
                if !offered.contains(&one) {
                    offered.push(one);
                }
            }
        }
        if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") }
    }

    fn v2_choices(&self, networks: &Networks) -> Vec<Result<Choice, ClientError>> {
        let Some(challenge) = &self.v2 else { return Vec::new() };
        let choice = |accepted: &Value| {
            let wire = v2::Requirements::deserialize(accepted).map_err(unreadable)?;
            let echo = Echo::V2 {
                accepted: accepted.clone(),
                resource: challenge.get("resource").filter(|resource| resource.is_object()).cloned(),
                extensions: challenge.get("extensions").and_then(Value::as_object).cloned(),
            };
            Ok(Choice { offer: offer_of_v2(&wire, networks)?, echo })
        };
        accepts(challenge).map(choice).collect()
    }

    fn v1_choices(&self, networks: &Networks) -> Vec<Result<Choice, ClientError>> {
        let Some(challenge) = &self.v1 else { return Vec::new() };
        let choice = |accepted: &Value| {
            let wire = v1::Requirements::deserialize(accepted).map_err(unreadable)?;
            let offer = offer_of_v1(&wire, networks)?;
            Ok(Choice { offer, echo: Echo::V1 { scheme: wire.scheme, network: wire.network } })
        };
        accepts(challenge).map(choice).collect()
    }
}

impl Preferences {
    fn check(&self, choice: Choice) -> Result<Choice, ClientError> {
        let offer = &choice.offer;
        let is_on = self.chains.is_empty() || self.chains.contains(&offer.network().chain_id());
        let is_in = self.symbol.as_ref().is_none_or(|symbol| offer.token().symbol().eq_ignore_ascii_case(symbol));
        if !self.schemes.contains(&offer.scheme()) || !is_on || !is_in {
            return Err(ClientError::NotWanted);
        }
        match offer.micros() {
            Ok(asked) if asked <= self.max_amount => Ok(choice),
            Ok(asked) => Err(ClientError::TooMuch { asked, limit: self.max_amount }),
            Err(error) => Err(ClientError::NoOffer(format!("the amount {error}"))),
        }
    }

    /// For people.
    fn told(&self, networks: &Networks) -> String {
        let schemes: Vec<&str> = self.schemes.iter().map(|scheme| scheme.as_str()).collect();
        let on: Vec<String> = networks
            .all()
            .iter()
            .filter(|network| self.chains.contains(&network.chain_id()))
            .map(|network| place(networks, network.caip2().as_str()))
            .collect();
        let on = if on.is_empty() { "any known network".to_owned() } else { on.join(" or ") };
        let symbol = self.symbol.as_ref().map(|symbol| format!(" in {symbol}")).unwrap_or_default();
        format!("{} on {on}{symbol}", schemes.join(" or "))
    }
}

/// A network by the name that people know, where there is one.
fn place(networks: &Networks, name: &str) -> String {
    match networks.by_name(name) {
        Some(network) => format!("{} ({})", network.name(), network.caip2()),
        None => name.to_owned(),
    }
}

fn accepts(challenge: &Value) -> impl Iterator<Item = &Value> {
    challenge.get("accepts").and_then(Value::as_array).into_iter().flatten().take(OFFERS_MAX)
}

fn unreadable(error: serde_json::Error) -> ClientError {
    ClientError::Unreadable(error.to_string().chars().take(200).collect())
}
