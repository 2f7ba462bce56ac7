//! Keys of the marketplace's owners.

use super::Cx;
use crate::Core;
use farebox_accounts::OwnerKeyRequest;
use farebox_api_kit::{Created, Json, Ok200, operations};
use farebox_api_types::Secret;
use farebox_api_types::marketplace::{CreateKeyRequest, KeyCreated, KeyValidity, ValidateKeyRequest};
use farebox_base::{Error, Result};

operations! {
    core Core, door Marketplace, tag "Authentication";
    POST "/api/v1/keys" create_key(Optional) errors(403, 409) rate(Auth) "Create an API key";
    POST "/api/v1/keys/validate" validate_key(Public) errors(401) rate(Auth) "Check an API key";
}

/// What a key without a limit of its own is shown as.
const UNLIMITED: i64 = 0;

async fn create_key(cx: Cx, body: Json<CreateKeyRequest>) -> Result<Created<KeyCreated>> {
    let request = OwnerKeyRequest {
        owner_id: body.0.owner_id,
        role: body.0.role.into(),
        rate_limit: Some(body.0.rate_limit),
        wallet_address: body.0.wallet_address,
    };
    let key = cx.core.accounts.owner_key_create(&request, cx.caller.as_deref()).await?;
    Ok(Created(KeyCreated {
        key_id: key.marketplace_key_id(),
        secret: Secret::new(key.marketplace_secret()),
        role: key.role.into(),
        rate_limit: key.rate_limit_per_minute.map_or(UNLIMITED, i64::from),
        message: "Keep the secret: it is shown only this once.".to_owned(),
    }))
}

async fn validate_key(cx: Cx, body: Json<ValidateKeyRequest>) -> Result<Ok200<KeyValidity>> {
    let caller = cx.core.accounts.caller_for_marketplace(&body.0.key_id, body.0.secret.expose()).await;
    let caller = caller.map_err(|error| match error.code {
        "malformed_key" => Error::unauthenticated("Invalid API key"),
        _ => error,
    })?;
    Ok(Ok200(KeyValidity {
        valid: true,
        owner_id: caller.owner_id.clone(),
        role: caller.role().into(),
        rate_limit: caller.rate_limit_per_minute().map_or(UNLIMITED, i64::from),
    }))
}
