//! Connections: users' accounts at OAuth providers, as far as Farebox may act with them.

use crate::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A connection, without its tokens.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UserOAuthConnectionResponse {
    pub id: Uuid,
    pub provider_id: Uuid,
    pub provider_slug: String,
    pub provider_name: String,
    pub provider_logo_url: Option<String>,
    /// Who the user is at the provider, where it tells.
    pub provider_user_id: Option<String>,
    pub provider_email: Option<String>,
    /// What the user has consented to.
    pub scopes: Vec<String>,
    /// Whether calls can be made with it; otherwise connect anew.
    pub is_valid: bool,
    /// Whether it is meant where a call names no connection.
    pub is_default: bool,
    /// The end of the present token, which is renewed where the provider allows that.
    pub expires_at: Option<Time>,
    pub last_used_at: Option<Time>,
    pub created_at: Time,
}

/// All connections of the user.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConnectionsResponse {
    pub connections: Vec<UserOAuthConnectionResponse>,
}

/// The connection that is the default now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SetDefaultConnectionResponse {
    pub connection: UserOAuthConnectionResponse,
}

/// What became of a disconnection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RevokeResponse {
    pub success: bool,
    pub message: String,
}

/// Where the user's browser goes in the end.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct AuthorizeQuery {
    /// An address of this gateway, or one that its operator allows; a page of this gateway where missing. Gets
    /// `status=success` with `provider` and `connection_id`, or `status=error` with `provider` and `error`.
    pub redirect_uri: Option<String>,
}

/// What a provider answers with.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct OAuthCallbackQuery {
    /// The code to trade for tokens; missing where the provider answers with an error.
    pub code: Option<String>,
    pub state: Option<String>,
    /// The provider's word for why there is no code.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
}

/// Where to send the user's browser, for pages that cannot read the target of a redirect.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuthorizationStarted {
    pub authorization_url: String,
    pub expires_at: Time,
}

/// A call names no connection, the user has several, and none of them is the default.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MultipleOAuthConnectionsAmbiguousResponse {
    /// `multiple_oauth_connections`.
    pub error: String,
    pub message: String,
    pub provider_id: Uuid,
    pub provider_slug: String,
    pub connections: Vec<UserOAuthConnectionResponse>,
}
