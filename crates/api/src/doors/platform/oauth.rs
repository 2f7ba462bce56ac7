//! Connecting an account at an OAuth provider: which providers there are, the way there, and the way back.

use super::Cx;
use super::oauth_mapping::offered;
use crate::oauth_pages::private;
use crate::{Core, oauth_cookie};
use farebox_api_kit::{Headed, Headers, Ok200, Path, Query, Reply, operations};
use farebox_api_types::platform::{AuthorizationStarted, AuthorizeQuery, OAuthCallbackQuery, ProvidersResponse};
use farebox_base::{Error, OauthProviderId, PartyId, Permission, Result};
use farebox_oauth::{Arrived, Begin, Begun, Holder, Named, Provider, Returned};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "OAuth";
    GET  "/oauth/providers" list_providers(Needs(ConnectionsRead)) "List the OAuth providers that you can connect to";
    GET  "/oauth/providers/{provider_id}/authorize" initiate_oauth_by_id(Needs(ConnectionsWrite)) errors(404, 503) replies(302) "Send a browser to a provider, to connect an account there";
    POST "/oauth/providers/{provider_id}/authorize" start_oauth_by_id(Needs(ConnectionsWrite)) errors(404, 503) "Get the address that connects an account at a provider, for pages of this server";
    GET  "/oauth/providers/{provider_id}/callback" oauth_callback_by_id(Public) errors(404) replies(302) rate(Auth) audit("oauth_connection") "Take a provider's answer";
    GET  "/oauth/{provider}/authorize" initiate_oauth(Needs(ConnectionsWrite)) errors(404, 503) replies(302) "Send a browser to a provider, by its slug";
    POST "/oauth/{provider}/authorize" start_oauth(Needs(ConnectionsWrite)) errors(404, 503) "Get the address that connects an account, by the provider's slug";
    GET  "/oauth/{provider}/callback" oauth_callback(Public) replies(302) rate(Auth) audit("oauth_connection") "Take the answer of a provider, by its slug";
}

async fn list_providers(cx: Cx) -> Result<Ok200<ProvidersResponse>> {
    let providers = cx.core.oauth.providers_visible(&parties(&cx)?).await?;
    Ok(Ok200(ProvidersResponse { providers: providers.into_iter().map(offered).collect() }))
}

async fn initiate_oauth_by_id(cx: Cx, path: Path<Uuid>, query: Query<AuthorizeQuery>) -> Result<Reply> {
    let provider = by_id(&cx, path.0).await?;
    redirected(&cx, begun(&cx, &provider, Named::Id, &query.0).await?)
}

async fn initiate_oauth(cx: Cx, path: Path<String>, query: Query<AuthorizeQuery>) -> Result<Reply> {
    let provider = by_slug(&cx, &path.0).await?;
    redirected(&cx, begun(&cx, &provider, Named::Slug, &query.0).await?)
}

async fn start_oauth_by_id(
    cx: Cx,
    path: Path<Uuid>,
    query: Query<AuthorizeQuery>,
) -> Result<Headed<Ok200<AuthorizationStarted>>> {
    let provider = by_id(&cx, path.0).await?;
    told(&cx, begun(&cx, &provider, Named::Id, &query.0).await?)
}

async fn start_oauth(
    cx: Cx,
    path: Path<String>,
    query: Query<AuthorizeQuery>,
) -> Result<Headed<Ok200<AuthorizationStarted>>> {
    let provider = by_slug(&cx, &path.0).await?;
    told(&cx, begun(&cx, &provider, Named::Slug, &query.0).await?)
}

async fn oauth_callback_by_id(
    cx: Cx,
    path: Path<Uuid>,
    query: Query<OAuthCallbackQuery>,
    headers: Headers,
) -> Result<Reply> {
    let provider = cx.core.oauth.provider(OauthProviderId::from_uuid(path.0)).await?;
    let provider = provider.ok_or_else(|| Error::not_found("Provider"))?;
    arrived(&cx, &provider, &query.0, &headers.0).await
}

async fn oauth_callback(
    cx: Cx,
    path: Path<String>,
    query: Query<OAuthCallbackQuery>,
    headers: Headers,
) -> Result<Reply> {
    let provider = cx.core.oauth.operators_provider(&path.0).await?;
    let provider = provider.ok_or_else(|| Error::invalid("provider", "must be the slug of a provider"))?;
    arrived(&cx, &provider, &query.0, &headers.0).await
}

/// A provider of the operator, of the caller's organization, or one whose accounts a publisher needs.
async fn by_id(cx: &Cx, id: Uuid) -> Result<Provider> {
    let found = cx.core.oauth.provider(OauthProviderId::from_uuid(id)).await?;
    let provider = found.ok_or_else(|| Error::not_found("Provider"))?;
    let parties = parties(cx)?;
    if provider.party_id.is_none_or(|owner| parties.contains(&owner))
        || cx.core.market.needs_accounts_of(provider.id).await?
    {
        return Ok(provider);
    }
    Err(Error::not_found("Provider"))
}

/// The organizations whose providers are the caller's too.
pub(super) fn parties(cx: &Cx) -> Result<Vec<PartyId>> {
    let memberships = cx.caller()?.memberships.iter();
    let may = memberships.filter(|membership| membership.permissions.contains(Permission::ConnectionsRead));
    Ok(may.map(|membership| membership.party_id).collect())
}

async fn by_slug(cx: &Cx, slug: &str) -> Result<Provider> {
    let found = cx.core.oauth.provider_by_slug(cx.caller()?.party_id, &parties(cx)?, slug).await?;
    found.ok_or_else(|| Error::not_found("Provider"))
}

async fn begun(cx: &Cx, provider: &Provider, named: Named, query: &AuthorizeQuery) -> Result<Begun> {
    let holder = Holder::from(&**cx.caller()?);
    let asked = Begin { named, redirect_uri: query.redirect_uri.as_deref(), key: cx.caller()?.api_key_id() };
    cx.core.oauth.begin(holder, provider, asked).await
}

fn redirected(cx: &Cx, begun: Begun) -> Result<Reply> {
    let mut reply = private(Reply::redirect(begun.url.expose())?);
    reply.0.headers_mut().append(SET_COOKIE, oauth_cookie::set(cx, &begun.flow)?);
    Ok(reply)
}

fn told(cx: &Cx, begun: Begun) -> Result<Headed<Ok200<AuthorizationStarted>>> {
    let started =
        AuthorizationStarted { authorization_url: begun.url.expose().to_owned(), expires_at: begun.expires_at.into() };
    let mut reply = Headed::new(Ok200(started));
    reply.1.append(SET_COOKIE, oauth_cookie::set(cx, &begun.flow)?);
    reply.1.insert("cache-control", HeaderValue::from_static("no-store"));
    Ok(reply)
}

async fn arrived(cx: &Cx, provider: &Provider, query: &OAuthCallbackQuery, headers: &HeaderMap) -> Result<Reply> {
    let returned = Returned {
        state: query.state.as_deref(),
        code: query.code.as_deref(),
        error: query.error.as_deref(),
        iss: query.iss.as_deref(),
    };
    let name = query.state.as_deref().map(|state| cx.core.oauth.flow_name(state)).unwrap_or_default();
    let browser = oauth_cookie::read(cx, headers, &name);
    let (target, cookie) = match cx.core.oauth.callback(provider, returned, browser).await? {
        Arrived::Done(target) => (target, oauth_cookie::clear(cx, &name)?),
        Arrived::Asks(flow) => {
            let target = format!("{}/oauth/confirm?flow={}", cx.core.settings.public_url, flow.name);
            (target, oauth_cookie::set(cx, &flow)?)
        }
    };
    let mut reply = private(Reply::redirect(&target)?);
    reply.0.headers_mut().append(SET_COOKIE, cookie);
    Ok(reply)
}
