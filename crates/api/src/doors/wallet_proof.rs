//! The proof that a caller holds a wallet: a signed text in `SIGN-IN-WITH-X`.
//!
//! Reads and checks the proof, and offers a fresh challenge beside an error that a proof would help with. Invariant: a
//! proof is good for one request; what a proven wallet spends is the money of its signer, never that of an account that
//! only claims the address.

use crate::Core;
use farebox_accounts::WalletChallenge;
use farebox_api_kit::{Body, Cx};
use farebox_base::{Error, Kind, PartyId, Result};
use farebox_calls::Payer;
use farebox_x402::evm::address::{checksummed, parse};
use farebox_x402::extension::sign_in::{Challenge, Expected, KEY, Proven, SignIn};
use farebox_x402::network::{Caip2, ChainId};
use farebox_x402::{Reason, Refusal};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

pub(in crate::doors) const HEADER: &str = "sign-in-with-x";
/// How far a wallet's clock may be ahead.
const SKEW: Duration = Duration::from_secs(60);
/// Base, which the door's documentation names; the signature is the same on every EVM chain.
const USUAL_CHAIN: ChainId = ChainId::new(8453);
/// The code of a refusal that a proof would have prevented.
pub(in crate::doors) const REQUIRED: &str = "wallet_proof_required";

/// Who pays where the request proves the wallet; `None` where it brings no proof, or a key that decides already.
///
/// # Errors
/// `Unauthenticated` for a proof that is not good, with the reason's code; `Forbidden` for one of another wallet.
pub(in crate::doors) async fn proven(cx: &Cx<Core>, headers: &HeaderMap, wallet: &str) -> Result<Option<Payer>> {
    if cx.caller.is_some() {
        return Ok(None);
    }
    let signer = signer(cx, headers, wallet).await?;
    Ok(signer.map(|party_id| Payer { party_id, key_id: None }))
}

/// The party of the wallet that the request proves; `None` where it brings no proof.
///
/// # Errors
/// As `proven`.
pub(in crate::doors) async fn signer(cx: &Cx<Core>, headers: &HeaderMap, wallet: &str) -> Result<Option<PartyId>> {
    match signed_in(cx, headers).await? {
        None => Ok(None),
        Some(proof) if parse(wallet) != Some(proof.address) => {
            Err(Error::forbidden("SIGN-IN-WITH-X proves another wallet than agentWallet").with_code(REQUIRED))
        }
        Some(proof) => used(cx, &proof).await.map(Some),
    }
}

/// The party of whichever wallet the request proves; `None` where it brings no proof.
///
/// # Errors
/// `Unauthenticated` for a proof that is not good, with the reason's code.
pub(in crate::doors) async fn any_signer(cx: &Cx<Core>, headers: &HeaderMap) -> Result<Option<PartyId>> {
    match signed_in(cx, headers).await? {
        None => Ok(None),
        Some(proof) => used(cx, &proof).await.map(Some),
    }
}

async fn signed_in(cx: &Cx<Core>, headers: &HeaderMap) -> Result<Option<Proven>> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let text = text.ok_or_else(|| not_proven(Refusal::new(Reason::SignInPayload, "expected one value in base64")))?;
    let origin = url(cx, "")?;
    let expected = Expected { origin: &origin, max_age: WalletChallenge::VALID_FOR, skew: SKEW };
    let proof = SignIn::decode(text).and_then(|signed| signed.verify(&expected, cx.core.clock.now()));
    proof.map(Some).map_err(not_proven)
}

/// Uses the proof up; it is good for one request.
async fn used(cx: &Cx<Core>, proof: &Proven) -> Result<PartyId> {
    let address = checksummed(proof.address);
    if !cx.core.accounts.wallet_challenge_use(&address, &proof.nonce).await? {
        let message = "nonce: expected one that was offered here, is not over, and was not used before";
        return Err(not_proven(Refusal::new(Reason::SignInNonce, message)));
    }
    cx.core.accounts.wallet_signer(&address).await
}

/// The error as the door shows it, with a challenge to sign.
///
/// # Errors
/// The error itself where a proof would not help.
pub(in crate::doors) async fn refused(cx: &Cx<Core>, path: &str, error: Error) -> Result<Response<Body>> {
    if !helps(cx, &error) {
        return Err(error);
    }
    offered(cx, path, cx.error_response(&error)).await
}

/// Whether a proof would change the answer.
pub(in crate::doors) fn helps(cx: &Cx<Core>, error: &Error) -> bool {
    let is_unknown = cx.caller.is_none() && matches!(error.kind, Kind::Unauthenticated | Kind::PaymentRequired);
    is_unknown || error.code == REQUIRED
}

/// The response with a challenge to sign.
///
/// # Errors
/// None in practice.
pub(in crate::doors) async fn offered(cx: &Cx<Core>, path: &str, response: Response<Body>) -> Result<Response<Body>> {
    let challenge = challenge(cx, path)?;
    rewritten(response, |fields| {
        fields.insert("extensions".to_owned(), json!({ KEY: challenge.extension() }));
    })
    .await
}

/// The response with other fields in its body.
///
/// # Errors
/// None in practice.
pub(in crate::doors) async fn rewritten(
    response: Response<Body>,
    change: impl FnOnce(&mut Map<String, Value>) + Send,
) -> Result<Response<Body>> {
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| Error::internal(error.to_string()))?.to_bytes();
    let mut fields: Value = serde_json::from_slice(&body).map_err(|error| Error::internal(error.to_string()))?;
    if let Some(fields) = fields.as_object_mut() {
        change(fields);
    }
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Response::from_parts(parts, farebox_api_kit::full(fields.to_string())))
}

/// A fresh challenge for a resource at the path.
///
/// # Errors
/// `Internal` where the public URL and the path make none.
pub(in crate::doors) fn challenge(cx: &Cx<Core>, path: &str) -> Result<Challenge> {
    let given = cx.core.accounts.wallet_challenge();
    let mut chains: Vec<Caip2> = Vec::new();
    for place in &cx.core.settings.payments.places {
        if !chains.contains(place.network.caip2()) {
            chains.push(place.network.caip2().clone());
        }
    }
    if chains.is_empty() {
        chains.push(Caip2::eip155(USUAL_CHAIN));
    }
    Ok(Challenge {
        uri: url(cx, path)?,
        nonce: given.nonce,
        issued_at: given.issued_at,
        valid_for: WalletChallenge::VALID_FOR,
        statement: Some("Prove that this wallet is yours, for one request".to_owned()),
        chains,
    })
}

fn url(cx: &Cx<Core>, path: &str) -> Result<Url> {
    let text = format!("{}{path}", cx.core.settings.public_url);
    Url::parse(&text).map_err(|error| Error::internal(format!("server.public_url {error}")))
}

fn not_proven(refusal: Refusal) -> Error {
    let message = format!("SIGN-IN-WITH-X is no proof of the wallet: {}", refusal.message);
    Error::unauthenticated(message).with_code(refusal.reason.code())
}
