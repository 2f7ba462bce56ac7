//! Version 1: the challenge is the body of a 402, the payment names scheme and network only.
//!
//! Its clients refuse a whole challenge over one field, so that `description` and `mimeType` are always strings and
//! `outputSchema` is absent or an object.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::header::PaymentHeader;
use super::read::unreadable;
use super::uint::{Uint, seconds};
use super::{Object, encode_base64_json};
use crate::Refusal;
use crate::offer::{Offer, Resource};

/// The body of a 402.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    #[serde(rename = "x402Version")]
    pub x402_version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub accepts: Vec<Requirements>,
}

/// One way to pay. `network` is a name such as `base-sepolia`, `max_amount_required` in the token's smallest unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirements {
    pub scheme: String,
    pub network: String,
    pub max_amount_required: Uint,
    /// An absolute URL.
    #[serde(default, deserialize_with = "text_or_null")]
    pub resource: String,
    #[serde(default, deserialize_with = "text_or_null")]
    pub description: String,
    #[serde(default, deserialize_with = "text_or_null")]
    pub mime_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Object>,
    pub pay_to: String,
    #[serde(with = "seconds")]
    pub max_timeout_seconds: u64,
    pub asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
}

impl Requirements {
    /// `None` for what version 1 can't say; see `Offer::is_for_v1`.
    pub fn of(offer: &Offer, resource: &Resource) -> Option<Self> {
        super::terms::v1_requirements(offer, resource)
    }
}

/// A payment, with the JSON that it came as.
#[derive(Debug, Clone)]
pub struct Payload {
    pub scheme: String,
    pub network: String,
    json: Value,
}

#[derive(Deserialize)]
struct Named {
    scheme: String,
    network: String,
}

impl Payload {
    pub(super) fn from_json(json: Value) -> Result<Self, Refusal> {
        let named = Named::deserialize(&json).map_err(|error| unreadable("payment", &error))?;
        Ok(Self { scheme: named.scheme, network: named.network, json })
    }

    /// A payment to send: `payload` is what the scheme signs.
    pub fn new(scheme: &str, network: &str, payload: Object) -> Self {
        let json = serde_json::json!({
            "x402Version": 1, "scheme": scheme, "network": network, "payload": payload,
        });
        Self { scheme: scheme.to_owned(), network: network.to_owned(), json }
    }

    pub const fn json(&self) -> &Value {
        &self.json
    }

    /// What the scheme signs.
    pub fn payload(&self) -> Option<&Object> {
        self.json.get("payload").and_then(Value::as_object)
    }

    /// The value of `X-PAYMENT`.
    ///
    /// # Errors
    /// None in practice: JSON that was read can be written.
    pub fn header(&self) -> Result<String, serde_json::Error> {
        encode_base64_json(&self.json)
    }
}

impl From<Payload> for PaymentHeader {
    fn from(payload: Payload) -> Self {
        Self::V1(payload)
    }
}

fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}
