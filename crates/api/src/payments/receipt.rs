//! What became of a payment, on the reply.

use crate::Core;
use farebox_api_kit::{Body, Cx};
use farebox_x402::wire::{SettlementResponse, names};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response};

/// Puts the receipt of a call on its reply, signed where receipts are.
pub(crate) fn show_proven(
    cx: &Cx<Core>,
    mut payment: SettlementResponse,
    resource_url: &str,
    response: &mut Response<Body>,
) {
    cx.core.settings.payments.proofs.prove(&mut payment, resource_url, cx.core.clock.now());
    show_payment(Some(&payment), response);
}

/// Puts the receipt on a reply, under the names of both versions: each client reads its own.
pub(crate) fn show_payment(payment: Option<&SettlementResponse>, response: &mut Response<Body>) {
    let Some(value) = payment.and_then(|payment| payment.header().ok()) else { return };
    let Ok(value) = HeaderValue::try_from(value) else { return };
    let headers = response.headers_mut();
    headers.insert(names::PAYMENT_RESPONSE, value.clone());
    headers.insert(names::X_PAYMENT_RESPONSE, value);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
}
