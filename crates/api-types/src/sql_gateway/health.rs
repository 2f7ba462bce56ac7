//! Whether the gateway is up.

use crate::{NetworkHealth, Time};
use schemars::JsonSchema;
use serde::Serialize;

/// The gateway's word that it is up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SqlGatewayHealth {
    #[schemars(example = &"healthy")]
    pub status: String,
    /// The server's clock.
    pub timestamp: Time,
    /// Where payments on chain are settled by this server; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkHealth>,
}
