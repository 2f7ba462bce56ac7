//! The facilitator for other people's servers, under `/facilitator`, and what it takes, under `/payments/supported`.
//!
//! Replies are those of published facilitators: 200 with a refusal in the body wherever the question was one.

use super::Cx;
use crate::Core;
use farebox_api_kit::{Headed, Ok200, Raw, Reply, operations, read_to_limit};
use farebox_api_types::platform::{SupportedKind, SupportedResponse};
use farebox_base::{Error, Kind, Result};
use farebox_x402::facilitator::{DiscoveryError, FacilitatorService, Heard, Reply as Heeded};
use farebox_x402::wire::{BODY_BYTES_MAX, encode_base64_json};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use std::time::Duration;

operations! {
    core Core, door Platform, tag "payments";
    GET  "/payments/supported" get_supported(Public) "List the schemes and networks in which payments are taken";
    GET  "/facilitator/supported" supported(Public) "List the schemes and networks that the facilitator settles";
    POST "/facilitator/verify" verify(Public) errors(404, 503) replies(200) rate(Call)
        "Verify a payment for another server";
    POST "/facilitator/settle" settle(Public) errors(404, 503) replies(200) rate(Call)
        "Settle a payment for another server";
    GET  "/facilitator/discovery/resources" discovery_resources(Public) errors(400, 404, 503) replies(200)
        "List what was paid for by this facilitator";
    GET  "/facilitator/discovery/search" discovery_search(Public) errors(400, 404, 503) replies(200)
        "Search what was paid for by this facilitator";
}

/// How long a request's body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
const EXTENSION_RESPONSES: HeaderName = HeaderName::from_static("extension-responses");

async fn get_supported(cx: Cx) -> Result<Ok200<SupportedResponse>> {
    supported(cx).await
}

async fn supported(cx: Cx) -> Result<Ok200<SupportedResponse>> {
    let supported = cx.core.facilitator.as_ref().map(FacilitatorService::supported).unwrap_or_default();
    let kinds = supported.kinds.into_iter().map(|kind| SupportedKind {
        x402_version: u32::from(kind.x402_version),
        scheme: kind.scheme,
        network: kind.network,
        extra: kind.extra.map(serde_json::Value::Object),
    });
    let signers = serde_json::to_value(&supported.signers).map_err(|e| Error::internal(e.to_string()))?;
    Ok(Ok200(SupportedResponse { kinds: kinds.collect(), extensions: Some(supported.extensions), signers }))
}

async fn verify(cx: Cx, raw: Raw) -> Result<Headed<Reply>> {
    let (service, body) = (service(&cx)?, body(raw).await?);
    shown(service.verify(&body).await)
}

async fn settle(cx: Cx, raw: Raw) -> Result<Headed<Reply>> {
    let (service, body) = (service(&cx)?, body(raw).await?);
    shown(service.settle(&body).await)
}

async fn discovery_resources(cx: Cx, raw: Raw) -> Result<Reply> {
    let found = service(&cx)?.discovery_resources(raw.parts.uri.query().unwrap_or_default()).await;
    Reply::json(StatusCode::OK, &found.map_err(undiscovered)?)
}

async fn discovery_search(cx: Cx, raw: Raw) -> Result<Reply> {
    let found = service(&cx)?.discovery_search(raw.parts.uri.query().unwrap_or_default()).await;
    Reply::json(StatusCode::OK, &found.map_err(undiscovered)?)
}

fn service(cx: &Cx) -> Result<&FacilitatorService> {
    cx.core.facilitator.as_ref().ok_or_else(|| {
        Error::new(Kind::NotFound, "no_facilitator", "This server takes no payments on chain: x402.networks is empty")
    })
}

/// One byte more than is read says that it is too long; the service answers that in its own words.
async fn body(raw: Raw) -> Result<bytes::Bytes> {
    let read = tokio::time::timeout(PATIENCE, read_to_limit(raw.body, BODY_BYTES_MAX + 1)).await;
    read.map_err(|_| Error::invalid("body", "must arrive without long pauses"))?
}

fn shown<T: Serialize>(reply: Heeded<T>) -> Result<Headed<Reply>> {
    let status = match reply.heard {
        Heard::Answered => StatusCode::OK,
        Heard::Malformed => StatusCode::BAD_REQUEST,
        Heard::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Heard::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut headers = HeaderMap::new();
    let extensions = reply.extension_responses.and_then(|own| encode_base64_json(&own).ok());
    if let Some(value) = extensions.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(EXTENSION_RESPONSES, value);
    }
    Ok(Headed(Reply::json(status, &reply.body)?, headers))
}

fn undiscovered(error: DiscoveryError) -> Error {
    match error {
        DiscoveryError::Invalid(refusal) => Error::invalid("query", refusal.message),
        DiscoveryError::Unavailable(error) => error,
    }
}
