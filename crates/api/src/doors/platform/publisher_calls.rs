//! Calling a publisher: any method on any path below it, and queries of databases.

use super::Cx;
use crate::Core;
use crate::doors::calling::{ReceiptHeaders, call, no_idempotency_key, request_id, show_receipt};
use farebox_api_kit::{Body, Data, Raw, Reply, operations, read_to_limit};
use farebox_api_types::platform::DatabaseQueryRequest;
use farebox_base::{Error, Kind, Permission, Result};
use farebox_calls::{Payer, SqlCall};
use farebox_market::ListingEntry;
use http::{HeaderName, Response, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

operations! {
    core Core, door Platform, tag "publishers";
    POST "/publishers/{slug}" publisher_root_handler(Optional) errors(402, 403, 412, 409, 502, 503, 504)
        replies(200, 202) rate(Call) limit(usize::MAX) "Call a publisher's root, or query a database publisher";
    ANY "/publishers/{slug}/{*path}" proxy_to_publisher(Optional) errors(402, 403, 412, 409, 502, 503, 504)
        replies(200) rate(Call) limit(usize::MAX) "Call a publisher; the price is taken from the caller's balance or from a signed x402 payment";
}

/// The longest query document.
const QUERY_BYTES_MAX: usize = 1 << 20;
/// How long it may take to arrive.
const QUERY_PATIENCE: Duration = Duration::from_secs(30);

const HEADERS: ReceiptHeaders = ReceiptHeaders {
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
        return query(&cx, entry, raw.body).await;
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

async fn query(cx: &Cx, entry: Arc<ListingEntry>, body: Body) -> Result<Reply> {
    cx.caller()?.require(Permission::CallsMake).map_err(|_| cx.door.permission_missing(Permission::CallsMake))?;
    let read = tokio::time::timeout(QUERY_PATIENCE, read_to_limit(body, QUERY_BYTES_MAX)).await;
    let bytes = read.map_err(|_| Error::invalid("body", "must arrive without long pauses"))??;
    let request: DatabaseQueryRequest = farebox_api_kit::decode_json(&bytes)?;
    let answer = cx
        .core
        .calls
        .call_sql(SqlCall {
            payer: Payer::from(&**cx.caller()?),
            entry,
            door: cx.door.name(),
            sql: request.query,
            params: request.params,
            estimate: None,
            request_id: request_id(&cx.request_id),
            received: cx.received,
        })
        .await?;
    let mut response: Response<Body> = match answer.reply {
        Ok(result) => {
            let data = json!({ "rows": result.rows, "row_count": result.row_count, "truncated": result.truncated, "cost": answer.receipt.amount.to_string() });
            Reply::json(StatusCode::OK, &Data(data))?.0
        }
        Err(error) => cx.error_response(&error),
    };
    show_receipt(&HEADERS, &answer.receipt, &mut response);
    Ok(Reply(response))
}
