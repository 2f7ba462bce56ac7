//! Whether the gateway is up.

use crate::Time;
use schemars::JsonSchema;
use serde::Serialize;

/// The gateway's word that it is up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SqlGatewayHealth {
    #[schemars(example = &"healthy")]
    pub status: String,
    /// The server's clock.
    pub timestamp: Time,
}
