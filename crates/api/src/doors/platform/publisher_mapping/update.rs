//! A request to change a publisher as a change of its listing.

use super::{Subject, change, database_only, http_only, keep, prices, rules, secrets, set};
use crate::assets;
use crate::payments::{order_of, receiver_of};
use farebox_accounts::visible_text;
use farebox_api_types::Patch;
use farebox_api_types::platform::{
    DatabaseType, EndpointAccess, EndpointDefinition, IntegrationType, PublisherCategory, UndocumentedEndpointPolicy,
    UpdatePublisherRequest,
};
use farebox_base::{Error, OauthProviderId, Result};
use farebox_market::{Door, ListingKind, ListingPatch, ListingStatus, PaymentPolicyChanges, UserOauthChanges};
use serde_json::Value;

const CATEGORIES_MOST: usize = 20;
const CATEGORY_CHARS: usize = 100;
const USE_CASES_MOST: usize = 50;
const USE_CASE_CHARS: usize = 1_000;
const EXAMPLES_MOST: usize = 20;
const TITLE_CHARS: usize = 200;
const TEXT_CHARS: usize = 10_000;

/// The change that the request describes.
///
/// # Errors
/// `Invalid`, naming the field.
pub(in crate::doors::platform) fn listing_patch(
    request: &UpdatePublisherRequest,
    subject: Subject<'_>,
) -> Result<ListingPatch> {
    refuse_unserved(request)?;
    let mut patch = ListingPatch::new(Door::Platform);
    described(request, &mut patch)?;
    sold(request, subject, &mut patch)?;
    called(request, subject.kind, &mut patch)?;
    stored(request, subject.kind, &mut patch)?;
    patch.secret = secrets::changes(request, subject)?;
    prices::change_prices(&request.into(), subject, &mut patch)?;
    Ok(patch)
}

/// Fields by which a call would be made, paid or allowed in another way than this gateway does.
fn refuse_unserved(request: &UpdatePublisherRequest) -> Result<()> {
    macro_rules! refuse {
        ($($field:ident),+ $(,)?) => {
            $(if let Patch::Value(_) = &request.$field { return Err(rules::not_served(stringify!($field))); })+
        };
    }
    refuse!(mcp_endpoint, compute_type, a2a_endpoint_url, routing, upstream_cost_response_path);
    refuse!(jwt_access_key, jwt_secret_key, jwt_algorithm, jwt_expiration_seconds);
    refuse!(oauth2_client_id, oauth2_client_secret, oauth2_token_url);
    refuse!(token_exchange_url, token_exchange_method, token_exchange_mode, token_response_field);
    refuse!(token_cache_ttl_seconds, protected_operations, resource_id_response_path, resource_id_url_pattern);
    if let Patch::Value(true) = request.ownership_tracking_enabled {
        return Err(rules::not_served("ownership_tracking_enabled"));
    }
    match &request.oauth2_scopes {
        Patch::Value(scopes) if !scopes.is_empty() => return Err(rules::not_served("oauth2_scopes")),
        _ => {}
    }
    match &request.passthrough_header_rewrite {
        Patch::Value(Value::Object(names)) if names.is_empty() => {}
        Patch::Value(_) => return Err(rules::not_served("passthrough_header_rewrite")),
        _ => {}
    }
    match &request.auth_type {
        Patch::Value(kind) if kind != "static" => {
            Err(Error::invalid("auth_type", "must be static: this gateway does not serve others yet"))
        }
        _ => Ok(()),
    }
}

/// What people and agents read about the publisher.
fn described(request: &UpdatePublisherRequest, patch: &mut ListingPatch) -> Result<()> {
    patch.name = set("name", &request.name)?;
    patch.description = cleared(&request.description);
    // Agents of every door look for tags, so capabilities are the listing's tags.
    patch.tags = cleared(&request.capabilities);
    patch.status = set("is_active", &request.is_active)?
        .map(|active| if active { ListingStatus::Active } else { ListingStatus::Paused });
    let profile = &mut patch.profile;
    keep(profile, "email", &request.email, |text| rules::email("email", text))?;
    keep(profile, "logo_url", &request.logo_url, |text| rules::web_url("logo_url", text))?;
    let has_other_logo = !request.logo_url.is_absent();
    let title = |text: &String| rules::text("resource_name", text, TITLE_CHARS);
    keep(profile, "resource_name", &request.resource_name, title)?;
    let description = |text: &String| rules::text("resource_description", text, TEXT_CHARS);
    keep(profile, "resource_description", &request.resource_description, description)?;
    let use_cases = |texts: &Vec<String>| rules::texts("use_cases", texts, USE_CASES_MOST, USE_CASE_CHARS);
    keep(profile, "use_cases", &request.use_cases, use_cases)?;
    keep(profile, "usage_examples", &request.usage_examples, |examples| {
        rules::at_most("usage_examples", examples.len(), EXAMPLES_MOST)
    })?;
    if has_other_logo {
        patch.drop_logo();
    }
    categorised(&request.categories, patch)
}

/// The first category is the one by which the marketplace sorts.
fn categorised(categories: &Patch<Vec<String>>, patch: &mut ListingPatch) -> Result<()> {
    let categories = match categories {
        Patch::Absent => return Ok(()),
        Patch::Null => Patch::Null,
        Patch::Value(texts) => {
            rules::at_most("categories", texts.len(), CATEGORIES_MOST)?;
            let trimmed = texts.iter().enumerate();
            let trimmed =
                trimmed.map(|(index, text)| visible_text(&format!("categories.{index}"), text, CATEGORY_CHARS));
            Patch::Value(trimmed.collect::<Result<Vec<String>>>()?)
        }
    };
    patch.category = Some(match &categories {
        Patch::Value(texts) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    });
    keep(&mut patch.profile, "categories", &categories, |_| Ok(()))
}

/// Who earns, and in what.
fn sold(request: &UpdatePublisherRequest, subject: Subject<'_>, patch: &mut ListingPatch) -> Result<()> {
    set("wallet_address", &request.wallet_address)?;
    set("wallet_network_id", &request.wallet_network_id)?;
    patch.payments = PaymentPolicyChanges {
        order: change(&request.payment_order).map(order_of),
        receiver: change(&request.payment_receiver).map(receiver_of),
    };
    let profile = &mut patch.profile;
    keep(profile, "wallet_address", &request.wallet_address, |wallet| {
        rules::wallet_address("wallet_address", &wallet.0)
    })?;
    keep(profile, "wallet_network_id", &request.wallet_network_id, |text| {
        rules::network_id("wallet_network_id", text)
    })?;
    keep(profile, "billing_model", &request.billing_model, |model| billing_model(model))?;
    if let Patch::Value(ids) = &request.add_asset_ids {
        assets::check_all("add_asset_ids", ids)?;
    }
    if let Patch::Value(ids) = &request.remove_asset_ids
        && !ids.is_empty()
    {
        assets::check_all("remove_asset_ids", ids)?;
        return Err(Error::invalid("remove_asset_ids", "must be empty: the publisher takes one asset only"));
    }
    match &request.gateway_fee_percent {
        Patch::Value(percent) => {
            let asked = rules::amount("gateway_fee_percent", percent)?;
            if asked == super::reply::fee_percent(subject.fee_basis_points) {
                return Ok(());
            }
            Err(Error::invalid("gateway_fee_percent", "must be left out: it is set by the operator"))
        }
        _ => Ok(()),
    }
}

/// Calls are paid from the caller's balance, at the listing's price; each of these words allows that.
fn billing_model(model: &str) -> Result<()> {
    match model {
        "prepaid_credits" | "x402_per_request" | "pay_per_use" => Ok(()),
        "x402_passthrough" => {
            Err(Error::invalid("billing_model", "must not be x402_passthrough: this gateway does not serve it yet"))
        }
        _ => Err(Error::invalid("billing_model", "must be prepaid_credits, x402_per_request or pay_per_use")),
    }
}

/// How a server is called, and for what.
fn called(request: &UpdatePublisherRequest, kind: ListingKind, patch: &mut ListingPatch) -> Result<()> {
    let category = if kind.is_database() { PublisherCategory::Database } else { PublisherCategory::Integration };
    if set("publisher_category", &request.publisher_category)?.is_some_and(|asked| asked != category) {
        return Err(Error::invalid("publisher_category", "must not change"));
    }
    http_only(kind, "integration_type", &request.integration_type)?;
    if let Patch::Value(IntegrationType::Mcp) = request.integration_type {
        return Err(Error::invalid("integration_type", "must be api: this gateway does not serve mcp yet"));
    }
    http_only(kind, "api_url", &request.api_url)?;
    if !kind.is_database() {
        patch.target = set("api_url", &request.api_url)?;
    }
    http_only(kind, "request_content_type", &request.request_content_type)?;
    http_only(kind, "upstream_headers", &request.upstream_headers)?;
    http_only(kind, "allowed_passthrough_headers", &request.allowed_passthrough_headers)?;
    patch.user_oauth = UserOauthChanges {
        provider: change(&request.oauth_provider_id).map(OauthProviderId::from_uuid),
        required: request.requires_user_oauth.value(),
    };
    let profile = &mut patch.profile;
    keep(profile, "request_content_type", &request.request_content_type, |text| {
        rules::media_type("request_content_type", text)
    })?;
    keep(profile, "upstream_headers", &request.upstream_headers, |value| {
        rules::public_headers("upstream_headers", value)
    })?;
    keep(profile, "allowed_passthrough_headers", &request.allowed_passthrough_headers, |names| {
        rules::passed_headers("allowed_passthrough_headers", names)
    })?;
    keep(profile, "endpoints", &request.endpoints, |all| endpoints(kind, all))?;
    if let Patch::Value(UndocumentedEndpointPolicy::DefaultDeny) = request.undocumented_endpoint_policy {
        http_only(kind, "undocumented_endpoint_policy", &request.undocumented_endpoint_policy)?;
    }
    keep(profile, "undocumented_endpoint_policy", &request.undocumented_endpoint_policy, |_| Ok(()))
}

/// The market checks methods, paths and prices; here is what would change who may call.
fn endpoints(kind: ListingKind, endpoints: &[EndpointDefinition]) -> Result<()> {
    for (index, endpoint) in endpoints.iter().enumerate() {
        let field = |name: &str| format!("endpoints.{index}.{name}");
        if endpoint.access != EndpointAccess::Authenticated {
            let rule = "must be authenticated: this gateway does not serve calls without credentials yet";
            return Err(Error::invalid(field("access"), rule));
        }
        if endpoint.is_protected {
            return Err(Error::invalid(field("is_protected"), "must be false: this gateway does not serve it yet"));
        }
        if kind.is_database() && endpoint.price.is_some() {
            return Err(Error::invalid(field("price"), "must be left out: the publisher is a database"));
        }
    }
    Ok(())
}

/// What stands behind a database publisher; its connection string is a secret.
fn stored(request: &UpdatePublisherRequest, kind: ListingKind, patch: &mut ListingPatch) -> Result<()> {
    database_only(kind, "database_type", &request.database_type)?;
    database_only(kind, "database_name", &request.database_name)?;
    database_only(kind, "project_id", &request.project_id)?;
    database_only(kind, "branch_id", &request.branch_id)?;
    let profile = &mut patch.profile;
    keep(profile, "database_type", &request.database_type, |asked| match asked {
        DatabaseType::MongoDb => {
            Err(Error::invalid("database_type", "must not be mongodb: this gateway does not serve it yet"))
        }
        _ if kind == ListingKind::Sqlite => {
            Err(Error::invalid("database_type", "must be left out: the publisher is a SQLite file"))
        }
        _ => Ok(()),
    })?;
    let name = |text: &String| rules::text("database_name", text, TITLE_CHARS);
    keep(profile, "database_name", &request.database_name, name)?;
    keep(profile, "project_id", &request.project_id, |_| Ok(()))?;
    keep(profile, "branch_id", &request.branch_id, |_| Ok(()))
}

/// The new value of a field of which nothing is left when it is cleared.
fn cleared<T: Clone + Default>(asked: &Patch<T>) -> Option<T> {
    match asked {
        Patch::Absent => None,
        Patch::Null => Some(T::default()),
        Patch::Value(value) => Some(value.clone()),
    }
}
