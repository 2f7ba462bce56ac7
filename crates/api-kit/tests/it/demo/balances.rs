//! The SQL gateway's door.

use super::{App, Cx};
use farebox_api_kit::*;
use farebox_base::{Error, Micros, PaymentNeed, Result};
use serde_json::{Value, json};

operations! {
    core App, door SqlGateway, tag "Agents";
    GET  "/api/balance/{wallet}" balance(Public) "Check a balance";
    POST "/api/query" query(Public) rate(Query) "Run a query";
    POST "/api/providers/{id}/pricing" pricing(Needs(ListingsWrite)) tag("Providers") "Set prices";
}

async fn balance(_cx: Cx, wallet: Path<String>) -> Result<Ok200<Value>> {
    Ok(Ok200(json!({ "agentWallet": wallet.0, "balance": "1.000000" })))
}

async fn query(_cx: Cx) -> Result<Ok200<Value>> {
    let need = PaymentNeed { required: Micros::new(50_000), available: Micros::new(7) };
    Err(Error::insufficient_balance(need))
}

async fn pricing(cx: Cx, _id: Path<String>) -> Result<Ok200<Value>> {
    cx.core.serve();
    Ok(Ok200(json!({})))
}
