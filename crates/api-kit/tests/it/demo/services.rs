//! The marketplace door.

use super::{App, Cx};
use farebox_api_kit::*;
use farebox_base::{Error, Micros, PaymentNeed, Result};
use serde_json::{Value, json};

operations! {
    core App, door Marketplace, tag "Services";
    GET    "/" info(Public) "Say what this is";
    GET    "/health" health(Public) rate(Free) "Say that it runs";
    POST   "/api/v1/services" service_register(Needs(ListingsWrite)) "Register a service";
    GET    "/api/v1/services/{service_id}" service_get(Public) "Fetch a service";
    GET    "/api/v1/admin/stats" stats(Needs(PlatformAdmin)) tag("Admin") "Count everything";
    ANY    "/api/v1/proxy/{service_id}/{*path}" proxy(Needs(CallsMake)) "Call a service";
}

async fn info(_cx: Cx) -> Result<Ok200<Value>> {
    Ok(Ok200(json!({ "service": "demo" })))
}

async fn health(_cx: Cx) -> Result<Ok200<Value>> {
    Ok(Ok200(json!({ "status": "ok" })))
}

async fn service_register(cx: Cx, body: Json<Value>) -> Result<Created<Value>> {
    cx.core.serve();
    Ok(Created(body.0))
}

async fn service_get(_cx: Cx, path: Path<String>) -> Result<Ok200<Value>> {
    match path.0.as_str() {
        "poor" => {
            Err(Error::insufficient_balance(PaymentNeed { required: Micros::new(50_000), available: Micros::ZERO }))
        }
        _ => Err(Error::not_found("Service")),
    }
}

async fn stats(cx: Cx) -> Result<Ok200<Value>> {
    cx.core.serve();
    Ok(Ok200(json!({})))
}

async fn proxy(cx: Cx, raw: Raw) -> Result<Reply> {
    cx.core.serve();
    let value = json!({ "method": raw.parts.method.as_str(), "tail": raw.params.raw("path") });
    Reply::json(http::StatusCode::OK, &value)
}
