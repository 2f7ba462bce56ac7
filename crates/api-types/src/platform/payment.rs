//! Payments on chains: what is taken, and deposits.

use crate::DecimalAmount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What a facilitator takes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SupportedResponse {
    pub kinds: Vec<SupportedKind>,
    /// Keys of extensions.
    pub extensions: Option<Vec<String>>,
    /// The addresses that settle, by family of networks.
    pub signers: Value,
}

/// One scheme on one network in one version of the protocol.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SupportedKind {
    #[serde(rename = "x402Version")]
    pub x402_version: u32,
    pub scheme: String,
    /// A name in version 1, CAIP-2 in version 2.
    pub network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Value>,
}

/// Money to bring in on a chain. Sent without a payment it is answered 402, with what to sign; the same request with the
/// signed payment in `PAYMENT-SIGNATURE` (version 2) or `X-PAYMENT` (version 1) is settled and credited.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct OnchainDepositRequest {
    /// How much, in USDC: a decimal text such as `10.50`, more than 0 and at most 1000000.
    pub amount: String,
    /// The asset; the ledger's where there is none. No other one is taken.
    #[serde(default)]
    pub asset_id: Option<Uuid>,
    /// The publisher for all of whose seller's calls it is.
    pub publisher_id: Uuid,
}

/// What was brought in, once the payment is final. The header `PAYMENT-RESPONSE` has its receipt.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OnchainDepositResponse {
    pub message: String,
    /// What this payment has brought.
    pub deposited_amount: DecimalAmount,
    /// What there is now for calls of this seller.
    pub balance_amount: DecimalAmount,
    pub asset_symbol: String,
    pub publisher_id: Uuid,
    /// The wallet that has signed.
    pub agent_wallet: String,
    /// The transaction on its chain.
    pub tx_hash: Option<String>,
}
