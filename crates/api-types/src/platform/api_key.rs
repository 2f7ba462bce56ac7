//! API keys of an organisation.

use crate::{Secret, Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// Whether a key acts for a person or for an agent.
    ApiKeyType { User = "user", Agent = "agent" }
}

/// Asks for a new key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateApiKeyRequest {
    /// What the key is for, in the owner's words.
    #[schemars(example = &"nightly report")]
    pub name: String,
    pub key_type: Option<ApiKeyType>,
    /// Narrows what the key may do; missing means all that its owner may.
    pub scopes: Option<Vec<String>>,
    /// Days until the key ends; missing means that it does not end by itself.
    pub expires_in_days: Option<i64>,
    pub agent_identity_id: Option<Uuid>,
}

/// A new key, with the only showing of its text.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ApiKeyCreated {
    /// Names the key in paths.
    pub id: Uuid,
    /// The public half of the key's text.
    pub key_id: String,
    pub name: String,
    /// The whole key. It is shown here and never again.
    pub api_key: Secret,
    pub organization_id: Uuid,
    pub key_type: ApiKeyType,
    pub scopes: Option<Vec<String>>,
    pub expires_at: Option<Time>,
    pub created_at: Time,
}

/// A key as lists show it, without its secret half.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ApiKeyInfo {
    /// Names the key in paths.
    pub id: Uuid,
    /// The public half of the key's text.
    pub key_id: String,
    pub name: String,
    /// The beginning of the key's text, to tell keys apart.
    pub key_prefix: String,
    pub organization_id: Uuid,
    pub key_type: ApiKeyType,
    pub scopes: Option<Vec<String>>,
    pub last_used_at: Option<Time>,
    pub expires_at: Option<Time>,
    pub revoked_at: Option<Time>,
    pub created_at: Time,
}
