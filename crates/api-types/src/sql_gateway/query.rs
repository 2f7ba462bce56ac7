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
    /// USDC that was charged; never more than the estimate.
    pub actual_cost: SixDecimals,
    /// How long the query took, in whole milliseconds.
    #[schemars(example = &"45ms")]
    pub execution_time: String,
}

impl SqlQueryResponse {
    /// How the door spells a span: `45ms`.
    pub fn execution_time_text(took: Duration) -> String {
        format!("{}ms", took.as_millis())
    }
}
