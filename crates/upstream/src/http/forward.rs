//! One call: check, send, and hand the answer on as it comes.

use ::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use ::http::response::Parts;
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use farebox_net::Answer;
use farebox_net::{Body, Client, empty};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::download::Download;
use super::exchange::{CancelOnDrop, Exchange};
use super::upload::Upload;
use super::{HttpTarget, Outgoing, ToldCharge, headers, path};
use crate::error::UpstreamError;

/// Sends the buyer's request to the seller and returns when the head of the answer is here.
///
/// The answer may begin before the request has been sent whole; both bodies then flow at once. An answer with
/// an error status stops the rest of the request. Any status is an `Ok`. The body's errors hold an
/// `UpstreamError`. Dropping the future or the body closes the seller's connection (resets the stream, in
/// HTTP/2) and ends the reading of the buyer's body.
pub async fn forward(
    client: &Client,
    target: &HttpTarget,
    request: Outgoing<'_>,
) -> Result<Response<Body>, UpstreamError> {
    if matches!(request.method, Method::CONNECT | Method::TRACE) {
        return Err(UpstreamError::MethodRefused);
    }
    let uri = path::target_uri(target, request.path_and_query)?;
    let exchange = Exchange::begin(target.timeouts);
    let cancel = CancelOnDrop(exchange.clone());
    let is_head = request.method == Method::HEAD;
    let length_was_declared = request.headers.contains_key(CONTENT_LENGTH);
    let length = request.body.size_hint().exact().or_else(|| headers::declared_length(&request.headers));
    let has_body = length != Some(0) && !request.body.is_end_stream();

    let mut sent = Request::new(if has_body {
        if length.is_some_and(|length| length > target.max_request_bytes) {
            return Err(UpstreamError::RequestTooLarge { limit_bytes: target.max_request_bytes });
        }
        Upload::new(request.body, length, target.max_request_bytes, exchange.clone()).boxed_unsync()
    } else {
        exchange.sent();
        empty()
    });
    *sent.headers_mut() = headers::to_seller(request.headers, target);
    if !has_body && (length_was_declared || matches!(request.method, Method::POST | Method::PUT | Method::PATCH)) {
        // Servers may insist on a length with these methods.
        sent.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    } else if has_body && length.is_none() && matches!(request.method, Method::GET | Method::HEAD) {
        // The engine takes such a request for one without a body unless it is told otherwise.
        sent.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    *sent.method_mut() = request.method;
    *sent.uri_mut() = uri;

    let connected = || exchange.connected();
    // On the heap, as a call's future is moved with all that it holds whenever another takes it up.
    let sending = Box::pin(client.send_noting(sent, &connected));
    let (parts, answer) = exchange.head(sending).await?.into_parts();
    exchange.moved();
    answered(target, is_head, parts, answer, cancel)
}

fn answered(
    target: &HttpTarget,
    is_head: bool,
    parts: Parts,
    answer: Answer,
    cancel: CancelOnDrop,
) -> Result<Response<Body>, UpstreamError> {
    if parts.status.is_informational() {
        return Err(UpstreamError::Protocol(format!("status {} ends no exchange", parts.status.as_u16())));
    }
    if parts.status.is_client_error() || parts.status.is_server_error() {
        cancel.0.pause_upload();
    }
    let is_bodyless = is_head || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = answer.size_hint().exact();
    let limit_bytes = target.max_response_bytes;
    if let (Some(length), Some(limit_bytes)) = (length, limit_bytes)
        && length > limit_bytes
    {
        return Err(UpstreamError::ResponseTooLarge { limit_bytes });
    }
    let declared = headers::declared_length(&parts.headers).filter(|_| parts.status != StatusCode::NO_CONTENT);
    let told = ToldCharge::read(&parts.headers);
    let headers = headers::to_buyer(parts.headers, if is_bodyless { declared } else { length });
    let mut response = Response::new(if is_bodyless {
        empty()
    } else {
        *cancel.0.answer.lock() = Some(answer);
        Download::new(cancel, limit_bytes).boxed_unsync()
    });
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers;
    if let Some(told) = told {
        response.extensions_mut().insert(told);
    }
    Ok(response)
}
