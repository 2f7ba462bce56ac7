//! The store and the calls with a documented body: search, cost estimates, database queries.

use super::PublisherCategory;
use crate::{AtomicAmount, DecimalAmount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Narrows and pages the list of publishers.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListPublishersQuery {
    pub is_verified: Option<bool>,
    pub category: Option<PublisherCategory>,
    /// Text that the name or the slug contains.
    pub search: Option<String>,
    /// How many to show at most: 50 unless told, never more than 100.
    pub limit: Option<i64>,
    /// How many to skip.
    pub offset: Option<i64>,
}

/// Asks what a query would cost, without running or paying for it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct EstimateRequestBody {
    pub publisher_id: Uuid,
    /// What would be sent: SQL for SQL databases, else the text of the request.
    #[schemars(example = &"SELECT symbol, price FROM quotes LIMIT 100")]
    pub query: String,
    /// The asset to price in; the publisher's first one where it is missing.
    pub asset_id: Option<Uuid>,
}

/// What a query would cost at most.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EstimateResponse {
    pub estimated_rows: i64,
    /// In decimal units of the asset.
    pub estimated_cost: DecimalAmount,
    /// The same in atomic units.
    pub estimated_cost_atomic: AtomicAmount,
    #[schemars(example = &"USDC")]
    pub asset_symbol: String,
    pub publisher_name: String,
    pub publisher_slug: String,
}

/// A query for a database publisher.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct DatabaseQueryRequest {
    /// The text to run: one statement for SQL databases.
    #[schemars(example = &"SELECT symbol, price FROM quotes WHERE symbol = $1")]
    pub query: String,
    /// Values for the query's parameters, in order.
    #[serde(default)]
    pub params: Vec<Value>,
    /// Which of the publisher's databases to ask; its usual one where this is missing.
    pub database: Option<String>,
}

/// What is posted to a publisher's root: a query for databases, anything for all others.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PublisherRootRequest {
    Query(DatabaseQueryRequest),
    Other(Value),
}
