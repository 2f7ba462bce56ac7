//! The store: publishers that anybody can find, and what a query of them would cost.

use super::Cx;
use super::publisher_mapping::{OnChain, Viewer, publisher};
use crate::{Core, assets};
use farebox_accounts::Page;
use farebox_api_kit::{Data, DataPage, Json, Ok200, Path, Query, operations};
use farebox_api_types::platform::{
    EstimateRequestBody, EstimateResponse, ListPublishersQuery, PublisherCategory, PublisherResponse,
};
use farebox_base::{Error, Kind, ListingId, Micros, Result};
use farebox_market::{Listing, ListingEntry, ListingFilter, ListingStatus, quote};
use std::sync::Arc;

operations! {
    core Core, door Platform, tag "publishers";
    GET  "/publishers" list_store_publishers(Public) "Find publishers that can be called";
    GET  "/publishers/{slug}" get_store_publisher(Public) "Show a publisher";
    POST "/publishers/{slug}/estimate" estimate_query(Public) errors(502, 503, 504) rate(Query) "Estimate what a query would cost, without running it";
}

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

async fn list_store_publishers(
    cx: Cx,
    query: Query<ListPublishersQuery>,
) -> Result<Ok200<DataPage<PublisherResponse>>> {
    let page = page(&query.0)?;
    let (limit, offset) = (i64::from(page.limit), query.0.offset.unwrap_or(0));
    let Some(filter) = filter(query.0) else { return Ok(Ok200(DataPage::new(vec![], 0, limit, offset))) };
    let found = cx.core.market.listings_page(&filter, page).await.map_err(search_too_long)?;
    let ids: Vec<ListingId> = found.items.iter().map(|listing| listing.id).collect();
    let stats = cx.core.market.stats(&ids).await?;
    let stats = |listing: &Listing| stats.get(&listing.id).copied().unwrap_or_default();
    let (on_chain, public_url) = (OnChain::of(&cx), &*cx.core.settings.public_url);
    let shown =
        found.items.iter().map(|listing| publisher(listing, stats(listing), Viewer::Store, on_chain, public_url));
    let total = i64::try_from(found.total).unwrap_or(i64::MAX);
    Ok(Ok200(DataPage::new(shown.collect::<Result<_>>()?, total, limit, offset)))
}

async fn get_store_publisher(cx: Cx, path: Path<String>) -> Result<Ok200<Data<PublisherResponse>>> {
    let entry = found(&cx, &path.0).await?;
    let id = entry.listing.id;
    let stats = cx.core.market.stats(&[id]).await?;
    let stats = stats.get(&id).copied().unwrap_or_default();
    Ok(Ok200(Data(publisher(&entry.listing, stats, Viewer::Store, OnChain::of(&cx), &cx.core.settings.public_url)?)))
}

async fn estimate_query(
    cx: Cx,
    path: Path<String>,
    body: Json<EstimateRequestBody>,
) -> Result<Ok200<EstimateResponse>> {
    let entry = found(&cx, &path.0).await?;
    let listing = &entry.listing;
    if listing.id.uuid() != body.0.publisher_id {
        return Err(Error::not_found("Publisher"));
    }
    if let Some(asset) = body.0.asset_id {
        assets::check("asset_id", asset)?;
    }
    listing.check_callable().map_err(|paused| Error { kind: Kind::NotFound, ..paused })?;
    let (rows, cost): (u64, Micros) = if listing.kind.is_database() {
        let estimate = cx.core.calls.estimate_sql(&entry, &body.0.query, &[]).await?;
        (estimate.rows, estimate.cost)
    } else {
        (0, quote(listing, "POST", ""))
    };
    Ok(Ok200(EstimateResponse {
        estimated_rows: i64::try_from(rows).unwrap_or(i64::MAX),
        estimated_cost: cost.into(),
        estimated_cost_atomic: cost.into(),
        asset_symbol: assets::SYMBOL.to_owned(),
        publisher_name: listing.name.clone(),
        publisher_slug: listing.slug.clone(),
    }))
}

/// A publisher that the public may know of.
pub(super) async fn found(cx: &Cx, slug: &str) -> Result<Arc<ListingEntry>> {
    cx.core.market.store_listing(slug).await?.ok_or_else(|| Error::not_found("Publisher"))
}

fn page(query: &ListPublishersQuery) -> Result<Page> {
    let limit = query.limit.map_or(Some(LIMIT_DEFAULT), |limit| u32::try_from(limit).ok());
    let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
    let limit = limit.ok_or_else(|| Error::invalid("limit", format!("must be from 1 to {LIMIT_MAX}")))?;
    let offset = u64::try_from(query.offset.unwrap_or(0));
    let offset = offset.map_err(|_| Error::invalid("offset", "must not be negative"))?;
    Ok(Page { limit, offset })
}

/// `None` where no publisher can match.
fn filter(query: ListPublishersQuery) -> Option<ListingFilter> {
    let is_database = match query.category {
        None => None,
        Some(PublisherCategory::Database) => Some(true),
        Some(PublisherCategory::Integration) => Some(false),
        Some(PublisherCategory::Compute) => return None,
    };
    Some(ListingFilter {
        text: query.search,
        status: Some(ListingStatus::Active),
        is_verified: query.is_verified,
        is_database,
        ..ListingFilter::default()
    })
}

/// The market's word for the text is not the door's.
fn search_too_long(error: Error) -> Error {
    if error.field.as_deref() == Some("query") {
        return Error::invalid("search", error.message.strip_prefix("query ").unwrap_or_default());
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_outside_their_bounds_are_refused_by_name() {
        let page = |limit, offset| page(&ListPublishersQuery { limit, offset, ..ListPublishersQuery::default() });
        assert_eq!(page(None, None).unwrap(), Page { limit: 50, offset: 0 });
        assert_eq!(page(Some(100), Some(7)).unwrap(), Page { limit: 100, offset: 7 });
        for limit in [0, -1, 101, i64::MAX] {
            assert_eq!(page(Some(limit), None).unwrap_err().field.as_deref(), Some("limit"));
        }
        assert_eq!(page(None, Some(-1)).unwrap_err().field.as_deref(), Some("offset"));
    }

    #[test]
    fn the_store_shows_active_publishers_of_the_categories_that_there_are() {
        let of = |category| filter(ListPublishersQuery { category, ..ListPublishersQuery::default() });
        assert!(of(Some(PublisherCategory::Compute)).is_none());
        assert_eq!(of(Some(PublisherCategory::Database)).unwrap().is_database, Some(true));
        let all = of(None).unwrap();
        assert_eq!((all.is_database, all.status), (None, Some(ListingStatus::Active)));
    }
}
