//! What became of a payment: replies of a facilitator and the receipt that the client gets.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::uint::Uint;
use super::{Object, encode_base64_json};
use crate::evm::address::checksummed;
use crate::{Reason, Refusal};

/// The reply to a settlement, and the receipt in `PAYMENT-RESPONSE` and `X-PAYMENT-RESPONSE`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettlementResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// A hash after `0x`; empty where nothing was sent.
    #[serde(default)]
    pub transaction: String,
    /// The network's name in the version of the payment.
    #[serde(default)]
    pub network: String,
    /// What was taken, in the token's smallest unit; always with `upto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Uint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Object>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
}

/// The reply to a verification.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyResponse {
    pub is_valid: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Object>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
}

/// The code of a reason in a version.
const fn code(reason: Reason, version: u8) -> &'static str {
    if version == 1 { reason.v1_code() } else { reason.code() }
}

impl SettlementResponse {
    /// `transaction` is `None` where nothing had to be sent.
    pub fn settled(network: &str, payer: Address, transaction: Option<B256>, amount: Option<Uint>) -> Self {
        Self {
            success: true,
            payer: Some(checksummed(payer)),
            transaction: transaction.map(|hash| hash.to_string()).unwrap_or_default(),
            network: network.to_owned(),
            amount,
            ..Self::default()
        }
    }

    /// `version` is that of the payment; its clients know different codes.
    pub fn refused(network: &str, refusal: &Refusal, version: u8) -> Self {
        Self {
            error_reason: Some(code(refusal.reason, version).to_owned()),
            error_message: Some(refusal.message.clone()),
            payer: refusal.payer.map(checksummed),
            network: network.to_owned(),
            ..Self::default()
        }
    }

    /// Broadcast and not final; whoever settles again with the same body learns the outcome.
    pub fn pending(network: &str, payer: Address, transaction: B256, version: u8) -> Self {
        let refusal = Refusal::new(Reason::SettlementPending, "the transaction was sent and is not final yet");
        Self { transaction: transaction.to_string(), ..Self::refused(network, &refusal.of(payer), version) }
    }

    /// Whether it may still be taken. Who settles after the answer, or has lost sight of it, names no transaction.
    pub fn is_pending(&self) -> bool {
        !self.success && self.error_reason.as_deref() == Some(Reason::SettlementPending.code())
    }

    /// The value of a receipt's header.
    ///
    /// # Errors
    /// None in practice.
    pub fn header(&self) -> Result<String, serde_json::Error> {
        encode_base64_json(self)
    }
}

impl VerifyResponse {
    pub fn valid(payer: Address) -> Self {
        Self { is_valid: true, payer: Some(checksummed(payer)), ..Self::default() }
    }

    /// `version` is that of the payment; its clients know different codes.
    pub fn refused(refusal: &Refusal, version: u8) -> Self {
        Self {
            invalid_reason: Some(code(refusal.reason, version).to_owned()),
            invalid_message: Some(refusal.message.clone()),
            payer: refusal.payer.map(checksummed),
            ..Self::default()
        }
    }
}
