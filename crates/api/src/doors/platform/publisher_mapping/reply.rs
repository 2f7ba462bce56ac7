//! A listing as the platform shows it.

use super::prices::pricing;
use crate::assets;
use crate::payments::shown_policy;
use farebox_api_types::platform::{
    ComputePart, DatabasePart, IntegrationPart, IntegrationType, OwnershipPart, PublisherCategory, PublisherResponse,
    PublisherType, TokenExchangePart, UndocumentedEndpointPolicy, WalletAddress,
};
use farebox_base::{Error, Micros, OauthProviderId, Result};
use farebox_market::{Listing, ListingStats, ListingStatus, UpstreamSecret};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

const MICROS_PER_BASIS_POINT: i64 = 10_000;

/// How much of a logo's digest its address carries.
const LOGO_VERSION_CHARS: usize = 12;

/// Who reads the reply.
#[derive(Clone, Copy)]
pub(in crate::doors::platform) enum Viewer<'a> {
    /// The seller, with the names by which its key travels; `None` where the secret does not open.
    Owner(Option<&'a UpstreamSecret>),
    /// Anybody.
    Store,
}

/// Whether calls can be paid on a chain at this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doors::platform) struct OnChain(pub bool);

impl OnChain {
    pub(in crate::doors::platform) fn of(cx: &crate::doors::platform::Cx) -> Self {
        Self(!cx.core.settings.payments.is_off())
    }

    /// How calls are paid where the seller has not said it: from a balance everywhere, and each for itself besides.
    const fn billing_model(self) -> &'static str {
        if self.0 { "x402_per_request" } else { "prepaid_credits" }
    }
}

/// The address of an uploaded logo; it changes with the picture. `None` where none was uploaded.
pub(in crate::doors::platform) fn uploaded_logo(listing: &Listing, public_url: &str) -> Option<String> {
    let version = listing.logo_digest()?.get(..LOGO_VERSION_CHARS)?;
    Some(format!("{public_url}/publishers/{}/logo?v={version}", listing.slug))
}

/// The reply for a listing, whichever door it was registered through. What that door did not ask for is empty. Addresses
/// in it begin with `public_url`.
///
/// # Errors
/// `Internal` where a field is not stored as this door writes it.
pub(in crate::doors::platform) fn publisher(
    listing: &Listing,
    stats: ListingStats,
    viewer: Viewer<'_>,
    on_chain: OnChain,
    public_url: &str,
) -> Result<PublisherResponse> {
    let is_database = listing.kind.is_database();
    let text = |field| kept::<String>(listing, field);
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (payment_order, payment_receiver) = shown_policy(listing.payments);
    Ok(PublisherResponse {
        id: listing.id.uuid(),
        name: listing.name.clone(),
        slug: listing.slug.clone(),
        description: Some(listing.description.clone()).filter(|text| !text.is_empty()),
        email: text("email")?,
        logo_url: uploaded_logo(listing, public_url).map_or_else(|| text("logo_url"), |url| Ok(Some(url)))?,
        resource_name: text("resource_name")?,
        resource_description: text("resource_description")?,
        categories: categories(listing)?,
        capabilities: listing.tags.clone(),
        use_cases: kept(listing, "use_cases")?.unwrap_or_default(),
        usage_examples: kept(listing, "usage_examples")?,
        publisher_type: kept(listing, "publisher_type")?.unwrap_or(PublisherType::Organization),
        publisher_category: if is_database { PublisherCategory::Database } else { PublisherCategory::Integration },
        wallet_address: WalletAddress(text("wallet_address")?.unwrap_or_default()),
        wallet_network_id: text("wallet_network_id")?.unwrap_or_default(),
        accepted_assets: Some(vec![assets::ledger_asset()]),
        pricing: Some(vec![pricing(listing, on_chain)]),
        billing_model: text("billing_model")?.unwrap_or_else(|| on_chain.billing_model().to_owned()),
        gateway_fee_percent: fee_percent(listing.fee_basis_points).to_string(),
        payment_order,
        payment_receiver,
        endpoints: kept(listing, "endpoints")?,
        undocumented_endpoint_policy: kept(listing, "undocumented_endpoint_policy")?
            .unwrap_or(UndocumentedEndpointPolicy::DefaultAllow),
        routing: None,
        auth_type: "static".to_owned(),
        allowed_passthrough_headers: kept(listing, "allowed_passthrough_headers")?.unwrap_or_default(),
        passthrough_header_rewrite: Value::Object(Map::new()),
        request_content_type: text("request_content_type")?.unwrap_or_else(|| "application/json".to_owned()),
        upstream_headers: kept(listing, "upstream_headers")?.unwrap_or_else(|| Value::Object(Map::new())),
        requires_user_oauth: listing.user_oauth.required,
        ownership_tracking_enabled: false,
        database: if is_database { database(listing, viewer)? } else { DatabasePart::default() },
        integration: if is_database { IntegrationPart::default() } else { integration(listing, viewer) },
        compute: ComputePart::default(),
        token_exchange: TokenExchangePart::default(),
        ownership: OwnershipPart::default(),
        is_active: listing.status == ListingStatus::Active,
        is_verified: listing.is_verified,
        verification_expires_at: None,
        total_queries: count(stats.total_queries),
        unique_agents_served: count(stats.unique_agents),
        total_revenue_atomic: stats.revenue.into(),
        created_at: listing.created_at.into(),
        updated_at: listing.updated_at.into(),
    })
}

/// The platform's part in percent, exactly: 250 hundredths are 2.5.
pub(super) fn fee_percent(basis_points: i64) -> Micros {
    Micros::new(basis_points.saturating_mul(MICROS_PER_BASIS_POINT))
}

/// Where a seller's server is, is nobody's business but the seller's: who knows it could call it past the gateway.
fn integration(listing: &Listing, viewer: Viewer<'_>) -> IntegrationPart {
    let mut part = IntegrationPart {
        integration_type: Some(IntegrationType::Api),
        oauth_provider_id: listing.user_oauth.provider.map(OauthProviderId::uuid),
        ..IntegrationPart::default()
    };
    if let Viewer::Owner(secret) = viewer {
        part.api_url = Some(listing.target.clone());
        part.api_key_header = secret.and_then(|secret| secret.api_key_header.clone());
        part.api_key_query_param = secret.and_then(|secret| secret.api_key_query_param.clone());
    }
    part
}

/// Of the settings, the seller sees that they are there.
fn database(listing: &Listing, viewer: Viewer<'_>) -> Result<DatabasePart> {
    let part = DatabasePart {
        database_type: kept(listing, "database_type")?,
        database_name: kept(listing, "database_name")?,
        ..DatabasePart::default()
    };
    Ok(match viewer {
        Viewer::Store => part,
        Viewer::Owner(_) => DatabasePart {
            database_config: Some(json!({ "connection_string": "[redacted]" })),
            project_id: kept(listing, "project_id")?,
            branch_id: kept(listing, "branch_id")?,
            ..part
        },
    })
}

/// The marketplace may have changed the first one.
fn categories(listing: &Listing) -> Result<Vec<String>> {
    let kept: Vec<String> = kept(listing, "categories")?.unwrap_or_default();
    let first = Some(&listing.category).filter(|category| !category.is_empty());
    Ok(first.into_iter().chain(kept.iter().skip(1).filter(|other| **other != listing.category)).cloned().collect())
}

fn kept<T: DeserializeOwned>(listing: &Listing, field: &str) -> Result<Option<T>> {
    let Some(value) = listing.profile.get(field) else { return Ok(None) };
    let read = Option::<T>::deserialize(value);
    read.map_err(|e| Error::internal(format!("listing {}: the stored {field}: {e}", listing.id)))
}
