//! Queries of a publisher that is a database, paid from the caller's balance or by a signed payment.

use super::Cx;
use super::publisher_calls::HEADERS;
use crate::doors::calling::{can_sign, request_id, show_receipt};
use crate::doors::querying::{Query, Signed};
use crate::payments::{payment_required, show_proven, unpaid};
use farebox_api_kit::{Body, Data, Raw, Reply, decode_json, read_to_limit};
use farebox_api_types::platform::DatabaseQueryRequest;
use farebox_base::{Error, Micros, Permission, Result};
use farebox_calls::{Payer, SqlCall};
use farebox_market::ListingEntry;
use http::{HeaderMap, Response, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The longest query document.
const QUERY_BYTES_MAX: usize = 1 << 20;
/// How long it may take to arrive.
const QUERY_PATIENCE: Duration = Duration::from_secs(30);

/// # Errors
/// `Unauthenticated` where nobody pays and signed payments are not taken; those of the query.
pub(super) async fn query(cx: &Cx, entry: Arc<ListingEntry>, raw: Raw) -> Result<Reply> {
    match &cx.caller {
        Some(caller) => {
            caller.require(Permission::CallsMake).map_err(|_| cx.door.permission_missing(Permission::CallsMake))?;
        }
        None if cx.core.settings.payments.is_off() => drop(cx.caller()?),
        None => {}
    }
    let read = tokio::time::timeout(QUERY_PATIENCE, read_to_limit(raw.body, QUERY_BYTES_MAX)).await;
    let bytes = read.map_err(|_| Error::invalid("body", "must arrive without long pauses"))??;
    let request: DatabaseQueryRequest = decode_json(&bytes)?;
    let path = raw.parts.uri.path().to_owned();
    let query = Query { entry, sql: request.query, params: request.params, path };
    match paid_and_run(cx, &query, &raw.parts.headers).await {
        Ok(response) => Ok(Reply(response)),
        Err(error) if can_sign(&error) => shown(cx, &query, &error).await.map(Reply),
        Err(error) => Err(error),
    }
}

async fn paid_and_run(cx: &Cx, query: &Query, headers: &HeaderMap) -> Result<Response<Body>> {
    let (payer, payment) = match (query.signed(cx, headers).await?, &cx.caller) {
        (Some(signed), _) => {
            let Signed { payer, payment } = signed?;
            (payer, Some(payment))
        }
        (None, Some(caller)) => (Payer::from(&**caller), None),
        (None, None) => return Err(unpaid()),
    };
    let call = SqlCall {
        payer,
        entry: query.entry.clone(),
        door: cx.door.name(),
        sql: query.sql.clone(),
        params: query.params.clone(),
        estimate: None,
        payment,
        request_id: request_id(&cx.request_id),
        received: cx.received,
    };
    let answer = cx.core.calls.call_sql(call).await?;
    let mut response: Response<Body> = match answer.reply {
        Ok(result) => {
            let data = json!({ "rows": result.rows, "row_count": result.row_count, "truncated": result.truncated, "cost": answer.receipt.amount.to_string() });
            Reply::json(StatusCode::OK, &Data(data))?.0
        }
        Err(error) => shown(cx, query, &error).await?,
    };
    show_receipt(&HEADERS, &answer.receipt, &mut response);
    if let Some(payment) = answer.payment {
        show_proven(cx, *payment, &query.url(cx), &mut response);
    }
    Ok(response)
}

/// An error as the door shows it, with what to sign where that would help.
async fn shown(cx: &Cx, query: &Query, error: &Error) -> Result<Response<Body>> {
    if !can_sign(error) {
        return Ok(cx.error_response(error));
    }
    let needed = error.payment.map_or(Micros::ZERO, |need| need.required);
    match query.asked(cx, needed).await? {
        Some(asked) => Ok(payment_required(cx, &asked, error).await),
        // Nothing can be signed for what costs nothing.
        None => cx.caller().map(|_| cx.error_response(error)),
    }
}
