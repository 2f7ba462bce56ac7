//! Whether the server is up, and what it is.

use crate::{NetworkHealth, Time};
use schemars::JsonSchema;
use serde::Serialize;

/// The server's word that it is up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MarketplaceHealth {
    #[schemars(example = &"ok")]
    pub status: String,
    /// The server's clock.
    pub timestamp: Time,
    /// Where payments on chain are settled by this server; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkHealth>,
}

/// What answers at this address.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServiceInfo {
    pub service: String,
    pub version: String,
    /// Path of the documentation.
    #[schemars(example = &"/docs")]
    pub docs: String,
}
