//! The 402 of this door: for readers of every version of the protocol, with what the door's own clients look for in each
//! way to pay, and with the challenge of a proof beside it.

use super::Cx;
use crate::doors::wallet_proof::{offered, rewritten};
use crate::payments::{Asked, payment_required};
use farebox_api_kit::Body;
use farebox_base::{Error, Kind, Micros, PaymentNeed, Result};
use farebox_x402::offer::Offer;
use http::Response;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What is billed.
pub(super) struct Bill<'a> {
    pub asked: &'a Asked,
    /// The same for the same request.
    pub id: Uuid,
    /// Where it is asked for.
    pub path: &'a str,
    /// Whether a proof of the wallet would do as well.
    pub proof_helps: bool,
}

impl Bill<'_> {
    /// # Errors
    /// None in practice.
    pub(super) async fn response(&self, cx: &Cx, error: Error) -> Result<Response<Body>> {
        let cost = self.asked.offers.offers.iter().find_map(|offer| offer.micros().ok()).unwrap_or(Micros::ZERO);
        let error = match error {
            Error { code: "insufficient_balance", payment: Some(need), .. } => {
                Error::insufficient_balance(PaymentNeed { required: need.required.max(cost), ..need })
            }
            Error { kind: Kind::Forbidden, .. } => Error { kind: Kind::PaymentRequired, ..error },
            other => other,
        };
        let response = payment_required(cx, self.asked, &error).await;
        let response = rewritten(response, |fields| self.write(fields, cost)).await?;
        if self.proof_helps { offered(cx, self.path, response).await } else { Ok(response) }
    }

    fn write(&self, fields: &mut Map<String, Value>, cost: Micros) {
        let entries = fields.get_mut("accepts").and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            let asset = entry.get("asset").cloned().unwrap_or_default();
            let network = entry.get("network").cloned().unwrap_or_default();
            let is_of = |offer: &&Offer| {
                asset == offer.token().checksummed() && offer.network().v1_name().is_some_and(|name| network == name)
            };
            let Some(extra) = entry.get_mut("extra").and_then(Value::as_object_mut) else { continue };
            extra.insert("paymentRequestId".to_owned(), self.id.to_string().into());
            extra.insert("estimatedCost".to_owned(), cost.to_fixed6().into());
            let offer = self.asked.offers.offers.iter().find(is_of);
            extra.extend(offer.map(|offer| ("eip712".to_owned(), domain(offer))));
        }
    }
}

fn domain(offer: &Offer) -> Value {
    let token = offer.token();
    json!({
        "name": token.name().as_str(), "version": token.version().as_str(),
        "chainId": offer.network().chain_id().get(), "verifyingContract": token.checksummed(),
    })
}
