//! Smaller things that publishers are made of: assets, examples, routing, discovery.

use crate::{Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A currency or token that a publisher takes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AssetInfo {
    pub id: Uuid,
    #[schemars(example = &"USDC")]
    pub symbol: String,
    pub name: String,
    /// Digits after the point of one whole unit; 6 means that one unit is 1,000,000 atomic units.
    pub decimals: i32,
    #[schemars(example = &"eip155:8453")]
    pub network_id: String,
    pub network_name: String,
    /// The token's contract; null for the network's own coin.
    pub contract_address: Option<String>,
    pub is_native: bool,
    pub is_stablecoin: bool,
}

/// A call that readers can copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageExample {
    pub title: Option<String>,
    pub description: Option<String>,
    /// The whole command line.
    pub curl: Option<String>,
}

wire_enum! {
    /// Whether every call takes the regional route, or only those of callers who agreed to it.
    GeoRoutingMode { Always = "always", OptIn = "opt_in" }
}

/// The region that calls must come from, where the upstream serves only some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeoRoutingConfig {
    #[schemars(example = &"eu-central")]
    pub proxy_region: String,
    #[serde(default = "opt_in")]
    pub mode: GeoRoutingMode,
}

/// How asking an MCP server for its tools went.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct McpDiscoveryStatus {
    pub last_attempt_at: Option<Time>,
    pub last_success_at: Option<Time>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

const fn opt_in() -> GeoRoutingMode {
    GeoRoutingMode::OptIn
}
