//! Providers: a seller with one database, registered in one step.

use super::Cx;
use crate::Core;
use farebox_accounts::{AgentRegistration, KEYS_SCOPE, Registered};
use farebox_api_kit::{Created, Json, operations};
use farebox_api_types::Secret;
use farebox_api_types::sql_gateway::{Provider, RegisterProviderRequest, RegisterProviderResponse};
use farebox_base::{Error, ListingId, Result};
use farebox_db::{Tx, tx};
use farebox_market::{Door, ListingCreate, ListingKind};

operations! {
    core Core, door SqlGateway, tag "Providers";
    POST "/api/providers/register" register_provider(Public) errors(409) rate(Auth) "Register a database and receive a key";
}

async fn register_provider(cx: Cx, body: Json<RegisterProviderRequest>) -> Result<Created<RegisterProviderResponse>> {
    let request = body.0;
    let create = listing(&request);
    let core = &cx.core;
    let (registered, id) = tx!(core.db, tx => { register_in(tx, core, &request, &create).await })?;
    core.changes.local(KEYS_SCOPE);
    Ok(Created(RegisterProviderResponse {
        provider: Provider {
            id: id.uuid(),
            name: request.name,
            email: registered.user.shown_email().to_owned(),
            wallet_address: request.wallet_address,
            provisioned_by_gateway: false,
            created_at: registered.user.created_at.into(),
        },
        api_key: Secret::new(registered.key.platform_spelling()),
    }))
}

/// The seller, its wallet and its listing, all or nothing.
async fn register_in(
    tx: &mut Tx,
    core: &Core,
    request: &RegisterProviderRequest,
    create: &ListingCreate,
) -> Result<(Registered, ListingId)> {
    let registration = AgentRegistration { name: Some(request.name.clone()), email: Some(request.email.clone()) };
    let registered = core.accounts.register_agent_in(tx, &registration).await?;
    let linked = core.accounts.wallet_link_in(tx, registered.party.id, &request.wallet_address).await;
    linked.map_err(|error| renamed(error, "wallet_address", "walletAddress"))?;
    let id = core.market.listing_create_in(tx, registered.party.id, create).await?;
    Ok((registered, id))
}

fn listing(request: &RegisterProviderRequest) -> ListingCreate {
    let text = request.connection_string.expose();
    let kind = if text.starts_with("sqlite:") { ListingKind::Sqlite } else { ListingKind::Postgres };
    ListingCreate::database(Door::SqlGateway, kind, request.name.clone(), text.clone())
}

/// The same error with the field's name at this door.
pub(super) fn renamed(error: Error, from: &str, to: &str) -> Error {
    if error.field.as_deref() != Some(from) {
        return error;
    }
    let message = error.message.replacen(from, to, 1);
    Error { field: Some(to.to_owned()), message, ..error }
}
