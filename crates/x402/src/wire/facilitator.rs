//! Requests to a facilitator and what it says of itself.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::header::PaymentHeader;
use super::read::unreadable;
use super::{Object, offer_of_v1, offer_of_v2, v1, v2};
use crate::network::Networks;
use crate::offer::{Offer, Scheme};
use crate::{Reason, Refusal};

/// The longest body of a request that is read.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The body of `POST /verify` and `POST /settle`, which are alike.
#[derive(Debug, Clone)]
pub struct FacilitatorRequest {
    pub payment: PaymentHeader,
    pub requirements: Requirements,
}

/// What the server asked for, in the version of the payment.
#[derive(Debug, Clone, PartialEq)]
pub enum Requirements {
    V1(v1::Requirements),
    V2(v2::Requirements),
}

/// A way to pay that a facilitator takes. Networks are named as the version does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kind {
    #[serde(rename = "x402Version")]
    pub x402_version: u8,
    pub scheme: String,
    pub network: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
}

/// The reply to `GET /supported`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Supported {
    pub kinds: Vec<Kind>,
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Wallets that send, by family of chains: `eip155:*`.
    #[serde(default)]
    pub signers: BTreeMap<String, Vec<String>>,
}

impl FacilitatorRequest {
    /// Reads a body. The payment's version decides; version 1 may also carry it encoded, as `paymentHeader`.
    ///
    /// # Errors
    /// `InvalidPayload`, `InvalidVersion`, `InvalidRequirements`, `PayloadTooLarge`.
    pub fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        if body.len() > BODY_BYTES_MAX {
            let limit = format!("at most {BODY_BYTES_MAX} bytes");
            return Err(Refusal::mismatch(Reason::PayloadTooLarge, "body", limit, body.len()));
        }
        let json: Value = serde_json::from_slice(body).map_err(|error| unreadable("body", &error))?;
        let Value::Object(mut object) = json else {
            return Err(Refusal::new(Reason::InvalidPayload, "the body is not a JSON object"));
        };
        let payment = match (object.remove("paymentPayload"), object.get("paymentHeader").and_then(Value::as_str)) {
            (Some(payload), _) => PaymentHeader::from_json(payload)?,
            (None, Some(header)) => PaymentHeader::decode(header)?,
            (None, None) => return Err(Refusal::new(Reason::InvalidPayload, "paymentPayload is missing")),
        };
        let requirements = object.get("paymentRequirements").unwrap_or(&Value::Null);
        let unreadable =
            |error| Refusal { reason: Reason::InvalidRequirements, ..unreadable("paymentRequirements", &error) };
        let requirements = match payment {
            PaymentHeader::V1(_) => Requirements::V1(v1::Requirements::deserialize(requirements).map_err(unreadable)?),
            PaymentHeader::V2(_) => Requirements::V2(v2::Requirements::deserialize(requirements).map_err(unreadable)?),
        };
        Ok(Self { payment, requirements })
    }

    /// The offer that a settlement is held against, and how much of it to settle, in the token's smallest unit. With
    /// `upto` and channels the server asks for what was used, while the payer has signed for what was accepted.
    ///
    /// # Errors
    /// As `offer_of_v2`; `UptoSettlementExceedsAmount`.
    pub fn settlement(&self, networks: &Networks) -> Result<(Offer, U256), Refusal> {
        let mut offer = self.requirements.offer(networks)?;
        let asked = offer.amount;
        if let (PaymentHeader::V2(payload), Scheme::Upto | Scheme::BatchSettlement) = (&self.payment, offer.scheme()) {
            offer.amount = payload.accepted.amount.0;
            if asked > offer.amount {
                let most = format!("at most the accepted {}", offer.amount);
                return Err(Refusal::mismatch(Reason::UptoSettlementExceedsAmount, "amount", most, asked));
            }
        }
        Ok((offer, asked))
    }

    /// The body to send to another facilitator, with the payment as it came.
    pub fn to_json(&self) -> Value {
        let requirements = match &self.requirements {
            Requirements::V1(requirements) => serde_json::to_value(requirements),
            Requirements::V2(requirements) => serde_json::to_value(requirements),
        };
        serde_json::json!({
            "x402Version": self.payment.version(),
            "paymentPayload": self.payment.json(),
            "paymentRequirements": requirements.unwrap_or_default(),
        })
    }
}

impl Requirements {
    /// The same on the networks and tokens that are known here.
    ///
    /// # Errors
    /// As `offer_of_v2`.
    pub fn offer(&self, networks: &Networks) -> Result<Offer, Refusal> {
        match self {
            Self::V1(requirements) => offer_of_v1(requirements, networks),
            Self::V2(requirements) => offer_of_v2(requirements, networks),
        }
    }

    pub fn network(&self) -> &str {
        match self {
            Self::V1(requirements) => &requirements.network,
            Self::V2(requirements) => &requirements.network,
        }
    }
}
