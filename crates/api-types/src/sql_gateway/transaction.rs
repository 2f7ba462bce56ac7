//! The history of a wallet: deposits and queries.

use crate::{SixDecimals, Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

wire_enum! {
    /// Money that came in, or money that a query cost.
    GatewayTransactionKind { Deposit = "deposit", Query = "query" }
}

/// Narrows the history.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayTransactionsQuery {
    /// Only what happened with this provider.
    pub provider_id: Option<Uuid>,
    /// How many to show at most: 50 unless told, never more than 100.
    pub limit: Option<i64>,
}

/// A wallet's history, newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayTransactions {
    pub agent_wallet: String,
    pub transactions: Vec<GatewayTransaction>,
}

/// One movement.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayTransaction {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: GatewayTransactionKind,
    /// USDC: positive for deposits, negative for queries.
    pub amount: SixDecimals,
    pub balance_before: SixDecimals,
    pub balance_after: SixDecimals,
    /// The transfer on the chain; null for queries.
    pub tx_hash: Option<String>,
    /// What the query was and returned; empty for deposits.
    pub metadata: Map<String, Value>,
    pub timestamp: Time,
}
