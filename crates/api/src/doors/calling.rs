//! What the doors' calls of listings have in common: reading the request, and putting the receipt on the reply.

use super::user_account::user_account;
use super::wallet_proof;
use crate::Core;
use crate::payments::{
    Asked, CallAt, Described, Schemes, header_of, identified, keep_private, payer, payment_required, show_proven,
    unpaid, unsignable,
};
use farebox_accounts::Caller;
use farebox_api_kit::{Body, Cx, Raw, Reply, RequestId};
use farebox_base::{Error, Kind, Micros, Permission, Result};
use farebox_calls::{HttpCall, IdempotencyKey, Payer, Receipt, SignedPayment, payment_refused};
use farebox_market::{Listing, ListingEntry};
use farebox_x402::Reason;
use farebox_x402::evm::ChannelId;
use farebox_x402::extension::{bazaar, identifier, sign_in};
use farebox_x402::facilitator::catalogue::Entry;
use farebox_x402::offer::{Offer, Resource};
use farebox_x402::wire::Object;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// Of a description, as much as a header has room for beside the rest.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 300;
/// What a 402 may say in its header before base64, so that the header stays under 6 KiB, which proxies let pass.
const HEADER_JSON_BYTES: usize = 4_300;
/// About what the challenge to prove a wallet takes of that.
const SIGN_IN_BYTES: usize = 600;
/// About what an offer takes of that, its signature included.
const OFFER_BYTES: usize = 850;

/// The names under which a door shows a receipt.
pub(crate) struct ReceiptHeaders {
    pub call_id: HeaderName,
    pub amount: HeaderName,
    pub free_tier: HeaderName,
    pub latency_ms: HeaderName,
    pub replayed: HeaderName,
}

/// Calls an HTTP listing for whoever pays: a caller from his balance, anybody by a signed payment. The path below the
/// listing is the route's wildcard `path`.
///
/// # Errors
/// `NotFound` for an endpoint that the listing does not serve; `Invalid` for a malformed `Idempotency-Key`;
/// `Unauthenticated` where nobody pays and signed payments are not taken; those of the call.
pub(crate) async fn call(
    cx: &Cx<Core>,
    entry: Arc<ListingEntry>,
    mut raw: Raw,
    names: &ReceiptHeaders,
) -> Result<Reply> {
    if let Some(caller) = &cx.caller {
        caller.require(Permission::CallsMake).map_err(|_| cx.door.permission_missing(Permission::CallsMake))?;
    }
    let mut target = path_and_query(&raw);
    if !entry.listing.serves(raw.parts.method.as_str(), &target) {
        return Err(Error::not_found("Endpoint"));
    }
    let user = match Box::pin(user_account(cx, &entry.listing, &mut raw)).await? {
        Ok(user) => user,
        Err(reply) => return Ok(Reply(reply)),
    };
    if user.is_some() {
        target = path_and_query(&raw);
    }
    let mut wanted = Wanted::of(entry.listing.clone(), &mut raw);
    let paying = match funding(cx, &wanted, &raw.parts.headers).await? {
        Ok(paying) => paying,
        Err(error) => return Box::pin(refused(cx, &wanted, error)).await,
    };
    let bought = paying.bought;
    wanted.drawn = paying.payment.as_ref().and_then(|signed| signed.drawn());
    let own_key = idempotency_key(&raw.parts.headers)?;
    let is_identified = own_key.is_none() && paying.key.is_some();
    let idempotency_key = own_key.or(paying.key);
    let call = HttpCall {
        payer: paying.payer,
        entry,
        door: cx.door.name(),
        path_and_query: target,
        method: raw.parts.method,
        headers: raw.parts.headers,
        body: raw.body,
        idempotency_key,
        payment: paying.payment,
        user,
        request_id: request_id(&cx.request_id),
        received: cx.received,
    };
    let answer = match cx.core.calls.call_http(Box::new(call)).await {
        Ok(answer) => answer,
        Err(error) if is_identified => return Box::pin(refused(cx, &wanted, identified(error))).await,
        Err(error) => return Box::pin(refused(cx, &wanted, error)).await,
    };
    // Of what vouchers buy, the catalogue hears with each deposit.
    let is_on_chain = answer.payment.as_ref().is_some_and(|it| it.success && !it.transaction.is_empty());
    if let Some(bought) = bought.filter(|_| is_on_chain && !answer.receipt.replayed) {
        bought.note(cx);
    }
    let mut response = match answer.reply {
        Ok(response) => response,
        Err(error) => Box::pin(shown(cx, &wanted, &error)).await?,
    };
    show_receipt(names, &answer.receipt, &mut response);
    if let Some(payment) = answer.payment {
        show_proven(cx, *payment, &wanted.url(cx), &mut response);
    }
    Ok(Reply(response))
}

/// Who pays, and how.
struct Paying {
    payer: Payer,
    payment: Option<Box<SignedPayment>>,
    /// From the payment's identifier.
    key: Option<IdempotencyKey>,
    bought: Option<Bought>,
}

impl Paying {
    fn from_balance(caller: &Caller) -> Self {
        Self { payer: Payer::from(caller), payment: None, key: None, bought: None }
    }
}

/// What a signed payment is for, and at which of the offers.
struct Bought {
    offer: Offer,
    asked: Arc<Asked>,
}

impl Bought {
    /// Puts it into the catalogue that this server keeps for everybody who looks for paid resources.
    fn note(&self, cx: &Cx<Core>) {
        let Some(facilitator) = &cx.core.facilitator else { return };
        match Entry::own(&self.offer, &self.asked.resource, self.asked.extensions.get(bazaar::KEY)) {
            Ok(entry) => facilitator.sold(entry),
            Err(error) => tracing::debug!(%error, url = self.asked.resource.url, "a resource is not catalogued"),
        }
    }
}

/// What of a request decides what it costs. Shares its parts with the request, as most requests never ask for the price.
struct Wanted {
    /// What the voucher that came is drawn on, and what it comes to.
    drawn: Option<(ChannelId, u128)>,
    /// What of the offers is shown.
    schemes: Schemes,
    listing: Arc<Listing>,
    method: Method,
    uri: Uri,
    /// Where the path below the listing begins in that of the URI.
    path_at: usize,
}

impl Wanted {
    fn of(listing: Arc<Listing>, raw: &mut Raw) -> Self {
        let schemes = Schemes::taken(&mut raw.parts.headers);
        let (method, uri) = (raw.parts.method.clone(), raw.parts.uri.clone());
        let below = raw.params.raw("path").unwrap_or_default();
        let slash = usize::from(!below.is_empty() || uri.path().ends_with('/'));
        let path_at = uri.path().len().saturating_sub(below.len() + slash);
        Self { drawn: None, schemes, listing, method, uri, path_at }
    }

    /// The path below the listing, byte for byte; empty, or with its slash.
    fn path(&self) -> &str {
        self.uri.path().get(self.path_at..).unwrap_or_default()
    }

    fn price(&self) -> Micros {
        farebox_market::quote(&self.listing, self.method.as_str(), self.path())
    }

    /// As `asked`, for payments that follow one another.
    fn asked_lately(&self, cx: &Cx<Core>) -> Result<Option<Arc<Asked>>> {
        let (core, path) = (&cx.core, self.uri.path());
        core.asked_before().asked(&self.method, path, &self.listing, core.clock.ticks(), || self.asked(cx))
    }

    /// What may be signed for this request; `None`: nothing.
    fn asked(&self, cx: &Cx<Core>) -> Result<Option<Asked>> {
        let settings = &cx.core.settings.payments;
        if settings.is_off() {
            return Ok(None);
        }
        let path = self.path();
        let amount = self.price();
        let is_metered = farebox_market::untold_charge(&self.listing, self.method.as_str(), path).is_some();
        let offers = settings.for_call(&self.listing, amount, is_metered, &cx.core.calls.payments().facilitators)?;
        if offers.offers.is_empty() {
            return Ok(None);
        }
        let endpoint = self.listing.endpoint(self.method.as_str(), path).and_then(Described::read);
        let described = endpoint.as_ref().and_then(Described::description).unwrap_or(&self.listing.description);
        let resource = Resource {
            url: self.url(cx),
            description: described.chars().take(DESCRIPTION_CHARS_MAX).collect(),
            service_name: Some(self.listing.name.clone()),
            tags: self.listing.tags.clone(),
            ..Resource::default()
        };
        let mut extensions = Object::new();
        extensions.insert(identifier::KEY.to_owned(), identifier::extension(false));
        let told = resource.url.len() + resource.description.len();
        let taken = told + offers.offers.len() * OFFER_BYTES + SIGN_IN_BYTES;
        let bytes_left = HEADER_JSON_BYTES.saturating_sub(taken);
        let told = endpoint.and_then(|endpoint| self.told(cx, &endpoint, path, bytes_left));
        extensions.extend(told.map(|told| (bazaar::KEY.to_owned(), told)));
        Ok(Some(Asked::new(offers, resource, extensions)))
    }

    /// The address that clients know the resource by.
    fn url(&self, cx: &Cx<Core>) -> String {
        format!("{}{}", cx.core.settings.public_url, self.uri.path())
    }

    /// How the endpoint is called, for catalogues.
    fn told(&self, cx: &Cx<Core>, endpoint: &Described, path: &str, bytes_max: usize) -> Option<Value> {
        let public = Url::parse(&cx.core.settings.public_url).ok()?;
        let prefix = format!("{}{}", public.path().trim_end_matches('/'), self.uri.path().strip_suffix(path)?);
        endpoint.extension(CallAt { method: self.method.as_str(), prefix: &prefix, path }, bytes_max)
    }
}

/// Decides who pays. The inner error is one about the payment: it is answered with what to sign.
///
/// # Errors
/// `Unauthenticated` where nobody pays and nothing can be signed.
async fn funding(cx: &Cx<Core>, wanted: &Wanted, headers: &HeaderMap) -> Result<std::result::Result<Paying, Error>> {
    match (cx.caller.as_deref(), header_of(headers)) {
        (Some(caller), Ok(None)) => Ok(Ok(Paying::from_balance(caller))),
        (_, Ok(text)) => Box::pin(funding_of_wallet(cx, wanted, headers, text)).await,
        (_, Err(refusal)) => Ok(Err(payment_refused(&refusal))),
    }
}

/// As `funding`, where a wallet signs: for the payment, or to prove that its balance is its own.
async fn funding_of_wallet(
    cx: &Cx<Core>,
    wanted: &Wanted,
    headers: &HeaderMap,
    payment: Option<&str>,
) -> Result<std::result::Result<Paying, Error>> {
    if payment.is_none()
        && let Some(party_id) = wallet_proof::any_signer(cx, headers).await?
    {
        let payer = Payer { party_id, key_id: None };
        return Ok(Ok(Paying { payer, payment: None, key: None, bought: None }));
    }
    match (wanted.asked_lately(cx)?, payment) {
        (Some(asked), Some(text)) => match asked.accept(cx, text).await {
            Ok((mut signed, key)) => {
                let payer = payer(&cx.core, cx.caller.as_deref(), &signed).await?;
                // One that is of no use is no reason to refuse a payment.
                let prover = wallet_proof::any_signer(cx, headers).await.unwrap_or_default();
                signed.sender.is_proven |= prover == Some(payer.party_id);
                let bought = Some(Bought { offer: signed.offer.clone(), asked });
                Ok(Ok(Paying { payer, payment: Some(Box::new(signed)), key, bought }))
            }
            Err(refusal) => Ok(Err(payment_refused(&refusal))),
        },
        (Some(_), None) => Ok(Err(unpaid())),
        // Nothing can be signed for it: it costs nothing, or signed payments are not taken.
        (None, _) => {
            let payments = &cx.core.settings.payments;
            let least = if payments.is_off() { Micros::ZERO } else { payments.least };
            let caller = cx.caller().map_err(|error| unsignable(error, wanted.price(), least))?;
            Ok(Ok(Paying::from_balance(caller)))
        }
    }
}

/// An error, with what to sign where that would help.
async fn refused(cx: &Cx<Core>, wanted: &Wanted, error: Error) -> Result<Reply> {
    if can_sign(&error) { Ok(Reply(shown(cx, wanted, &error).await?)) } else { Err(error) }
}

/// An error as the door shows it, with what to sign where that would help.
async fn shown(cx: &Cx<Core>, wanted: &Wanted, error: &Error) -> Result<Response<Body>> {
    match if can_sign(error) { wanted.asked(cx)? } else { None } {
        Some(mut asked) => {
            if let Some(drawn) = wanted.drawn {
                asked.corrected(&cx.core, drawn, error.code).await?;
            }
            if cx.caller.is_none() {
                let challenge = wallet_proof::challenge(cx, wanted.uri.path())?;
                asked.extensions.insert(sign_in::KEY.to_owned(), challenge.extension());
            }
            wanted.schemes.keep(&mut asked.offers.offers);
            Ok(payment_required(cx, &asked, error).await)
        }
        None => Ok(cx.error_response(error)),
    }
}

pub(crate) fn can_sign(error: &Error) -> bool {
    let is_ours =
        [Reason::UnexpectedVerifyError, Reason::UnexpectedSettleError].map(Reason::code).contains(&error.code);
    is_ours || matches!(error.kind, Kind::PaymentRequired | Kind::PreconditionFailed)
}

pub(crate) fn request_id(id: &RequestId) -> String {
    id.text().to_owned()
}

/// # Errors
/// `Invalid` where there are several, or one that is malformed.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid("Idempotency-Key", "must be sent once"));
    }
    IdempotencyKey::parse(value.to_str().unwrap_or_default()).map(Some)
}

/// Queries are not replayed yet, and a key that is ignored would promise what is not kept.
///
/// # Errors
/// `Invalid` where the header is there.
pub(crate) fn no_idempotency_key(headers: &HeaderMap) -> Result<()> {
    if headers.contains_key("idempotency-key") {
        return Err(Error::invalid("Idempotency-Key", "is not served for queries; leave it out"));
    }
    Ok(())
}

/// The target behind the listing's prefix, byte for byte.
fn path_and_query(raw: &Raw) -> String {
    let path = raw.params.raw("path").unwrap_or_default();
    let mut target = String::with_capacity(path.len() + 2);
    if !path.is_empty() || raw.parts.uri.path().ends_with('/') {
        target.push('/');
        target.push_str(path);
    }
    if let Some(query) = raw.parts.uri.query() {
        target.push('?');
        target.push_str(query);
    }
    target
}

/// Puts the receipt on a reply.
pub(crate) fn show_receipt(names: &ReceiptHeaders, receipt: &Receipt, response: &mut Response<Body>) {
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    headers.insert(names.call_id.clone(), text(receipt.call_id.text()));
    headers.insert(names.amount.clone(), text(receipt.amount.to_string()));
    headers.insert(names.free_tier.clone(), HeaderValue::from_static(if receipt.free_tier { "true" } else { "false" }));
    headers.insert(names.latency_ms.clone(), HeaderValue::from(receipt.latency_ms));
    if receipt.replayed {
        headers.insert(names.replayed.clone(), HeaderValue::from_static("true"));
    }
    if !receipt.amount.is_zero() || receipt.replayed {
        keep_private(headers);
    }
}
