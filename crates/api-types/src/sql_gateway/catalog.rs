//! What newer clients of this door browse: everything that is for sale, databases and APIs alike.
//!
//! Fields that an entry lacks are left out of it.

use crate::{SixDecimals, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// What kinds of entries to show.
    CatalogType { Database = "database", Api = "api", Both = "both" }
}

wire_enum! {
    /// What an entry offers: rows of a database, or calls of an API.
    CatalogKind { Database = "database", Api = "api" }
}

/// Narrows the catalog.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CatalogQuery {
    pub category: Option<String>,
    /// Both kinds unless told.
    #[serde(rename = "type")]
    pub kind: Option<CatalogType>,
}

/// The catalog.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CatalogPublishers {
    pub publishers: Vec<CatalogEntry>,
}

/// One thing that is for sale.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogEntry {
    pub id: Uuid,
    pub name: String,
    pub publisher_type: CatalogKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_description: Option<String>,
    /// USDC for one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_per_call: Option<SixDecimals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Base URL of the upstream, where the seller lets it be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_api_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_example: Option<String>,
}
