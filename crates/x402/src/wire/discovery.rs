//! Replies of a facilitator's catalogue: `GET /discovery/resources` and `GET /discovery/search`.

use serde::Serialize;

use super::{Object, v2};

/// A resource that can be paid for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryItem {
    /// Its URL, or the template of it.
    pub resource: String,
    /// `http` or `mcp`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(rename = "x402Version")]
    pub x402_version: u8,
    pub accepts: Vec<v2::Requirements>,
    /// ISO 8601.
    pub last_updated: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Object>,
}

/// The reply to a listing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryList {
    #[serde(rename = "x402Version")]
    pub x402_version: u8,
    pub items: Vec<DiscoveryItem>,
    pub pagination: ListPage,
}

/// Where in the listing the items stand. `limit` is 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ListPage {
    pub limit: u32,
    pub offset: u64,
    pub total: u64,
}

/// The reply to a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchResult {
    #[serde(rename = "x402Version")]
    pub x402_version: u8,
    pub resources: Vec<DiscoveryItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial_results: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination: Option<SearchPage>,
}

/// How to go on; no cursor at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SearchPage {
    pub limit: u32,
    pub cursor: Option<String>,
}
