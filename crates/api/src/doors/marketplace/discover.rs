//! Discovery: search with filters, and categories.

use super::Cx;
use super::service_mapping::{payment_method_text, service};
use super::services::page;
use crate::Core;
use farebox_api_kit::{Ok200, Query, operations};
use farebox_api_types::marketplace::{CategoryCount, CategoryList, DiscoverQuery, DiscoverResult, ServiceSort};
use farebox_base::{Error, Micros, Result};
use farebox_market::{ListingFilter, ListingSort, ListingStatus};

operations! {
    core Core, door Marketplace, tag "Discovery";
    GET "/api/v1/discover" discover(Public) "Search services with filters";
    GET "/api/v1/discover/categories" discover_categories(Public) "List categories with their numbers of services";
}

async fn discover(cx: Cx, query: Query<DiscoverQuery>) -> Result<Ok200<DiscoverResult>> {
    let page = page(query.0.limit, query.0.offset);
    let filter = filter(query.0)?;
    let found = cx.core.market.listings_page(&filter, page).await?;
    Ok(Ok200(DiscoverResult {
        services: found.items.iter().map(|listing| service(listing)).collect::<Result<_>>()?,
        total: i64::try_from(found.total).unwrap_or(i64::MAX),
        offset: i64::try_from(page.offset).unwrap_or(i64::MAX),
        limit: i64::from(page.limit),
    }))
}

fn filter(query: DiscoverQuery) -> Result<ListingFilter> {
    let tags = query.tags.unwrap_or_default();
    Ok(ListingFilter {
        text: query.q,
        category: query.category,
        tags_any: tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        min_price: price("min_price", query.min_price.as_deref())?,
        max_price: price("max_price", query.max_price.as_deref())?,
        payment_method: query.payment_method.map(payment_method_text),
        has_free_tier: query.has_free_tier,
        status: Some(ListingStatus::Active),
        sort: match query.sort_by {
            None | Some(ServiceSort::CreatedAt) => ListingSort::Newest,
            Some(ServiceSort::Price) => ListingSort::Price,
            Some(ServiceSort::Name) => ListingSort::Name,
        },
        ..ListingFilter::default()
    })
}

fn price(field: &str, text: Option<&str>) -> Result<Option<Micros>> {
    text.map(|text| Micros::parse(text).map_err(|error| Error::money(field, error))).transpose()
}

async fn discover_categories(cx: Cx) -> Result<Ok200<CategoryList>> {
    let counts = cx.core.market.categories().await?;
    let named = |category: String| if category.is_empty() { "uncategorized".to_owned() } else { category };
    let categories = counts.into_iter().map(|found| CategoryCount {
        category: named(found.category),
        count: i64::try_from(found.count).unwrap_or(i64::MAX),
    });
    Ok(Ok200(CategoryList { categories: categories.collect() }))
}
