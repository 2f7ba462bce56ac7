//! What a buyer has called and spent.

use crate::DecimalAmount;
use schemars::JsonSchema;
use serde::Serialize;

/// All calls of the key's owner.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BuyerUsage {
    /// The owner's `owner_id`.
    pub buyer_id: String,
    pub total_calls: i64,
    pub total_spent_usd: DecimalAmount,
    /// Milliseconds, with one digit after the point.
    pub avg_latency_ms: f64,
}
