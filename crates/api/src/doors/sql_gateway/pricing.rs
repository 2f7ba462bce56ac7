//! What a provider's rows cost.

use super::Cx;
use crate::Core;
use farebox_api_kit::{Json, Ok200, Path, operations};
use farebox_api_types::DecimalNumber;
use farebox_api_types::sql_gateway::{ProviderPricing, SetPricingRequest};
use farebox_base::{Error, ListingId, Micros, Result};
use farebox_market::{Change, Door, Listing, ListingAccess, ListingPatch, PriceChanges};
use uuid::Uuid;

operations! {
    core Core, door SqlGateway, tag "Providers";
    POST "/api/providers/{id}/pricing" configure_pricing(Needs(ListingsWrite)) "Set what a thousand rows cost";
    GET "/api/publishers/{id}/pricing" get_pricing(Public) "Show what a thousand rows cost";
}

async fn configure_pricing(
    cx: Cx,
    path: Path<String>,
    body: Json<SetPricingRequest>,
) -> Result<Ok200<ProviderPricing>> {
    let id = provider_id(&path.0)?;
    let prices = PriceChanges {
        per_1000_rows: Change::Set(body.0.base_price_per_1000_rows.as_str().to_owned()),
        markup: Change::Set(body.0.markup_multiplier.as_str().to_owned()),
        ..PriceChanges::default()
    };
    let patch = ListingPatch { prices, ..ListingPatch::new(Door::SqlGateway) };
    let access = ListingAccess::sql_gateway(cx.caller()?.party_id);
    let listing = cx.core.market.listing_update(access, id, &patch).await?;
    shown(&listing).map(Ok200)
}

async fn get_pricing(cx: Cx, path: Path<String>) -> Result<Ok200<ProviderPricing>> {
    let entry = cx.core.market.by_id(provider_id(&path.0)?).await?;
    let entry = entry.filter(|entry| entry.listing.prices.per_1000_rows.is_some());
    shown(&entry.ok_or_else(|| Error::not_found("Pricing"))?.listing).map(Ok200)
}

/// Text that is no id names no provider.
pub(super) fn provider_id(text: &str) -> Result<ListingId> {
    ListingId::parse(text).ok_or_else(|| Error::not_found("Provider"))
}

fn shown(listing: &Listing) -> Result<ProviderPricing> {
    let number = |text: String| DecimalNumber::parse(&text).map_err(|e| Error::internal(e.to_string()));
    let base = listing.prices.per_1000_rows.unwrap_or(Micros::ZERO);
    Ok(ProviderPricing {
        id: Uuid::new_v5(&listing.id.uuid(), b"pricing"),
        provider_id: listing.id.uuid(),
        base_price_per_1000_rows: number(with_point(base.to_string()))?,
        markup_multiplier: number(with_point(listing.prices.markup_text()))?,
        created_at: listing.created_at.into(),
        updated_at: listing.updated_at.into(),
    })
}

/// Whole numbers are written `1.0` here.
fn with_point(text: String) -> String {
    if text.contains('.') { text } else { format!("{text}.0") }
}
