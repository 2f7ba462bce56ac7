//! OAuth providers: servers at which users have accounts that Farebox may act with.

use crate::{Patch, Secret, Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

wire_enum! {
    /// How Farebox proves itself where it asks for tokens: by fields of the form, or by user name and password.
    TokenEndpointAuthMethod { Post = "client_secret_post", Basic = "client_secret_basic" }
}

/// Sets a provider up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateOAuthProviderRequest {
    /// Lower-case letters, digits and hyphens; unique in the organization.
    #[schemars(example = &"github")]
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    /// Where users are asked for their consent.
    #[schemars(example = &"https://github.com/login/oauth/authorize")]
    pub authorization_url: String,
    /// Where codes and refresh tokens are traded for tokens.
    #[schemars(example = &"https://github.com/login/oauth/access_token")]
    pub token_url: String,
    /// Where tokens are given back (RFC 7009).
    pub revocation_url: Option<String>,
    /// Where a token tells whose account it is of.
    pub userinfo_url: Option<String>,
    pub client_id: String,
    /// Kept encrypted and never shown.
    pub client_secret: Secret,
    /// What users are asked to consent to.
    pub scopes: Vec<String>,
    /// How the secret is sent; by fields of the form where missing.
    #[serde(default = "by_form")]
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// Whether the provider insists on PKCE, which is sent in any case.
    #[serde(default = "yes")]
    pub pkce_required: bool,
    /// More parameters of the authorization URL, an object of texts such as `{"access_type": "offline"}`.
    #[serde(default)]
    pub custom_auth_params: Value,
}

/// Changes a provider. A field that is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdateOAuthProviderRequest {
    pub slug: Patch<String>,
    pub name: Patch<String>,
    /// `null` clears it.
    pub description: Patch<String>,
    /// `null` clears it.
    pub logo_url: Patch<String>,
    pub authorization_url: Patch<String>,
    pub token_url: Patch<String>,
    /// `null` clears it.
    pub revocation_url: Patch<String>,
    /// `null` clears it.
    pub userinfo_url: Patch<String>,
    pub client_id: Patch<String>,
    /// A new secret, in place of the one that is kept.
    pub client_secret: Patch<Secret>,
    pub scopes: Patch<Vec<String>>,
    pub token_endpoint_auth_method: Patch<TokenEndpointAuthMethod>,
    pub pkce_required: Patch<bool>,
    /// In place of the parameters so far; `null` clears them.
    #[schemars(with = "Value")]
    pub custom_auth_params: Patch<Value>,
    /// Whether users can connect and calls can be made.
    pub is_active: Patch<bool>,
    /// Must be the organization whose provider it is: only the operator makes providers for everybody.
    pub organization_id: Patch<Uuid>,
}

/// A provider as those who set it up see it, without its secret.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OAuthProviderResponse {
    pub id: Uuid,
    /// Null for providers of the operator.
    pub organization_id: Option<Uuid>,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    pub authorization_url: String,
    pub token_url: String,
    pub revocation_url: Option<String>,
    pub userinfo_url: Option<String>,
    /// The address of this gateway to register at the provider.
    pub callback_url: String,
    pub client_id: String,
    pub scopes: Vec<String>,
    #[schemars(example = &"client_secret_post")]
    pub token_endpoint_auth_method: String,
    pub pkce_required: bool,
    pub is_active: bool,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A provider as users see it who can connect to it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PublisherOAuthProviderResponse {
    pub id: Uuid,
    /// Null for providers of the operator.
    pub organization_id: Option<Uuid>,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    /// What users are asked to consent to.
    pub scopes: Vec<String>,
    pub custom_auth_params: Value,
    pub is_active: bool,
    pub created_at: Time,
}

/// Providers that can be connected to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProvidersResponse {
    pub providers: Vec<PublisherOAuthProviderResponse>,
}

fn by_form() -> TokenEndpointAuthMethod {
    TokenEndpointAuthMethod::Post
}

fn yes() -> bool {
    true
}
