//! What the doors' calls of listings have in common: reading the request, and putting the receipt on the reply.

use farebox_api_kit::{Body, Cx, Raw, RequestId};
use farebox_base::{Error, Result};
use farebox_calls::{HttpCall, IdempotencyKey, Payer, Receipt};
use farebox_market::ListingEntry;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use std::sync::Arc;

use crate::Core;

/// The names under which a door shows a receipt.
pub(crate) struct ReceiptHeaders {
    pub call_id: HeaderName,
    pub amount: HeaderName,
    pub free_tier: HeaderName,
    pub latency_ms: HeaderName,
    pub replayed: HeaderName,
}

/// Reads what a call needs from a raw request; the path below the listing is the route's wildcard `path`.
///
/// # Errors
/// `NotFound` for an endpoint that the listing does not serve; `Invalid` for a malformed `Idempotency-Key`.
pub(crate) fn http_call(cx: &Cx<Core>, entry: Arc<ListingEntry>, raw: Raw) -> Result<HttpCall> {
    let caller = cx.caller()?;
    let path_and_query = path_and_query(&raw);
    if !entry.listing.serves(raw.parts.method.as_str(), &path_and_query) {
        return Err(Error::not_found("Endpoint"));
    }
    let idempotency_key = idempotency_key(&raw.parts.headers)?;
    Ok(HttpCall {
        payer: Payer::from(&**caller),
        entry,
        door: cx.door.name(),
        path_and_query,
        method: raw.parts.method,
        headers: raw.parts.headers,
        body: raw.body,
        idempotency_key,
        request_id: request_id(&cx.request_id),
        received: cx.received,
    })
}

pub(crate) fn request_id(id: &RequestId) -> String {
    id.text().to_owned()
}

/// # Errors
/// `Invalid` where there are several, or one that is malformed.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid("Idempotency-Key", "must be sent once"));
    }
    IdempotencyKey::parse(value.to_str().unwrap_or_default()).map(Some)
}

/// Queries are not replayed yet, and a key that is ignored would promise what is not kept.
///
/// # Errors
/// `Invalid` where the header is there.
pub(crate) fn no_idempotency_key(headers: &HeaderMap) -> Result<()> {
    if headers.contains_key("idempotency-key") {
        return Err(Error::invalid("Idempotency-Key", "is not served for queries; leave it out"));
    }
    Ok(())
}

/// The target behind the listing's prefix, byte for byte.
fn path_and_query(raw: &Raw) -> String {
    let path = raw.params.raw("path").unwrap_or_default();
    let mut target = String::with_capacity(path.len() + 2);
    if !path.is_empty() || raw.parts.uri.path().ends_with('/') {
        target.push('/');
        target.push_str(path);
    }
    if let Some(query) = raw.parts.uri.query() {
        target.push('?');
        target.push_str(query);
    }
    target
}

/// Puts the receipt on a reply.
pub(crate) fn show_receipt(names: &ReceiptHeaders, receipt: &Receipt, response: &mut Response<Body>) {
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    headers.insert(names.call_id.clone(), text(receipt.call_id.to_string()));
    headers.insert(names.amount.clone(), text(receipt.amount.to_string()));
    headers.insert(names.free_tier.clone(), HeaderValue::from_static(if receipt.free_tier { "true" } else { "false" }));
    headers.insert(names.latency_ms.clone(), HeaderValue::from(receipt.latency_ms));
    if receipt.replayed {
        headers.insert(names.replayed.clone(), HeaderValue::from_static("true"));
    }
}
