//! OAuth providers that an organization has set up.

use super::Cx;
use super::oauth_mapping::{new_provider, provider, provider_patch};
use crate::Core;
use crate::organization::organization;
use farebox_api_kit::{Created, Data, Json, NoContent, Ok200, Path, operations};
use farebox_api_types::platform::{CreateOAuthProviderRequest, OAuthProviderResponse, UpdateOAuthProviderRequest};
use farebox_base::{OauthProviderId, PartyId, Result};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "oauth-providers";
    GET    "/organizations/{organization_id}/oauth/providers" list_org_oauth_providers(Needs(OauthProvidersRead)) "List an organization's OAuth providers";
    POST   "/organizations/{organization_id}/oauth/providers" create_org_oauth_provider(Needs(OauthProvidersWrite)) errors(409) "Set up an OAuth provider for an organization";
    GET    "/organizations/{organization_id}/oauth/providers/{provider_id}" get_org_oauth_provider(Needs(OauthProvidersRead)) "Show an organization's OAuth provider";
    PATCH  "/organizations/{organization_id}/oauth/providers/{provider_id}" update_org_oauth_provider(Needs(OauthProvidersWrite)) errors(409) "Change an organization's OAuth provider";
    DELETE "/organizations/{organization_id}/oauth/providers/{provider_id}" delete_org_oauth_provider(Needs(OauthProvidersWrite)) "Delete an organization's OAuth provider with all connections to it";
}

type Shown = Result<Ok200<Data<OAuthProviderResponse>>>;

async fn list_org_oauth_providers(cx: Cx, path: Path<String>) -> Result<Ok200<Data<Vec<OAuthProviderResponse>>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let providers = cx.core.oauth.providers_owned(Some(party)).await?;
    Ok(Ok200(Data(providers.into_iter().map(|one| provider(&cx, one)).collect())))
}

async fn create_org_oauth_provider(
    cx: Cx,
    path: Path<String>,
    body: Json<CreateOAuthProviderRequest>,
) -> Result<Created<Data<OAuthProviderResponse>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let made = cx.core.oauth.provider_create(Some(party), &new_provider(body.0)?).await?;
    Ok(Created(Data(provider(&cx, made))))
}

async fn get_org_oauth_provider(cx: Cx, path: Path<(String, Uuid)>) -> Shown {
    let (party, id) = named(&cx, &path.0)?;
    let found = cx.core.oauth.provider_owned(Some(party), id).await?;
    Ok(Ok200(Data(provider(&cx, found))))
}

async fn update_org_oauth_provider(
    cx: Cx,
    path: Path<(String, Uuid)>,
    body: Json<UpdateOAuthProviderRequest>,
) -> Shown {
    let (party, id) = named(&cx, &path.0)?;
    cx.core.oauth.provider_owned(Some(party), id).await?;
    let changed = cx.core.oauth.provider_update(Some(party), id, &provider_patch(party, body.0)?).await?;
    Ok(Ok200(Data(provider(&cx, changed))))
}

async fn delete_org_oauth_provider(cx: Cx, path: Path<(String, Uuid)>) -> Result<NoContent> {
    let (party, id) = named(&cx, &path.0)?;
    cx.core.oauth.provider_delete(Some(party), id).await?;
    Ok(NoContent)
}

fn named(cx: &Cx, (text, id): &(String, Uuid)) -> Result<(PartyId, OauthProviderId)> {
    Ok((organization(cx.caller()?, text)?, OauthProviderId::from_uuid(*id)))
}
