//! Whether the server is up, and what it is.

use crate::Time;
use schemars::JsonSchema;
use serde::Serialize;

/// The server's word that it is up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MarketplaceHealth {
    #[schemars(example = &"ok")]
    pub status: String,
    /// The server's clock.
    pub timestamp: Time,
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
