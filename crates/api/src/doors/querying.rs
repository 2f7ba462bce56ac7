//! What the doors' queries of databases have in common: what may be signed for one, and the payment that came with it.
//!
//! A payment may be for any amount from what the query is expected to cost to what the most rows cost; what is left of it
//! is the payer's balance at the seller.

use super::calling::DESCRIPTION_CHARS_MAX;
use crate::Core;
use crate::payments::{Asked, header_of, payer};
use farebox_api_kit::Cx;
use farebox_base::{Error, Micros, Result};
use farebox_calls::{Payer, SignedPayment, payment_refused};
use farebox_market::ListingEntry;
use farebox_x402::offer::Resource;
use farebox_x402::wire::{Object, PaymentHeader};
use http::HeaderMap;
use serde_json::Value;
use std::sync::Arc;

/// A query before it is paid for.
pub(crate) struct Query {
    pub entry: Arc<ListingEntry>,
    pub sql: String,
    pub params: Vec<Value>,
    /// The path that it came to.
    pub path: String,
}

/// Who pays for a query by signature.
pub(crate) struct Signed {
    pub payer: Payer,
    pub payment: Box<SignedPayment>,
}

impl Query {
    /// What may be signed now, for at least so much; `None`: nothing.
    ///
    /// # Errors
    /// Those of the query, which is worth no signature then.
    pub(crate) async fn asked(&self, cx: &Cx<Core>, at_least: Micros) -> Result<Option<Asked>> {
        if cx.core.settings.payments.is_off() {
            return Ok(None);
        }
        let calls = &cx.core.calls;
        let expected = calls.sql_to_sign(&self.entry, &self.sql, &self.params).await?;
        self.offered(cx, expected.max(at_least).min(calls.sql_cost_max(&self.entry)))
    }

    fn offered(&self, cx: &Cx<Core>, amount: Micros) -> Result<Option<Asked>> {
        let offers =
            cx.core.settings.payments.for_query(&self.entry.listing, amount, &cx.core.calls.payments().facilitators)?;
        if offers.offers.is_empty() {
            return Ok(None);
        }
        let listing = &self.entry.listing;
        let resource = Resource {
            url: self.url(cx),
            description: listing.description.chars().take(DESCRIPTION_CHARS_MAX).collect(),
            mime_type: "application/json".to_owned(),
            service_name: Some(listing.name.clone()),
            tags: listing.tags.clone(),
            ..Resource::default()
        };
        Ok(Some(Asked::new(offers, resource, Object::new())))
    }

    /// The address that clients know the resource by.
    pub(crate) fn url(&self, cx: &Cx<Core>) -> String {
        format!("{}{}", cx.core.settings.public_url, self.path)
    }

    /// The payment among the headers, read and verified; `None` where there is none, or nothing can be signed here. The
    /// inner error is one about the payment: it is answered with what to sign.
    ///
    /// # Errors
    /// Those of the query and of the database.
    pub(crate) async fn signed(&self, cx: &Cx<Core>, headers: &HeaderMap) -> Result<Option<Result<Signed, Error>>> {
        let settings = &cx.core.settings.payments;
        if settings.is_off() {
            return Ok(None);
        }
        let text = match header_of(headers) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(None),
            Err(refusal) => return Ok(Some(Err(payment_refused(&refusal)))),
        };
        let header = match PaymentHeader::decode(text) {
            Ok(header) => header,
            Err(refusal) => return Ok(Some(Err(payment_refused(&refusal)))),
        };
        let most = cx.core.calls.sql_cost_max(&self.entry);
        let named = settings.amount_named(&header).filter(|amount| *amount <= most);
        let asked = match named {
            Some(amount) => self.offered(cx, amount)?,
            None => self.asked(cx, Micros::ZERO).await?,
        };
        let Some(asked) = asked else { return Ok(None) };
        match asked.accept(cx, text).await {
            Err(refusal) => Ok(Some(Err(payment_refused(&refusal)))),
            Ok((signed, _)) => {
                let payer = payer(&cx.core, cx.caller.as_deref(), &signed).await?;
                Ok(Some(Ok(Signed { payer, payment: Box::new(signed) })))
            }
        }
    }
}
