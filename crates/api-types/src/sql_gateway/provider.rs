//! Registering a database and its owner.

use crate::{Secret, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Registers a PostgreSQL database whose rows are for sale.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterProviderRequest {
    pub name: String,
    pub email: String,
    /// Where the earnings go: `0x` and 40 hex digits.
    #[schemars(example = &"0x1f9090aaE28b8a3dCeaDf281B0F12828e676c326")]
    pub wallet_address: String,
    /// How the gateway reaches the database; kept encrypted and never shown.
    #[schemars(example = &"postgresql://reader:secret@db.example.com:5432/quotes")]
    pub connection_string: Secret,
}

/// The new provider and its key.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterProviderResponse {
    pub provider: Provider,
    /// The provider's key, whole. It is shown here and never again.
    pub api_key: Secret,
}

/// A provider as its owner sees it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    pub id: Uuid,
    pub name: String,
    /// The contact address that was given. It counts, for signing in, once the link in the mail to it was followed.
    #[schemars(example = &"owner@example.com")]
    pub email: String,
    pub wallet_address: String,
    /// Whether the gateway made the database itself.
    pub provisioned_by_gateway: bool,
    pub created_at: Time,
}
