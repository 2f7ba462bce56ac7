//! What became of a payment, on the reply.

use crate::Core;
use farebox_api_kit::{Body, Cx};
use farebox_x402::wire::{SettlementResponse, names};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, Response};

/// Puts the receipt of a call on its reply, signed where receipts are.
pub(crate) fn show_proven(
    cx: &Cx<Core>,
    mut payment: SettlementResponse,
    resource_url: &str,
    response: &mut Response<Body>,
) {
    // A receipt that is signed says that the work was done.
    if !response.status().is_client_error() && !response.status().is_server_error() {
        cx.core.settings.payments.proofs.prove(&mut payment, resource_url, cx.core.clock.now());
    }
    show_payment(Some(&payment), response);
}

/// Puts the receipt on a reply, under the names of both versions: each client reads its own.
pub(crate) fn show_payment(payment: Option<&SettlementResponse>, response: &mut Response<Body>) {
    let Some(value) = payment.and_then(|payment| payment.header().ok()) else { return };
    let Ok(value) = HeaderValue::try_from(value) else { return };
    let headers = response.headers_mut();
    headers.insert(names::PAYMENT_RESPONSE, value.clone());
    headers.insert(names::X_PAYMENT_RESPONSE, value);
    keep_private(headers);
}

/// Whatever a seller says of its reply: what was paid for is not handed to others by a cache on the way, and a receipt is
/// for its payer only.
pub(crate) fn keep_private(headers: &mut HeaderMap) {
    let is_kept = |text: &str| {
        text.split(',').any(|part| ["no-store", "private"].iter().any(|word| part.trim().eq_ignore_ascii_case(word)))
    };
    let kept = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).is_some_and(is_kept);
    if !kept {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
