//! Calling a publisher: any method on any path below it. Queries of databases are in `publisher_queries`.

use super::Cx;
use super::publisher_queries::query;
use crate::Core;
use crate::doors::calling::{ReceiptHeaders, call, no_idempotency_key};
use farebox_api_kit::{Raw, Reply, operations};
use farebox_base::{Error, Kind, Result};
use farebox_market::ListingEntry;
use http::HeaderName;
use std::sync::Arc;

operations! {
    core Core, door Platform, tag "publishers";
    POST "/publishers/{slug}" publisher_root_handler(Optional) errors(402, 403, 412, 409, 502, 503, 504)
        replies(200, 202) rate(Call) limit(usize::MAX) "Call a publisher's root, or query a database publisher; paid from a balance or by a signed x402 payment";
    ANY "/publishers/{slug}/{*path}" proxy_to_publisher(Optional) errors(402, 403, 412, 409, 502, 503, 504)
        replies(200) rate(Call) limit(usize::MAX) "Call a publisher; the price is taken from the caller's balance or from a signed x402 payment";
}

pub(super) const HEADERS: ReceiptHeaders = ReceiptHeaders {
    call_id: HeaderName::from_static("x-farebox-call-id"),
    amount: HeaderName::from_static("x-farebox-amount"),
    free_tier: HeaderName::from_static("x-farebox-free-tier"),
    latency_ms: HeaderName::from_static("x-farebox-latency-ms"),
    replayed: HeaderName::from_static("x-farebox-replayed"),
};

async fn proxy_to_publisher(cx: Cx, raw: Raw) -> Result<Reply> {
    let entry = publisher(&cx, &raw.params.decoded("slug")?).await?;
    if entry.listing.kind.is_database() {
        return Err(Error::not_found("Endpoint"));
    }
    call(&cx, entry, raw, &HEADERS).await
}

async fn publisher_root_handler(cx: Cx, raw: Raw) -> Result<Reply> {
    let entry = publisher(&cx, &raw.params.decoded("slug")?).await?;
    if entry.listing.kind.is_database() {
        no_idempotency_key(&raw.parts.headers)?;
        return Box::pin(query(&cx, entry, raw)).await;
    }
    call(&cx, entry, raw, &HEADERS).await
}

async fn publisher(cx: &Cx, slug: &str) -> Result<Arc<ListingEntry>> {
    let entry = cx.core.market.store_listing(slug).await?;
    let entry = entry.ok_or_else(|| Error::not_found("Publisher"))?;
    match entry.listing.check_callable() {
        Ok(()) => Ok(entry),
        Err(paused) => Err(Error { kind: Kind::NotFound, ..paused }),
    }
}
