//! Version 2: the challenge is a header, the payment repeats the terms that it accepts and echoes the extensions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::header::PaymentHeader;
use super::read::unreadable;
use super::uint::{Uint, seconds};
use super::{Object, encode_base64_json};
use crate::{Refusal, offer};

/// The value of `PAYMENT-REQUIRED`, before base64.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    #[serde(rename = "x402Version")]
    pub x402_version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub resource: Resource,
    pub accepts: Vec<Requirements>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Object>,
}

/// What is paid for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon_url: Option<String>,
}

/// One way to pay. `network` in the form of CAIP-2, `amount` in the token's smallest unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirements {
    pub scheme: String,
    pub network: String,
    pub amount: Uint,
    pub asset: String,
    pub pay_to: String,
    #[serde(with = "seconds")]
    pub max_timeout_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
}

/// A payment, with the JSON that it came as.
#[derive(Debug, Clone)]
pub struct Payload {
    pub accepted: Requirements,
    json: Value,
}

#[derive(Deserialize)]
struct Accepting {
    accepted: Requirements,
}

impl Payload {
    pub(super) fn from_json(json: Value) -> Result<Self, Refusal> {
        let accepting = Accepting::deserialize(&json).map_err(|error| unreadable("payment", &error))?;
        Ok(Self { accepted: accepting.accepted, json })
    }

    /// A payment to send: `payload` is what the scheme signs; resource and extensions are echoed.
    ///
    /// # Errors
    /// `InvalidRequirements` where `accepted` is not what requirements are.
    pub fn new(
        accepted: Value,
        resource: Option<&Value>,
        payload: Object,
        extensions: Option<Object>,
    ) -> Result<Self, Refusal> {
        let mut json = Object::new();
        json.insert("x402Version".into(), 2.into());
        json.insert("payload".into(), payload.into());
        json.extend(extensions.map(|extensions| ("extensions".to_owned(), extensions.into())));
        json.extend(resource.map(|resource| ("resource".to_owned(), resource.clone())));
        json.insert("accepted".into(), accepted);
        Self::from_json(json.into())
    }

    pub const fn json(&self) -> &Value {
        &self.json
    }

    /// What the scheme signs.
    pub fn payload(&self) -> Option<&Object> {
        self.json.get("payload").and_then(Value::as_object)
    }

    /// What the payer says it pays for; nothing binds the signature to it.
    pub fn resource_url(&self) -> Option<&str> {
        self.json.get("resource")?.get("url")?.as_str()
    }

    pub fn extensions(&self) -> Option<&Object> {
        self.json.get("extensions").and_then(Value::as_object)
    }

    /// The value of `PAYMENT-SIGNATURE`.
    ///
    /// # Errors
    /// None in practice: JSON that was read can be written.
    pub fn header(&self) -> Result<String, serde_json::Error> {
        encode_base64_json(&self.json)
    }
}

impl From<Payload> for PaymentHeader {
    fn from(payload: Payload) -> Self {
        Self::V2(payload)
    }
}

const LABEL_CHARS_MAX: usize = 32;
const TAGS_MAX: usize = 5;
const ICON_URL_CHARS_MAX: usize = 2048;

/// Leaves out what clients would refuse the whole challenge for.
impl From<&offer::Resource> for Resource {
    fn from(resource: &offer::Resource) -> Self {
        let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
        let tags: Vec<String> = resource.tags.iter().filter(|tag| is_label(tag)).take(TAGS_MAX).cloned().collect();
        Self {
            url: resource.url.clone(),
            description: filled(&resource.description),
            mime_type: filled(&resource.mime_type),
            service_name: resource.service_name.clone().filter(|name| is_label(name)),
            tags: (!tags.is_empty()).then_some(tags),
            icon_url: resource.icon_url.clone().filter(|url| url.chars().count() <= ICON_URL_CHARS_MAX),
        }
    }
}

fn is_label(text: &str) -> bool {
    (1..=LABEL_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}
