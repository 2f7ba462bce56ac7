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

/// Money to bring in on a chain.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct OnchainDepositRequest {
    /// A decimal text such as `10.50`.
    pub amount: String,
    /// The asset; the ledger's where there is none.
    #[serde(default)]
    pub asset_id: Option<Uuid>,
    /// The publisher whose seller's calls it is for.
    pub publisher_id: Uuid,
}

/// What was brought in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OnchainDepositResponse {
    pub message: String,
    pub deposited_amount: DecimalAmount,
    /// What there is now for calls of this seller.
    pub balance_amount: DecimalAmount,
    pub asset_symbol: String,
    pub publisher_id: Uuid,
    /// The wallet that has signed.
    pub agent_wallet: String,
    pub tx_hash: Option<String>,
}
