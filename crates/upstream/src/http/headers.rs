//! Which headers and trailers pass, in each direction.
//!
//! Owns the wall between the two sides: what belongs to one connection, to the gateway, or to the
//! credentials of a side stays on that side.

use ::http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER};
use ::http::{HeaderMap, HeaderName, HeaderValue};

use super::{HttpTarget, PassthroughPolicy};

/// Room for what the gateway adds to a message, so that its headers are placed once.
const ADDED: usize = 16;

/// The two ways a message can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToSeller,
    ToBuyer,
}

/// What the seller's server gets to see of the buyer's headers, with the seller's own.
///
/// Framing (`host`, `content-length`, `transfer-encoding`) is left to the HTTP engine.
pub(super) fn to_seller(headers: HeaderMap, target: &HttpTarget) -> HeaderMap {
    let wants_trailers = headers.get_all(TE).iter().any(|value| has_token(value, "trailers"));
    let mut passed = filtered(headers, Direction::ToSeller);
    if let PassthroughPolicy::Only(names) = &target.passthrough {
        passed = passed_by_name(passed, |name| names.contains(name) || describes_body(name));
    }
    if wants_trailers {
        passed.insert(TE, HeaderValue::from_static("trailers"));
    }
    if !target.set_headers.is_empty() {
        passed = passed_by_name(passed, |name| target.set_headers.iter().all(|(own, _)| !is_same(own, name)));
    }
    for (name, value) in &target.set_headers {
        passed.append(name.clone(), value.clone());
    }
    passed
}

/// What the buyer gets to see of the seller's headers. `length` is that of the body, where it is known and
/// the body is sent.
pub(super) fn to_buyer(headers: HeaderMap, length: Option<u64>) -> HeaderMap {
    let mut passed = filtered(headers, Direction::ToBuyer);
    if let Some(length) = length {
        passed.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    passed
}

/// The trailers that pass.
pub(super) fn trailers(trailers: HeaderMap, direction: Direction) -> HeaderMap {
    filtered(trailers, direction)
}

/// The length that the buyer's `content-length` declares; `None` where there is none or it makes no sense.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let first = values.next()?;
    if values.any(|value| value != first) {
        return None;
    }
    let text = first.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn filtered(headers: HeaderMap, direction: Direction) -> HeaderMap {
    let named = named_by_connection(&headers);
    let announced = announced_trailers(&headers, direction);
    let mut passed = passed_by_name(headers, |name| !named.contains(name) && !is_withheld(name.as_str(), direction));
    if let Some(announced) = announced {
        passed.insert(TRAILER, announced);
    }
    passed
}

/// What `Connection` says is of this connection alone.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    if !headers.contains_key(CONNECTION) {
        return Vec::new();
    }
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect()
}

fn passed_by_name(headers: HeaderMap, passes: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len() + ADDED);
    let mut current = None;
    for (name, value) in headers {
        // A repeated header comes without its name.
        if let Some(name) = name {
            current = passes(&name).then_some(name);
        }
        if let Some(name) = &current {
            kept.append(name.clone(), value);
        }
    }
    kept
}

/// The names of trailers to come, without those that will not pass.
fn announced_trailers(headers: &HeaderMap, direction: Direction) -> Option<HeaderValue> {
    if !headers.contains_key(TRAILER) {
        return None;
    }
    let names: Vec<&str> = headers
        .get_all(TRAILER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty() && !is_withheld(&name.to_ascii_lowercase(), direction))
        .collect();
    if names.is_empty() { None } else { HeaderValue::from_str(&names.join(", ")).ok() }
}

/// Whether a server that takes `_` for `-`, as those behind CGI and its kin do, reads one name.
fn is_same(left: &HeaderName, right: &HeaderName) -> bool {
    let folded = |byte: u8| if byte == b'_' { b'-' } else { byte };
    left.as_str().bytes().map(folded).eq(right.as_str().bytes().map(folded))
}

fn is_withheld(name: &str, direction: Direction) -> bool {
    // Many servers read `X_Forwarded_For` as `X-Forwarded-For`.
    let folded = name.contains('_').then(|| name.replace('_', "-"));
    let name = folded.as_deref().unwrap_or(name);
    let belongs_here = match name {
        "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade" | "http2-settings" => true,
        "host" | "content-length" | "expect" => true,
        "payment-required" | "payment-response" | "payment-signature" => true,
        "x-payment" | "x-payment-response" | "x-payment-upstream" => true,
        _ => ["proxy-", "x-acf-", "x-farebox-"].iter().any(|start| name.starts_with(start)),
    };
    belongs_here
        || match direction {
            Direction::ToSeller => is_buyers_own(name),
            Direction::ToBuyer => binds_the_gateways_origin(name),
        }
}

/// Credentials of the buyer at this gateway, where the buyer is, and headers by which some servers take a request
/// for another one than was quoted.
fn is_buyers_own(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "cookie"
            | "cookie2"
            | "x-api-key"
            | "x-agent-wallet"
            | "x-admin-key"
            | "sign-in-with-x"
            | "idempotency-key"
            | "x-original-url"
            | "x-rewrite-url"
            | "x-original-uri"
            | "x-http-method"
            | "x-http-method-override"
            | "x-method-override"
            | "forwarded"
            | "x-real-ip"
            | "x-client-ip"
            | "true-client-ip"
            | "cf-connecting-ip"
    ) || name.starts_with("x-forwarded-")
}

/// Headers by which one seller would set rules for every page of this gateway.
fn binds_the_gateways_origin(name: &str) -> bool {
    matches!(
        name,
        "alt-svc" | "strict-transport-security" | "clear-site-data" | "public-key-pins" | "service-worker-allowed"
    )
}

fn describes_body(name: &HeaderName) -> bool {
    matches!(name.as_str(), "content-type" | "content-encoding" | "content-language" | "trailer")
}

fn has_token(value: &HeaderValue, token: &str) -> bool {
    let text = value.to_str().unwrap_or_default();
    text.split(',').any(|part| part.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(token))
}
