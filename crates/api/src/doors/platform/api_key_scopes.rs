//! Scopes of an organization's API keys.

use super::Cx;
use super::api_keys::info;
use crate::Core;
use crate::organization::organization;
use farebox_api_kit::{Data, Json, Ok200, Path, operations};
use farebox_api_types::platform::{ApiKeyInfo, UpdateApiKeyScopesRequest};
use farebox_base::{ApiKeyId, Result};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Auth";
    PATCH "/organizations/default/api-keys/{key_id}/scopes" update_default_org_api_key_scopes(Needs(KeysWrite)) "Change what an API key of your organization is narrowed to";
    PATCH "/organizations/{organization_id}/api-keys/{key_id}/scopes" update_org_api_key_scopes(Needs(KeysWrite)) stranger(NotFound) "Change what an organization's API key is narrowed to";
}

type Changed = Result<Ok200<Data<ApiKeyInfo>>>;

async fn update_default_org_api_key_scopes(cx: Cx, path: Path<Uuid>, body: Json<UpdateApiKeyScopesRequest>) -> Changed {
    update(&cx, "default", path.0, &body.0.scopes).await
}

async fn update_org_api_key_scopes(
    cx: Cx,
    path: Path<(String, Uuid)>,
    body: Json<UpdateApiKeyScopesRequest>,
) -> Changed {
    update(&cx, &path.0.0, path.0.1, &body.0.scopes).await
}

async fn update(cx: &Cx, organization_text: &str, key: Uuid, scopes: &[String]) -> Changed {
    let party = organization(cx.caller()?, organization_text)?;
    let key = cx.core.accounts.key_scopes_set(cx.caller()?, party, ApiKeyId::from_uuid(key), scopes).await?;
    Ok(Ok200(Data(info(party, key))))
}
