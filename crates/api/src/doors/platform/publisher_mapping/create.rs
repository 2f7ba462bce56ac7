//! A request for a new publisher as a listing to register.
//!
//! Read as a change of a publisher that has nothing yet, so that both requests follow the same rules.

use super::{Subject, update};
use crate::assets;
use farebox_api_types::Patch;
use farebox_api_types::platform::{CreatePublisherRequest, PublisherCategory, PublisherType, UpdatePublisherRequest};
use farebox_base::{Error, Result};
use farebox_market::{Change, Door, ListingCreate, ListingKind, SecretChanges, UpstreamSecret};
use serde_json::Value;

/// The listing that the request describes.
///
/// # Errors
/// `Invalid`, naming the field.
pub(in crate::doors::platform) fn listing_create(
    request: CreatePublisherRequest,
    fee_basis_points: i64,
) -> Result<ListingCreate> {
    let kind = kind(&request)?;
    let publisher_type = publisher_type(&request)?;
    if let Some(ids) = &request.accepted_asset_ids {
        if ids.is_empty() {
            return Err(Error::invalid("accepted_asset_ids", "must not be empty"));
        }
        assets::check_all("accepted_asset_ids", ids)?;
    }
    let slug = request.slug.clone();
    let subject = Subject { kind, fee_basis_points, listing: None, secret: None };
    let mut patch = update::listing_patch(&as_update(request), subject)?;
    patch.profile.insert("publisher_type".to_owned(), Value::from(publisher_type.text()));
    Ok(ListingCreate {
        door: Door::Platform,
        kind,
        name: patch.name.unwrap_or_default(),
        slug: Some(slug),
        description: patch.description.unwrap_or_default(),
        category: patch.category.unwrap_or_default(),
        tags: patch.tags.unwrap_or_default(),
        target: patch.target,
        prices: patch.prices,
        free_tier_calls: 0,
        payment_method: None,
        payments: patch.payments,
        user_oauth: patch.user_oauth,
        profile: patch.profile,
        pricing_profile: patch.pricing_profile,
        secret: secret(patch.secret),
    })
}

fn kind(request: &CreatePublisherRequest) -> Result<ListingKind> {
    match request.publisher_category {
        PublisherCategory::Integration => Ok(ListingKind::Http),
        PublisherCategory::Database => {
            let config = request.database_config.as_ref().map(|config| config.expose());
            let connection = config.and_then(|config| config.get("connection_string")).and_then(Value::as_str);
            match connection {
                Some(text) if text.starts_with("sqlite:") => Ok(ListingKind::Sqlite),
                Some(_) => Ok(ListingKind::Postgres),
                None => Err(Error::invalid("database_config", "must be an object with connection_string")),
            }
        }
        PublisherCategory::Compute => Err(Error::invalid(
            "publisher_category",
            "must be integration or database: this gateway does not serve compute yet",
        )),
    }
}

/// Nobody is a partner by their own word.
fn publisher_type(request: &CreatePublisherRequest) -> Result<PublisherType> {
    match request.publisher_type {
        Some(PublisherType::VerifiedPartner) => Err(Error::invalid(
            "publisher_type",
            "must be individual or organization: partners are made by the operator",
        )),
        asked => Ok(asked.unwrap_or(PublisherType::Organization)),
    }
}

fn secret(changes: SecretChanges) -> UpstreamSecret {
    fn new<T>(change: Change<T>) -> Option<T> {
        match change {
            Change::Set(value) => Some(value),
            Change::Keep | Change::Clear => None,
        }
    }
    UpstreamSecret {
        connection_string: new(changes.connection_string),
        api_key: new(changes.api_key),
        api_key_header: new(changes.api_key_header),
        api_key_query_param: new(changes.api_key_query_param),
        headers: new(changes.headers).unwrap_or_default(),
    }
}

/// The same fields in the words of a change: what is left out, `null` or an empty list changes nothing.
fn as_update(request: CreatePublisherRequest) -> UpdatePublisherRequest {
    let mut update = UpdatePublisherRequest {
        name: Patch::Value(request.name),
        wallet_address: Patch::Value(request.wallet_address),
        wallet_network_id: Patch::Value(request.wallet_network_id),
        publisher_category: Patch::Value(request.publisher_category),
        requires_user_oauth: Patch::Value(request.requires_user_oauth),
        ..UpdatePublisherRequest::default()
    };
    macro_rules! carry {
        ($read:ident: $($field:ident),+ $(,)?) => { $(update.$field = $read(request.$field);)+ };
    }
    carry!(list: categories, capabilities, use_cases, allowed_passthrough_headers, oauth2_scopes);
    carry!(field: description, email, logo_url, resource_name, resource_description, usage_examples);
    carry!(field: billing_model, gateway_fee_percent, price_per_call, price_per_get, price_per_post, price_per_put);
    carry!(field: price_per_patch, price_per_delete, price_per_execution, hourly_rate, base_price_per_1000_rows);
    carry!(field: markup_multiplier, reserve_max_charge, unresolved_fallback_charge, minimum_balance);
    carry!(field: low_balance_threshold, grace_period_minutes, payment_order, payment_receiver, endpoints, undocumented_endpoint_policy, routing);
    carry!(field: integration_type, api_url, mcp_endpoint, request_content_type, upstream_headers, api_headers);
    carry!(field: passthrough_header_rewrite, upstream_cost_response_path, auth_type, upstream_api_key);
    carry!(field: api_key_header, api_key_query_param, jwt_access_key, jwt_secret_key, jwt_algorithm);
    carry!(field: jwt_expiration_seconds, oauth2_client_id, oauth2_client_secret, oauth2_token_url);
    carry!(field: token_exchange_url, token_exchange_method, token_exchange_mode, token_response_field);
    carry!(field: token_cache_ttl_seconds, ownership_tracking_enabled, protected_operations);
    carry!(field: resource_id_response_path, resource_id_url_pattern, database_type, database_name);
    carry!(field: database_config, project_id, branch_id, compute_type, a2a_endpoint_url);
    update
}

fn field<T>(value: Option<T>) -> Patch<T> {
    value.map_or(Patch::Absent, Patch::Value)
}

fn list<T>(value: Vec<T>) -> Patch<Vec<T>> {
    if value.is_empty() { Patch::Absent } else { Patch::Value(value) }
}
