//! Queries, paid by the row.

use super::Cx;
use super::proof::{proven, refused};
use super::wallets::{check_address, queried, spender};
use crate::Core;
use crate::doors::calling::{no_idempotency_key, request_id};
use farebox_api_kit::{Headed, Headers, Json, Ok200, OrReply, operations};
use farebox_api_types::sql_gateway::{SqlQueryRequest, SqlQueryResponse};
use farebox_base::{Error, Result};
use farebox_calls::SqlCall;
use http::HeaderName;

operations! {
    core Core, door SqlGateway, tag "Agents";
    POST "/api/query" execute_query(Optional) errors(401, 402, 403, 404, 502, 503, 504) rate(Query)
        "Run a query and pay for the rows that it returns";
}

const CALL_ID: HeaderName = HeaderName::from_static("x-farebox-call-id");

async fn execute_query(
    cx: Cx,
    headers: Headers,
    body: Json<SqlQueryRequest>,
) -> Result<OrReply<Headed<Ok200<SqlQueryResponse>>>> {
    match queried_and_paid(&cx, &headers, body.0).await {
        Ok(reply) => Ok(OrReply::Usual(reply)),
        Err(error) => Ok(OrReply::Built(refused(&cx, "/api/query", error).await?)),
    }
}

async fn queried_and_paid(
    cx: &Cx,
    headers: &Headers,
    request: SqlQueryRequest,
) -> Result<Headed<Ok200<SqlQueryResponse>>> {
    no_idempotency_key(&headers.0)?;
    check_address(&request.agent_wallet)?;
    if request.sql.trim().is_empty() {
        return Err(Error::invalid("sql", "must not be empty"));
    }
    let entry = queried(cx, &request.provider_id.to_string()).await?;
    let least = farebox_market::quote_rows(&entry.listing, 1);
    let payer = match proven(cx, &headers.0, &request.agent_wallet).await? {
        Some(payer) => payer,
        None => spender(cx, &request.agent_wallet, &entry, least).await?,
    };
    let estimate = cx.core.calls.estimate_sql(&entry, &request.sql).await?;
    let call = SqlCall {
        payer,
        entry,
        door: cx.door.name(),
        sql: request.sql,
        params: Vec::new(),
        estimate: Some(estimate),
        request_id: request_id(&cx.request_id),
        received: cx.received,
    };
    let answer = cx.core.calls.call_sql(call).await?;
    let result = answer.reply?;
    let reply = SqlQueryResponse {
        row_count: i64::try_from(result.row_count).unwrap_or(i64::MAX),
        rows: result.rows.into_iter().map(serde_json::Value::Object).collect(),
        estimated_cost: estimate.cost.into(),
        actual_cost: answer.receipt.amount.into(),
        execution_time: SqlQueryResponse::execution_time_text(answer.took),
    };
    Headed::new(Ok200(reply)).with(CALL_ID, &answer.receipt.call_id.to_string())
}
