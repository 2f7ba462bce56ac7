//! The 402 on one URL for every reader: version 2 in the header, version 1 in the body, and beside it what callers with an
//! account look for.

use super::Asked;
use super::unpaid::{nothing_for_v1, without_v1};
use crate::Core;
use farebox_api_kit::{Body, Cx};
use farebox_base::Error;
use farebox_x402::Reason;
use farebox_x402::wire::{Challenge, Complaint, names};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt as _;
use serde_json::Value;

/// The answer to a request that has to be paid for: `error` as its door shows it, and what to sign.
pub(crate) async fn payment_required(cx: &Cx<Core>, asked: &Asked, error: &Error) -> Response<Body> {
    let nothing_for_v1 = nothing_for_v1(asked, cx.core.settings.payments.least);
    let told = nothing_for_v1.as_deref().map(|why| without_v1(error, asked, why));
    let error = told.as_ref().unwrap_or(error);
    let challenge = challenge(cx, asked, error);
    let shown = cx.error_response(error);
    let (Ok(header), Ok(v1)) = (challenge.v2_header(), serde_json::to_value(challenge.v1())) else { return shown };
    let Ok(header) = HeaderValue::try_from(header) else { return shown };
    let (mut parts, body) = shown.into_parts();
    let door = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut fields =
        serde_json::from_slice::<Value>(&door).ok().and_then(|value| value.as_object().cloned()).unwrap_or_default();
    if let Value::Object(mut own) = v1 {
        if let (Complaint::Unpaid, Some(why)) = (challenge.complaint, nothing_for_v1) {
            own.insert("error".to_owned(), why.into());
        }
        // Who has sent a payment reads version 1's reason in `error`; others the door's own words.
        let is_refused = matches!(challenge.complaint, Complaint::Refused(_));
        let keeps = fields.contains_key("error") && !is_refused;
        fields.extend(own.into_iter().filter(|(name, _)| !(keeps && name == "error")));
    }
    if let Complaint::Refused(reason) = challenge.complaint {
        fields.insert(ERROR_REASON.to_owned(), reason.v1_code().into());
    }
    let body = Value::Object(fields).to_string();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    parts.headers.insert(PAYMENT_REQUIRED, header);
    Response::from_parts(parts, farebox_api_kit::full(body))
}

/// The answer to a deposit that has to be signed: version 2 in the body and in the header.
pub(crate) fn deposit_required(cx: &Cx<Core>, asked: &Asked, error: &Error) -> Response<Body> {
    let challenge = challenge(cx, asked, error);
    let (Ok(header), Ok(Value::Object(mut body))) = (challenge.v2_header(), serde_json::to_value(challenge.v2()))
    else {
        return cx.error_response(error);
    };
    body.insert("message".to_owned(), error.message.as_str().into());
    let (mut parts, _) = cx.error_response(error).into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    parts.headers.extend(HeaderValue::try_from(header).ok().map(|value| (PAYMENT_REQUIRED, value)));
    Response::from_parts(parts, farebox_api_kit::full(Value::Object(body).to_string()))
}

/// Why a payment was not taken, in the words of version 1 and under the name that its receipts have for it.
const ERROR_REASON: &str = "errorReason";
const PAYMENT_REQUIRED: HeaderName = HeaderName::from_static(names::PAYMENT_REQUIRED);

fn challenge<'a>(cx: &Cx<Core>, asked: &'a Asked, error: &Error) -> Challenge<'a> {
    Challenge {
        offers: &asked.offers.offers,
        resource: &asked.resource,
        extensions: cx.core.settings.payments.proofs.advertised(asked, cx.core.clock.now()),
        complaint: Reason::parse(error.code).map_or(Complaint::Unpaid, Complaint::Refused),
    }
}
