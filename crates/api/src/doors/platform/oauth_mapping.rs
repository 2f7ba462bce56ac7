//! OAuth providers and connections between the wire and their domain.

use super::Cx;
use farebox_api_types::Patch;
use farebox_api_types::platform::{
    CreateOAuthProviderRequest, OAuthProviderResponse, PublisherOAuthProviderResponse, TokenEndpointAuthMethod,
    UpdateOAuthProviderRequest, UserOAuthConnectionResponse,
};
use farebox_base::{Error, PartyId, Result};
use farebox_oauth::{Connection, Named, NewProvider, Provider, ProviderPatch, Sensitive, TokenAuth};
use serde_json::{Map, Value};

pub(super) fn new_provider(request: CreateOAuthProviderRequest) -> Result<NewProvider> {
    Ok(NewProvider {
        slug: request.slug,
        name: request.name,
        description: request.description,
        logo_url: request.logo_url,
        authorization_url: request.authorization_url,
        token_url: request.token_url,
        revocation_url: request.revocation_url,
        userinfo_url: request.userinfo_url,
        client_id: request.client_id,
        client_secret: Sensitive::new(request.client_secret.into_exposed()),
        scopes: request.scopes,
        auth: auth(request.token_endpoint_auth_method),
        pkce_required: request.pkce_required,
        auth_params: params(request.custom_auth_params)?,
        upstream_hosts: Vec::new(),
    })
}

/// # Errors
/// `Forbidden` where it would leave its organization; `Invalid` for `null` where there must be a value.
pub(super) fn provider_patch(owner: PartyId, request: UpdateOAuthProviderRequest) -> Result<ProviderPatch> {
    match request.organization_id {
        Patch::Absent => {}
        Patch::Value(id) if id == owner.uuid() => {}
        Patch::Null | Patch::Value(_) => {
            return Err(Error::forbidden("A provider stays with its organization; only the operator makes others"));
        }
    }
    Ok(ProviderPatch {
        slug: request.slug.value(),
        name: request.name.value(),
        description: nullable(request.description),
        logo_url: nullable(request.logo_url),
        authorization_url: request.authorization_url.value(),
        token_url: request.token_url.value(),
        revocation_url: nullable(request.revocation_url),
        userinfo_url: nullable(request.userinfo_url),
        client_id: request.client_id.value(),
        client_secret: request.client_secret.value().map(|secret| Sensitive::new(secret.into_exposed())),
        scopes: request.scopes.value(),
        auth: request.token_endpoint_auth_method.value().map(auth),
        pkce_required: request.pkce_required.value(),
        auth_params: match request.custom_auth_params {
            Patch::Absent => None,
            Patch::Null => Some(Map::new()),
            Patch::Value(value) => Some(params(value)?),
        },
        upstream_hosts: None,
        is_active: request.is_active.value(),
    })
}

pub(super) fn provider(cx: &Cx, provider: Provider) -> OAuthProviderResponse {
    OAuthProviderResponse {
        id: provider.id.uuid(),
        organization_id: provider.party_id.map(PartyId::uuid),
        callback_url: cx.core.oauth.callback_address(&provider, Named::Id),
        slug: provider.slug,
        name: provider.name,
        description: provider.description,
        logo_url: provider.logo_url,
        authorization_url: provider.authorization_url,
        token_url: provider.token_url,
        revocation_url: provider.revocation_url,
        userinfo_url: provider.userinfo_url,
        client_id: provider.client_id,
        scopes: provider.scopes,
        token_endpoint_auth_method: provider.auth.text().to_owned(),
        pkce_required: provider.pkce_required,
        is_active: provider.is_active,
        created_at: provider.created_at.into(),
        updated_at: provider.updated_at.into(),
    }
}

pub(super) fn offered(provider: Provider) -> PublisherOAuthProviderResponse {
    PublisherOAuthProviderResponse {
        id: provider.id.uuid(),
        organization_id: provider.party_id.map(PartyId::uuid),
        slug: provider.slug,
        name: provider.name,
        description: provider.description,
        logo_url: provider.logo_url,
        scopes: provider.scopes,
        custom_auth_params: Value::Object(provider.auth_params),
        is_active: provider.is_active,
        created_at: provider.created_at.into(),
    }
}

pub(crate) fn connection(connection: Connection) -> UserOAuthConnectionResponse {
    UserOAuthConnectionResponse {
        id: connection.id.uuid(),
        provider_id: connection.provider_id.uuid(),
        provider_slug: connection.provider_slug,
        provider_name: connection.provider_name,
        provider_logo_url: connection.provider_logo_url,
        provider_user_id: connection.account,
        provider_email: connection.email,
        scopes: connection.scopes,
        is_valid: connection.is_valid,
        is_default: connection.is_default,
        expires_at: connection.expires_at.map(Into::into),
        last_used_at: connection.last_used_at.map(Into::into),
        created_at: connection.created_at.into(),
    }
}

fn auth(method: TokenEndpointAuthMethod) -> TokenAuth {
    match method {
        TokenEndpointAuthMethod::Post => TokenAuth::Post,
        TokenEndpointAuthMethod::Basic => TokenAuth::Basic,
    }
}

fn params(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(params) => Ok(params),
        _ => Err(Error::invalid("custom_auth_params", "must be an object of texts")),
    }
}

/// `null` clears.
fn nullable(asked: Patch<String>) -> Option<Option<String>> {
    match asked {
        Patch::Absent => None,
        Patch::Null => Some(None),
        Patch::Value(text) => Some(Some(text)),
    }
}
