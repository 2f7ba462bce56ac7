//! Running a query and paying for its rows.

use crate::SixDecimals;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// One statement for a provider's database, to be paid by a wallet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SqlQueryRequest {
    #[schemars(example = &"SELECT symbol, price FROM quotes LIMIT 10")]
    pub sql: String,
    /// The wallet that pays.
    pub agent_wallet: String,
    /// The provider; newer clients write it as `publisherId`.
    #[serde(alias = "publisherId")]
    pub provider_id: Uuid,
}

/// The rows and what they cost.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SqlQueryResponse {
    /// Objects from column name to value, in the order of the result.
    pub rows: Vec<Value>,
    pub row_count: i64,
    /// USDC that was reserved before the query ran.
    pub estimated_cost: SixDecimals,
    /// USDC that was charged; never more than the estimate. What a signed payment was more is the wallet's balance at the
    /// provider.
    pub actual_cost: SixDecimals,
    /// How long the query took, in whole milliseconds.
    #[schemars(example = &"45ms")]
    pub execution_time: String,
    /// As in the 402 that asked for the payment; with a signed payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_request_id: Option<Uuid>,
    /// The transaction that paid; with a signed payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement: Option<PaymentSettlement>,
}

/// A payment that is on its chain.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PaymentSettlement {
    /// The wallet that has signed.
    pub payer: String,
    /// `0x` and 64 hex digits; empty while the payment is settled after the answer.
    pub transaction: String,
    #[schemars(example = &"base")]
    pub network: String,
}

impl SqlQueryResponse {
    /// How the door spells a span: `45ms`.
    pub fn execution_time_text(took: Duration) -> String {
        format!("{}ms", took.as_millis())
    }
}
