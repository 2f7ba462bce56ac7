//! The paid call of an HTTP listing, phase by phase.

use crate::admit::{Admitted, StartInput};
use crate::idempotency::{Claim, IdempotencyKey, SavedReply};
use crate::metered::Metered;
use crate::reply::{Collected, MeteredBody, Patience, collect, whole};
use crate::target;
use crate::ticket::Ticket;
use crate::unattended::to_its_end;
use crate::{Answer, Calls, Payer, Receipt, SignedPayment};
use farebox_base::{Error, Kind, Micros, Result, Ticks, Timestamp};
use farebox_market::ListingEntry;
use farebox_net::{Body, BoxError};
use farebox_upstream::UpstreamError;
use farebox_upstream::http::{HttpTarget, Outgoing, forward};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use std::sync::Arc;
use std::time::Duration;

/// A request to a listing, as a door hands it over.
pub struct HttpCall {
    pub payer: Payer,
    pub entry: Arc<ListingEntry>,
    /// `platform`, `marketplace` or `sql-gateway`.
    pub door: &'static str,
    pub method: Method,
    /// Path and query behind the listing's prefix, byte for byte as they were sent.
    pub path_and_query: String,
    pub headers: HeaderMap,
    pub body: Body,
    pub idempotency_key: Option<IdempotencyKey>,
    /// Pays for the call; without one the payer's balance does.
    pub payment: Option<Box<SignedPayment>>,
    /// The buyer's own account, where the listing needs one.
    pub user: Option<Box<UserAccount>>,
    pub request_id: String,
    pub received: Ticks,
}

/// The account at the seller's server that a call is made with.
#[derive(Clone, Debug)]
pub struct UserAccount {
    /// Names the account: an answer that was made with one is never given again for another.
    pub id: String,
    /// The value of `Authorization`, whatever the seller or the buyer say there. Marked as sensitive.
    pub authorization: HeaderValue,
}

impl HttpCall {
    /// What a key stands for, with the body that was read.
    pub(crate) fn claim(&self, key: &IdempotencyKey, body: &[u8]) -> Claim {
        let (party, listing) = (self.payer.party_id, self.entry.listing.id);
        let account = self.user.as_ref().map(|user| user.id.as_str());
        Claim::new(
            party,
            listing,
            key,
            &[self.method.as_str().as_bytes(), self.path_and_query.as_bytes(), body],
            account,
        )
    }
}

/// A listing's target, rebuilt when the listing changes.
pub(crate) struct CachedTarget {
    updated_at: Timestamp,
    target: Arc<HttpTarget>,
}

impl Calls {
    /// Calls an HTTP listing and pays for it.
    ///
    /// # Errors
    /// What is refused before anything is forwarded: bad input, too little money, a key in use, too many calls.
    /// A call that was forwarded answers `Ok`, also where the seller failed.
    pub async fn call_http(&self, mut call: Box<HttpCall>) -> Result<Answer> {
        if let Some(signed) = call.payment.take() {
            return Box::pin(self.call_signed(*call, signed)).await;
        }
        self.call_from_balance(call).await
    }

    /// A call that its payer's balance pays for.
    pub(crate) async fn call_from_balance(&self, mut call: Box<HttpCall>) -> Result<Answer> {
        let Some(key) = call.idempotency_key.take() else {
            return self.open_and_forward(call, None, self.patience(false)).await;
        };
        let claim = Box::pin(self.claim(&mut call, &key)).await?;
        // A client that leaves may come back with the same key, so the call goes on without it.
        let calls = self.clone();
        to_its_end(async move { calls.open_and_forward(call, Some(claim), calls.patience(true)).await }).await
    }

    async fn open_and_forward(&self, call: Box<HttpCall>, claim: Option<Claim>, patience: Patience) -> Result<Answer> {
        match self.open(http_input(&call, claim)).await? {
            Admitted::Open(ticket) => self.forward_http(call, *ticket, patience).await,
            Admitted::Replay(answer) => Ok(answer),
            Admitted::Spent(_) => Err(Error::internal("a call without a payment was told that it is spent")),
        }
    }

    /// Reads the body whole, as the key stands for its bytes too, and leaves it in the call to be sent.
    pub(crate) async fn claim(&self, call: &mut HttpCall, key: &IdempotencyKey) -> Result<Claim> {
        let body = self.read_whole(std::mem::replace(&mut call.body, farebox_net::empty())).await?;
        let claim = call.claim(key, &body);
        call.body = farebox_net::full(body);
        Ok(claim)
    }

    pub(crate) fn patience(&self, keyed: bool) -> Patience {
        let settings = &self.parts.settings;
        if keyed {
            Patience { bytes_max: settings.idempotent_body_bytes, quiet: None }
        } else {
            Patience { bytes_max: settings.reply_buffer_bytes, quiet: Some(settings.reply_quiet) }
        }
    }

    pub(crate) async fn read_whole(&self, body: Body) -> Result<bytes::Bytes> {
        let limit = self.parts.settings.idempotent_body_bytes;
        let patience = Patience { bytes_max: limit, quiet: None };
        let Ok(read) = tokio::time::timeout(self.parts.settings.body_patience, collect(body, patience)).await else {
            return Err(Error::invalid("body", "must arrive without long pauses"));
        };
        match read {
            Ok(Collected::Whole { body, .. }) => Ok(body),
            Ok(Collected::Long { .. }) => {
                let message = format!("A request with an Idempotency-Key may have a body of at most {limit} bytes");
                Err(Error::new(Kind::TooLarge, "body_too_large", message))
            }
            Err(_) => Err(Error::invalid("body", "could not be read to its end")),
        }
    }

    /// Forwards an open call and settles it by what comes back.
    async fn forward_http(&self, call: Box<HttpCall>, mut ticket: Ticket, patience: Patience) -> Result<Answer> {
        let target = self.target(&call.entry)?;
        let metered = Metered::of(&call);
        let head = call.method == Method::HEAD;
        let response = match self.forwarded(&target, *call).await {
            Ok(response) => response,
            Err(error) => return Box::pin(self.failed(ticket, &error)).await,
        };
        ticket.answered(response.status().as_u16());
        if response.status().is_server_error() {
            let receipt = ticket.receipt(Micros::ZERO);
            Box::pin(ticket.fail()).await?;
            return Ok(Answer::new(Ok(response), receipt));
        }
        let amount = metered.charge(&response, ticket.held());
        self.served(response, ticket, amount, patience, head).await
    }

    /// Sends the request to the seller.
    pub(crate) async fn forwarded(
        &self,
        target: &HttpTarget,
        call: HttpCall,
    ) -> std::result::Result<Response<Body>, UpstreamError> {
        let HttpCall { method, path_and_query, headers, body, user, .. } = call;
        let outgoing = Outgoing { method, path_and_query: &path_and_query, headers, body };
        match user {
            Some(user) => {
                let target = target::with_authorization(target, user.authorization);
                Box::pin(async { self.exchange(&target, outgoing).await }).await
            }
            None => self.exchange(target, outgoing).await,
        }
    }

    /// The exchange with the seller.
    pub(crate) async fn exchange(
        &self,
        target: &HttpTarget,
        outgoing: Outgoing<'_>,
    ) -> Result<Response<Body>, UpstreamError> {
        #[cfg(feature = "sim")]
        if let Some(outside) = &self.outside {
            return outside.forward(outgoing).await;
        }
        forward(&self.parts.client, target, outgoing).await
    }

    pub(crate) async fn failed(&self, ticket: Ticket, error: &UpstreamError) -> Result<Answer> {
        let mut ticket = ticket;
        let shown = error.to_error();
        ticket.answered(shown.kind.status());
        let receipt = ticket.receipt(Micros::ZERO);
        ticket.fail().await?;
        Ok(Answer::new(Err(shown), receipt))
    }

    /// Charges for a reply: whole replies at once, long ones at their end.
    async fn served(
        &self,
        response: Response<Body>,
        ticket: Ticket,
        amount: Micros,
        patience: Patience,
        head: bool,
    ) -> Result<Answer> {
        let receipt = ticket.receipt(amount);
        let (mut parts, body) = response.into_parts();
        if head || body.is_end_stream() {
            let saved = saved(&ticket, parts.status, &parts.headers, &[]);
            ticket.serve(amount, saved).await?;
            return Ok(Answer::new(Ok(Response::from_parts(parts, body)), receipt));
        }
        let collected = if is_event_stream(&parts.headers) {
            Ok(Collected::Long { seen: Default::default(), rest: body })
        } else {
            collect(body, patience).await
        };
        match collected {
            Ok(Collected::Whole { body, trailers }) => {
                let saved = saved(&ticket, parts.status, &parts.headers, &body);
                ticket.serve(amount, saved).await?;
                if trailers.is_none() {
                    parts.headers.remove(header::TRANSFER_ENCODING);
                }
                Ok(Answer::new(Ok(Response::from_parts(parts, whole(body, trailers))), receipt))
            }
            Ok(Collected::Long { seen, rest }) => {
                let ticket = match Box::pin(ticket.secured()).await {
                    Ok(ticket) => ticket,
                    Err(error) => {
                        return Ok(Answer::new(Err(error), Receipt { amount: Micros::ZERO, ..receipt }));
                    }
                };
                let time_left = Duration::from_millis(self.parts.settings.timeouts.total_ms);
                let body = MeteredBody::new(seen, rest, ticket, amount, time_left).boxed_unsync();
                Ok(Answer::new(Ok(Response::from_parts(parts, body)), receipt))
            }
            Err(broken) => Box::pin(self.failed(ticket, &upstream_error(&broken))).await,
        }
    }

    pub(crate) fn target(&self, entry: &ListingEntry) -> Result<Arc<HttpTarget>> {
        let listing = &entry.listing;
        if let Some(cached) = self.targets.read().get(&listing.id)
            && cached.updated_at == listing.updated_at
        {
            return Ok(cached.target.clone());
        }
        let target = Arc::new(target::http_target(entry, &self.parts.settings)?);
        let cached = CachedTarget { updated_at: listing.updated_at, target: target.clone() };
        self.targets.write().insert(listing.id, cached);
        Ok(target)
    }
}

/// The reply as an idempotency key keeps it; `None` for calls without one.
pub(crate) fn saved(ticket: &Ticket, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<SavedReply> {
    ticket.is_keyed().then(|| SavedReply { status, headers: headers.clone(), body: body.to_vec() })
}

/// The call's row, with its quote.
pub(crate) fn http_input(call: &HttpCall, claim: Option<Claim>) -> StartInput<'_> {
    let path = call.path_and_query.split('?').next().unwrap_or_default();
    StartInput {
        payer: call.payer,
        entry: &call.entry,
        door: call.door,
        method: call.method.as_str(),
        path,
        quoted: farebox_market::quote(&call.entry.listing, call.method.as_str(), path),
        request_id: &call.request_id,
        claim,
        paid: None,
        charge: None,
        received: call.received,
        fixed_cost: Metered::of(call).is_fixed(),
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

/// The reason inside a broken body; one that is no reason of ours is the seller's protocol error.
pub(crate) fn upstream_error(broken: &BoxError) -> UpstreamError {
    UpstreamError::in_body_error(broken).cloned().unwrap_or_else(|| UpstreamError::Protocol(broken.to_string()))
}
