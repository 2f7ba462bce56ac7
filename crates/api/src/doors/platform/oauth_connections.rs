//! The caller's connections to OAuth providers.

use super::Cx;
use super::oauth::parties;
use super::oauth_mapping::connection;
use crate::Core;
use farebox_api_kit::{Ok200, Path, operations};
use farebox_api_types::platform::{ConnectionsResponse, RevokeResponse, SetDefaultConnectionResponse};
use farebox_base::{Error, OauthConnectionId, OauthProviderId, Result};
use farebox_oauth::Holder;
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "OAuth";
    GET    "/oauth/connections" list_connections(Needs(ConnectionsRead)) "List your connections to OAuth providers";
    PUT    "/oauth/connections/{connection_id}/default" set_default_connection(Needs(ConnectionsWrite)) audit("oauth_connection") "Make a connection the one that calls use where they name none";
    DELETE "/oauth/connections/providers/{provider_id}" revoke_connection_by_id(Needs(ConnectionsWrite)) audit("oauth_connection") "Disconnect from a provider: tokens are deleted, and revoked at the provider where it lets them be";
    DELETE "/oauth/connections/{provider}" revoke_connection(Needs(ConnectionsWrite)) errors(404) audit("oauth_connection") "Disconnect from a provider by its slug, or one connection by its id";
}

type Revoked = Result<Ok200<RevokeResponse>>;

async fn list_connections(cx: Cx) -> Result<Ok200<ConnectionsResponse>> {
    let connections = cx.core.oauth.connections(holder(&cx)?).await?;
    Ok(Ok200(ConnectionsResponse { connections: connections.into_iter().map(connection).collect() }))
}

async fn set_default_connection(cx: Cx, path: Path<Uuid>) -> Result<Ok200<SetDefaultConnectionResponse>> {
    let id = OauthConnectionId::from_uuid(path.0);
    let made = cx.core.oauth.connection_make_default(holder(&cx)?, id).await?;
    Ok(Ok200(SetDefaultConnectionResponse { connection: connection(made) }))
}

async fn revoke_connection_by_id(cx: Cx, path: Path<Uuid>) -> Revoked {
    cx.core.oauth.disconnect_provider(holder(&cx)?, OauthProviderId::from_uuid(path.0)).await?;
    revoked()
}

async fn revoke_connection(cx: Cx, path: Path<String>) -> Revoked {
    let holder = holder(&cx)?;
    if let Some(id) = OauthConnectionId::parse(&path.0) {
        cx.core.oauth.disconnect(holder, id).await?;
        return revoked();
    }
    cx.core.oauth.disconnect_provider(holder, connected_by_slug(&cx, holder, &path.0).await?).await?;
    revoked()
}

/// The provider of this slug that the holder has connections to; where there are several, what the slug means to him.
async fn connected_by_slug(cx: &Cx, holder: Holder, slug: &str) -> Result<OauthProviderId> {
    let mut providers: Vec<OauthProviderId> = Vec::new();
    for one in cx.core.oauth.connections(holder).await? {
        if one.provider_slug == slug && !providers.contains(&one.provider_id) {
            providers.push(one.provider_id);
        }
    }
    if let [only] = providers[..] {
        return Ok(only);
    }
    let meant = cx.core.oauth.provider_by_slug(cx.caller()?.party_id, &parties(cx)?, slug).await?;
    meant.map(|provider| provider.id).ok_or_else(|| Error::not_found("Connection"))
}

fn revoked() -> Revoked {
    Ok(Ok200(RevokeResponse { success: true, message: "Disconnected; the tokens are deleted".to_owned() }))
}

fn holder(cx: &Cx) -> Result<Holder> {
    Ok(Holder::from(&**cx.caller()?))
}
