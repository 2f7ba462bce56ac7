//! Who is asking: `GET /auth/me`.

use super::ApiKeyType;
use crate::{Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// Whether an account may be used: `paused` by its owner, `disabled` by the operator, `deleted` for good.
    UserStatus { Active = "active", Deleted = "deleted", Disabled = "disabled", Paused = "paused" }
}

/// A mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Email(pub String);

/// A user or agent as others of its organisation see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UserInfo {
    pub id: Uuid,
    pub email: Email,
    pub name: String,
    pub status: UserStatus,
    pub avatar_url: Option<String>,
    /// What others give when they join on this user's word.
    pub affiliate_referral_code: Option<String>,
    pub created_at: Time,
}

/// The caller, its organisation and, where it came with an API key, that key's limits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UserMe {
    #[serde(flatten)]
    pub user: UserInfo,
    /// The organisation that paths mean by `default`.
    pub default_organization_id: Uuid,
    pub agent_identity_id: Option<Uuid>,
    /// The key that the request came with.
    pub api_key_id: Option<Uuid>,
    /// What that key may do; null where it may do all that its owner may.
    pub api_key_scopes: Option<Vec<String>>,
    pub api_key_type: Option<ApiKeyType>,
}
