//! What a wallet can spend at one provider.

use crate::{SixDecimals, Time};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A wallet's balance for one provider.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderBalance {
    pub agent_wallet: String,
    pub provider_id: Uuid,
    /// USDC; zero for a wallet that was never seen.
    pub balance: SixDecimals,
    /// When the balance last changed; null where it never did.
    pub updated_at: Option<Time>,
}
