//! What belongs to the server itself: metrics, and the documents and pages that describe the doors.

use crate::Core;
use farebox_api_kit::{DoorId, Ok200, Path, Reply, openapi, operations};
use farebox_base::{Error, Result};
use farebox_console::{CONTENT_SECURITY_POLICY as PAGE_POLICY, DoorLink, Landing, MEDIA_TYPE};
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use prometheus::TextEncoder;

type Cx = farebox_api_kit::Cx<Core>;

operations! {
    core Core, door System, tag "System";
    GET "/metrics" metrics(Public) replies(200 as "text/plain") rate(Free) "Counters and gauges for Prometheus";
    GET "/docs" docs(Public) replies(200 as "text/html") rate(Free) "Browse the documents of all doors";
    GET "/docs/{document}" document(Public) rate(Free) "The OpenAPI document of a door, such as platform.json";
}

/// The doors that have documents.
const LINKS: [DoorLink<'static>; 3] = [
    link(DoorId::Platform, "Platform", "/docs/platform.json"),
    link(DoorId::Marketplace, "Marketplace", "/docs/marketplace.json"),
    link(DoorId::SqlGateway, "SQL gateway", "/docs/sql-gateway.json"),
];

const fn link(door: DoorId, title: &'static str, document: &'static str) -> DoorLink<'static> {
    DoorLink { name: door.name(), title, description: door.description(), document }
}

async fn metrics(cx: Cx) -> Result<Reply> {
    let text = TextEncoder::new().encode_to_string(&cx.core.registry.gather());
    let text = text.map_err(|e| Error::internal(format!("metrics: {e}")))?;
    Ok(Reply::bytes("text/plain; version=0.0.4", text))
}

async fn docs(_cx: Cx) -> Result<Reply> {
    let mut page = Reply::bytes(MEDIA_TYPE, farebox_console::docs_page(&LINKS));
    page.0.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    Ok(page)
}

async fn document(_cx: Cx, path: Path<String>) -> Result<Ok200<serde_json::Value>> {
    let door = path.0.strip_suffix(".json").and_then(DoorId::parse).filter(|door| *door != DoorId::System);
    let door = door.ok_or_else(|| Error::not_found("Document"))?;
    Ok(Ok200(openapi(door, &crate::operations())))
}

/// The page that a browser sees at `/`.
pub(crate) fn landing_page(core: &Core) -> String {
    farebox_console::landing_page(&Landing {
        version: env!("CARGO_PKG_VERSION"),
        base_url: &core.settings.public_url,
        docs_path: "/docs",
        doors: &LINKS,
    })
}
