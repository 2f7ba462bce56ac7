//! Errors as each door shows them: the only place where a domain error becomes a status and a body.

use crate::DoorId;
use crate::body::Body;
use crate::reply::json_bytes;
use crate::request_id::{self, RequestId};
use farebox_base::{Error, Kind, Micros};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

/// Where agents of the SQL gateway top up.
const DEPOSIT_ENDPOINT: &str = "/api/deposit";

/// The reply for an error, with status, body and headers of the door; the internal half stays inside.
pub fn error_response(door: DoorId, error: &Error, request_id: &RequestId) -> Response<Body> {
    let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Value::Object(body(door, error, request_id)).to_string();
    let mut response = json_bytes(status, body.into_bytes());
    let headers = response.headers_mut();
    if let Some(id) = request_id.header_value() {
        headers.insert(request_id::HEADER, id);
    }
    if error.kind == Kind::Unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = retry_after_s(error) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// 405 with the methods that the path does take.
pub(crate) fn method_response(door: DoorId, allow: &str, request_id: &RequestId) -> Response<Body> {
    let mut response = error_response(door, &door.method_unknown(allow), request_id);
    if let Ok(value) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// A 429 always says when to come back, even where the limiter did not.
fn retry_after_s(error: &Error) -> Option<u64> {
    match error.kind {
        Kind::TooManyRequests => Some(error.retry_after_s.unwrap_or(1)),
        _ => error.retry_after_s,
    }
}

fn body(door: DoorId, error: &Error, request_id: &RequestId) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    match door {
        DoorId::Marketplace => {
            put("detail", error.message.as_str().into());
        }
        DoorId::SqlGateway => {
            put("error", error.message.as_str().into());
        }
        DoorId::Platform | DoorId::System => {
            put("error", error.code.into());
            put("message", error.message.as_str().into());
            put("request_id", request_id.text().into());
            if let Some(field) = &error.field {
                put("field", field.as_str().into());
            }
        }
    }
    if let Some(need) = error.payment {
        put("minimumRequired", amount(door, need.required).into());
        put("currentBalance", amount(door, need.available).into());
    }
    if door == DoorId::SqlGateway && error.kind == Kind::PaymentRequired {
        put("depositEndpoint", DEPOSIT_ENDPOINT.into());
    }
    if door != DoorId::Marketplace
        && let Some(seconds) = retry_after_s(error)
    {
        put("retryAfter", seconds.into());
    }
    body
}

/// Amounts are decimal texts at every door; the SQL gateway writes all six digits.
fn amount(door: DoorId, amount: Micros) -> String {
    if door == DoorId::SqlGateway { amount.to_fixed6() } else { amount.to_string() }
}

/// The name of the error schema in a door's document.
pub(crate) fn schema_name(door: DoorId) -> &'static str {
    match door {
        DoorId::Platform => "PlatformError",
        DoorId::Marketplace => "MarketplaceError",
        DoorId::SqlGateway => "SqlGatewayError",
        DoorId::System => "SystemError",
    }
}

/// The shape that [`error_response`] writes.
pub(crate) fn schema(door: DoorId) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let retry = json!({ "type": "integer", "description": "Seconds until the next request has a chance." });
    let required_amount = text("What the call needs, as a decimal text. With status 402.");
    let current_amount = text("What is available, as a decimal text. With status 402.");
    let sentence = text("What is wrong and what to do, for people.");
    match door {
        DoorId::Marketplace => json!({
            "type": "object",
            "required": ["detail"],
            "properties": { "detail": sentence, "minimumRequired": required_amount, "currentBalance": current_amount }
        }),
        DoorId::SqlGateway => json!({
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": sentence,
                "minimumRequired": required_amount,
                "currentBalance": current_amount,
                "depositEndpoint": text("Where to add funds. With status 402."),
                "extensions": {
                    "type": "object",
                    "description": "Where a proof of the wallet would help: `sign-in-with-x`, a challenge to be signed \
                        and sent back in the header SIGN-IN-WITH-X."
                },
                "retryAfter": retry
            }
        }),
        DoorId::Platform | DoorId::System => json!({
            "type": "object",
            "required": ["error", "message", "request_id"],
            "properties": {
                "error": text("A stable word for programs."),
                "message": sentence,
                "request_id": text("Names the request in the server's log; also in the header x-request-id."),
                "field": text("The input at fault, dotted."),
                "minimumRequired": required_amount,
                "currentBalance": current_amount,
                "retryAfter": retry
            }
        }),
    }
}
