//! The payment proxy: any method on any path of a service, with billing headers on every reply.

use super::Cx;
use super::services::{not_found, service_id};
use crate::Core;
use crate::doors::calling::{ReceiptHeaders, call};
use farebox_api_kit::{Raw, Reply, operations};
use farebox_base::{Error, Result};
use http::HeaderName;

operations! {
    core Core, door Marketplace, tag "Payment Proxy";
    ANY "/api/v1/proxy/{service_id}/{*path}" proxy(Optional) errors(402, 403, 412, 409, 502, 503, 504)
        replies(200) rate(Call) limit(usize::MAX) "Call a service; the price is taken from the caller's balance or from a signed x402 payment";
}

const HEADERS: ReceiptHeaders = ReceiptHeaders {
    call_id: HeaderName::from_static("x-acf-usage-id"),
    amount: HeaderName::from_static("x-acf-amount"),
    free_tier: HeaderName::from_static("x-acf-free-tier"),
    latency_ms: HeaderName::from_static("x-acf-latency-ms"),
    replayed: HeaderName::from_static("x-acf-replayed"),
};

async fn proxy(cx: Cx, raw: Raw) -> Result<Reply> {
    let id = service_id(&raw.params.decoded("service_id")?)?;
    let entry = cx.core.market.by_id(id).await?.ok_or_else(not_found)?;
    entry.listing.check_callable()?;
    if entry.listing.kind.is_database() {
        return Err(Error::invalid("service_id", "names a database; query it at POST /api/query"));
    }
    call(&cx, entry, raw, &HEADERS).await
}
