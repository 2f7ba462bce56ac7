//! API keys of the caller's organization.

use super::Cx;
use crate::Core;
use crate::organization::organization;
use farebox_accounts::{KeyCreate, KeyInfo, KeyType, MintedKey, Page};
use farebox_api_kit::{Created, Data, Json, Ok200, Path, operations};
use farebox_api_types::Secret;
use farebox_api_types::platform::{ApiKeyCreated, ApiKeyInfo, ApiKeyType, CreateApiKeyRequest};
use farebox_base::{ApiKeyId, Error, PartyId, Permission, Result};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Auth";
    GET    "/organizations/default/api-keys" list_default_org_api_keys(Needs(KeysRead)) "List the API keys of your organization";
    POST   "/organizations/default/api-keys" create_default_org_api_key(Needs(KeysWrite)) "Create an API key for your organization";
    DELETE "/organizations/default/api-keys/{key_id}" revoke_default_org_api_key(Needs(KeysWrite)) "Revoke an API key of your organization";
    GET    "/organizations/{organization_id}/api-keys" list_org_api_keys(Needs(KeysRead)) stranger(NotFound) "List an organization's API keys";
    POST   "/organizations/{organization_id}/api-keys" create_org_api_key(Needs(KeysWrite)) stranger(NotFound) "Create an API key for an organization";
    DELETE "/organizations/{organization_id}/api-keys/{key_id}" revoke_org_api_key(Needs(KeysWrite)) stranger(NotFound) "Revoke an organization's API key";
}

/// The most keys that a list shows; the contract's list has no paging parameters.
const LIST_MAX: u32 = 1_000;

type Listed = Result<Ok200<Data<Vec<ApiKeyInfo>>>>;
type Made = Result<Created<Data<ApiKeyCreated>>>;
type Gone = Result<Ok200<Data<Revoked>>>;

/// A key that is no longer valid.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "ApiKeyRevoked")]
struct Revoked {
    id: Uuid,
    revoked: bool,
}

async fn list_default_org_api_keys(cx: Cx) -> Listed {
    list(&cx, "default").await
}

async fn list_org_api_keys(cx: Cx, path: Path<String>) -> Listed {
    list(&cx, &path.0).await
}

async fn create_default_org_api_key(cx: Cx, body: Json<CreateApiKeyRequest>) -> Made {
    create(&cx, "default", body.0).await
}

async fn create_org_api_key(cx: Cx, path: Path<String>, body: Json<CreateApiKeyRequest>) -> Made {
    create(&cx, &path.0, body.0).await
}

async fn revoke_default_org_api_key(cx: Cx, path: Path<Uuid>) -> Gone {
    revoke(&cx, "default", path.0).await
}

async fn revoke_org_api_key(cx: Cx, path: Path<(String, Uuid)>) -> Gone {
    revoke(&cx, &path.0.0, path.0.1).await
}

async fn list(cx: &Cx, organization_text: &str) -> Listed {
    let party = organization(cx.caller()?, organization_text)?;
    let keys = cx.core.accounts.keys_list(party, Page::first(LIST_MAX)).await?;
    Ok(Ok200(Data(keys.items.into_iter().map(|key| info(party, key)).collect())))
}

async fn create(cx: &Cx, organization_text: &str, body: CreateApiKeyRequest) -> Made {
    let party = organization(cx.caller()?, organization_text)?;
    if body.agent_identity_id.is_some() {
        return Err(Error::invalid("agent_identity_id", "must be null: keys are bound to users so far"));
    }
    let key_type = body.key_type.map(|kind| match kind {
        ApiKeyType::User => KeyType::User,
        ApiKeyType::Agent => KeyType::Agent,
    });
    let create =
        KeyCreate { name: body.name, expires_in_days: body.expires_in_days, scopes: body.scopes, role: None, key_type };
    let key = cx.core.accounts.key_create(cx.caller()?, party, &create).await?;
    Ok(Created(Data(created(party, key))))
}

async fn revoke(cx: &Cx, organization_text: &str, key: Uuid) -> Gone {
    let party = organization(cx.caller()?, organization_text)?;
    cx.core.accounts.key_revoke(cx.caller()?, party, ApiKeyId::from_uuid(key)).await?;
    Ok(Ok200(Data(Revoked { id: key, revoked: true })))
}

pub(super) fn key_type(kind: KeyType) -> ApiKeyType {
    match kind {
        KeyType::User => ApiKeyType::User,
        KeyType::Agent => ApiKeyType::Agent,
    }
}

fn texts(scopes: Option<Vec<Permission>>) -> Option<Vec<String>> {
    scopes.map(|all| all.into_iter().map(|permission| permission.text().to_owned()).collect())
}

fn info(party: PartyId, key: KeyInfo) -> ApiKeyInfo {
    ApiKeyInfo {
        id: key.api_key_id.uuid(),
        key_id: key.key_id.to_string(),
        key_prefix: key.key_prefix(),
        name: key.name,
        organization_id: party.uuid(),
        key_type: key_type(key.key_type),
        scopes: texts(key.scopes),
        last_used_at: key.last_used_at.map(Into::into),
        expires_at: key.expires_at.map(Into::into),
        revoked_at: None,
        created_at: key.created_at.into(),
    }
}

fn created(party: PartyId, key: MintedKey) -> ApiKeyCreated {
    ApiKeyCreated {
        id: key.api_key_id.uuid(),
        key_id: key.key_id.to_string(),
        api_key: Secret::new(key.platform_spelling()),
        name: key.name,
        organization_id: party.uuid(),
        key_type: key_type(key.key_type),
        scopes: texts(key.scopes),
        expires_at: key.expires_at.map(Into::into),
        created_at: key.created_at.into(),
    }
}
