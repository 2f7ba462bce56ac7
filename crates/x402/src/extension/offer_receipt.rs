//! `offer-receipt`: offers and receipts that the seller's side signs, as typed data that no contract checks.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::evm::{Digest, Domain, SigningKey, address::checksummed, typed_data};
use crate::network::ChainId;
use crate::offer::Offer;
use crate::wire::v2;
use farebox_base::Timestamp;

pub const KEY: &str = "offer-receipt";
const VERSION: u64 = 1;
const FORMAT: &str = "eip712";

static OFFER: typed_data::TypeHash = typed_data::TypeHash::new(|| {
    typed_data::type_word(
        "Offer(uint256 version,string resourceUrl,string scheme,string network,string asset,string payTo,string amount,uint256 validUntil)",
    )
});
static RECEIPT: typed_data::TypeHash = typed_data::TypeHash::new(|| {
    typed_data::type_word(
        "Receipt(uint256 version,string network,string resourceUrl,string payer,uint256 issuedAt,string transaction)",
    )
});
static OFFER_DOMAIN: LazyLock<Domain> = LazyLock::new(|| Domain::without_contract("x402 offer", "1", ChainId::new(1)));
static RECEIPT_DOMAIN: LazyLock<Domain> =
    LazyLock::new(|| Domain::without_contract("x402 receipt", "1", ChainId::new(1)));

/// What an offer promises. Times in seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferPayload {
    pub version: u64,
    pub resource_url: String,
    pub scheme: String,
    pub network: String,
    pub asset: String,
    pub pay_to: String,
    pub amount: String,
    pub valid_until: u64,
}

/// What a receipt states. `transaction` is empty where it is kept private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptPayload {
    pub version: u64,
    pub network: String,
    pub resource_url: String,
    pub payer: String,
    pub issued_at: u64,
    #[serde(default)]
    pub transaction: String,
}

/// A payload with the signature over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signed<T> {
    /// `eip712`.
    pub format: String,
    /// Of an offer: its place among `accepts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_index: Option<usize>,
    pub payload: T,
    /// 65 bytes as hex after `0x`.
    pub signature: String,
}

impl OfferPayload {
    pub fn new(resource_url: &str, offer: &Offer, now: Timestamp) -> Self {
        let wire = v2::Requirements::from(offer);
        Self {
            version: VERSION,
            resource_url: resource_url.to_owned(),
            scheme: wire.scheme,
            network: wire.network,
            asset: wire.asset,
            pay_to: wire.pay_to,
            amount: wire.amount.to_string(),
            valid_until: seconds(now).saturating_add(offer.timeout_s.into()),
        }
    }

    pub fn digest(&self) -> Digest {
        let text = typed_data::text;
        OFFER_DOMAIN.digest(typed_data::hash(&[
            OFFER.word(),
            typed_data::number(self.version),
            text(&self.resource_url),
            text(&self.scheme),
            text(&self.network),
            text(&self.asset),
            text(&self.pay_to),
            text(&self.amount),
            typed_data::number(self.valid_until),
        ]))
    }

    /// `accept_index` is the offer's place among `accepts`.
    pub fn sign(self, accept_index: usize, key: &SigningKey) -> Signed<Self> {
        let signature = key.sign_digest(self.digest()).to_hex();
        Signed { format: FORMAT.to_owned(), accept_index: Some(accept_index), payload: self, signature }
    }
}

impl ReceiptPayload {
    /// `network` in the form of CAIP-2; `transaction` is `None` where it is kept private.
    pub fn new(
        resource_url: &str,
        network: &str,
        payer: alloy_primitives::Address,
        transaction: Option<&str>,
        now: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            network: network.to_owned(),
            resource_url: resource_url.to_owned(),
            payer: checksummed(payer),
            issued_at: seconds(now),
            transaction: transaction.unwrap_or_default().to_owned(),
        }
    }

    pub fn digest(&self) -> Digest {
        let text = typed_data::text;
        RECEIPT_DOMAIN.digest(typed_data::hash(&[
            RECEIPT.word(),
            typed_data::number(self.version),
            text(&self.network),
            text(&self.resource_url),
            text(&self.payer),
            typed_data::number(self.issued_at),
            text(&self.transaction),
        ]))
    }

    pub fn sign(self, key: &SigningKey) -> Signed<Self> {
        let signature = key.sign_digest(self.digest()).to_hex();
        Signed { format: FORMAT.to_owned(), accept_index: None, payload: self, signature }
    }
}

/// What a challenge advertises.
pub fn offers_extension(offers: &[Signed<OfferPayload>]) -> Value {
    json!({ "info": { "offers": offers }, "schema": { "type": "object", "required": ["offers"] } })
}

/// What a receipt carries under its `extensions`.
pub fn receipt_extension(receipt: &Signed<ReceiptPayload>) -> Value {
    json!({ "info": { "receipt": receipt }, "schema": { "type": "object", "required": ["receipt"] } })
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.seconds()).unwrap_or_default()
}
