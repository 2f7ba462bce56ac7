//! Crediting money that a wallet has sent on a chain by itself.

use crate::SixDecimals;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a transaction that sent money to the gateway's address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayDepositRequest {
    /// `0x` and 64 hex digits.
    #[schemars(example = &"0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b")]
    pub tx_hash: String,
    /// The wallet whose money it was, and that may spend it.
    pub agent_wallet: String,
    /// The provider that it is for; newer clients write it as `publisherId`.
    #[serde(alias = "publisherId")]
    pub provider_id: Uuid,
}

/// The money is there.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayDepositResponse {
    pub success: bool,
    /// USDC that the wallet can spend at the provider now.
    pub balance: SixDecimals,
    pub transaction: GatewayDepositTransaction,
}

/// The transfer that was credited.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayDepositTransaction {
    pub tx_hash: String,
    /// USDC that arrived.
    pub amount: SixDecimals,
    /// Whether the chain was asked.
    pub verified: bool,
}
