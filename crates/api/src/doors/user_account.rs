//! The buyer's own account at the seller's server, for listings whose calls need one.
//!
//! Decided before any money is held. A listing that needs none costs one look at it. Invariant: a token is handed out
//! only for a listing whose target its provider's owner answers for, as both are now.

use crate::Core;
use crate::doors::platform::connection;
use farebox_api_kit::{Body, Cx, DoorId, Raw, Reply};
use farebox_api_types::platform::MultipleOAuthConnectionsAmbiguousResponse;
use farebox_base::{Error, Kind, OauthConnectionId, OauthProviderId, Result};
use farebox_calls::UserAccount;
use farebox_market::Listing;
use farebox_oauth::{Connection, Granted, Holder, Provider};
use http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::json;

/// Names the connection, where the buyer has several; the second one is the contract's spelling.
const HEADERS: [&str; 2] = ["x-farebox-oauth-connection-id", "x-seren-oauth-connection-id"];
/// Names it in the query.
const PARAMETER: &str = "connection_id";

/// The account that the listing's calls need; `None`: they need none. The inner error is the answer where there is none
/// that can be used. What names the connection is taken out of the request.
///
/// # Errors
/// `Unauthenticated` for callers without an account here; `Unavailable` where the listing's provider can't be used.
pub(crate) async fn user_account(
    cx: &Cx<Core>,
    listing: &Listing,
    raw: &mut Raw,
) -> Result<std::result::Result<Option<Box<UserAccount>>, Response<Body>>> {
    let Some(id) = listing.user_oauth.needed() else { return Ok(Ok(None)) };
    let holder = Holder::from(&**cx.caller()?);
    let provider = usable(cx, listing, id).await?;
    let named = match in_headers(&mut raw.parts.headers)? {
        Some(id) => Some(id),
        None => in_query(cx, holder, &provider, raw).await?,
    };
    Ok(match cx.core.oauth.token(holder, &provider, named).await? {
        Granted::Token(token) => {
            Ok(Some(Box::new(UserAccount { id: token.connection_id.to_string(), authorization: token.authorization })))
        }
        Granted::Nothing => {
            let message = format!("Calls of {} are made with your own account at {}", listing.name, provider.name);
            Err(to_connect(cx, &provider, "oauth_connection_required", &message)?)
        }
        Granted::Expired => {
            let message = format!("{} no longer takes what it granted to you", provider.name);
            Err(to_connect(cx, &provider, "oauth_reauthorization_required", &message)?)
        }
        Granted::Several(connections) => Err(ambiguous(cx, provider, connections)?),
    })
}

async fn usable(cx: &Cx<Core>, listing: &Listing, id: OauthProviderId) -> Result<Provider> {
    let unusable = |why: &str| {
        let message = "Calls need an account at an OAuth provider that can't be used now; tell the seller";
        Error::unavailable(message).with_code("oauth_provider_unavailable").with_internal(format!("{id} {why}"))
    };
    let provider = cx.core.oauth.provider(id).await?.ok_or_else(|| unusable("is gone"))?;
    if !provider.is_active {
        return Err(unusable("is switched off"));
    }
    provider.check_use(listing.party_id, &listing.target).map_err(unusable)?;
    Ok(provider)
}

fn in_headers(headers: &mut HeaderMap) -> Result<Option<OauthConnectionId>> {
    let mut named = None;
    for name in HEADERS {
        let Some(value) = headers.remove(name) else { continue };
        let id = value.to_str().ok().and_then(OauthConnectionId::parse);
        named = Some(id.ok_or_else(|| Error::invalid(name, "must be the id of a connection"))?);
    }
    Ok(named)
}

/// The seller may have a parameter of this name too, so that only a connection of the buyer's is taken.
async fn in_query(
    cx: &Cx<Core>,
    holder: Holder,
    provider: &Provider,
    raw: &mut Raw,
) -> Result<Option<OauthConnectionId>> {
    let query = raw.parts.uri.query().unwrap_or_default();
    let value =
        |pair: &str| pair.split_once('=').filter(|(name, _)| *name == PARAMETER).map(|(_, value)| value.to_owned());
    let Some(id) = query.split('&').find_map(value).and_then(|text| OauthConnectionId::parse(&text)) else {
        return Ok(None);
    };
    if cx.core.oauth.connections_to(holder, provider.id).await?.iter().all(|connection| connection.id != id) {
        return Ok(None);
    }
    let left: Vec<&str> = query.split('&').filter(|pair| value(pair).is_none()).collect();
    let path = raw.parts.uri.path();
    let target = if left.is_empty() { path.to_owned() } else { format!("{path}?{}", left.join("&")) };
    raw.parts.uri = target.parse::<Uri>().map_err(|e| Error::internal(format!("a request's target: {e}")))?;
    Ok(Some(id))
}

/// 403 with the address at which the account can be connected.
fn to_connect(cx: &Cx<Core>, provider: &Provider, code: &'static str, why: &str) -> Result<Response<Body>> {
    let url = format!("{}/oauth/providers/{}/authorize", cx.core.settings.public_url, provider.id);
    let message = format!("{why}: connect it at {url} and call again. Nothing was charged.");
    if cx.door != DoorId::Platform {
        return Ok(cx.error_response(&Error::new(Kind::Forbidden, code, message)));
    }
    let body = json!({
        "error": code, "message": message, "request_id": cx.request_id.text(), "provider_id": provider.id.uuid(),
        "provider_slug": provider.slug, "provider_name": provider.name, "authorize_url": url,
    });
    Ok(Reply::json(StatusCode::FORBIDDEN, &body)?.0)
}

fn ambiguous(cx: &Cx<Core>, provider: Provider, connections: Vec<Connection>) -> Result<Response<Body>> {
    let message = format!(
        "You have several accounts at {}: name one in the header {} or make one the default. Nothing was charged.",
        provider.name, HEADERS[0]
    );
    let code = "multiple_oauth_connections";
    if cx.door != DoorId::Platform {
        return Ok(cx.error_response(&Error::conflict(code, message)));
    }
    let body = MultipleOAuthConnectionsAmbiguousResponse {
        error: code.to_owned(),
        message,
        provider_id: provider.id.uuid(),
        provider_slug: provider.slug,
        connections: connections.into_iter().map(connection).collect(),
    };
    Ok(Reply::json(StatusCode::CONFLICT, &body)?.0)
}
