//! Whether the server is up, and what it is.

use super::Cx;
use crate::Core;
use crate::payments::network_healths;
use farebox_api_kit::{Headers, Ok200, Reply, operations};
use farebox_api_types::marketplace::{MarketplaceHealth, ServiceInfo};
use farebox_base::Result;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY};
use http::{HeaderMap, HeaderValue};

operations! {
    core Core, door Marketplace, tag "Health";
    GET "/health" health_check(Public) errors(503) rate(Free) "Say whether the server and its database are up";
    GET "/" service_info(Public) replies(200: ServiceInfo, 200 as "text/html") "Say what answers here";
}

async fn health_check(cx: Cx) -> Result<Ok200<MarketplaceHealth>> {
    cx.core.db.ping().await?;
    // Degraded is no reason to restart or to send readers elsewhere: everything that needs no record works.
    let status = if cx.core.db.can_write().is_ok() { "ok" } else { "degraded" };
    let networks = network_healths(&cx.core);
    Ok(Ok200(MarketplaceHealth { status: status.to_owned(), timestamp: cx.core.clock.now().into(), networks }))
}

async fn service_info(cx: Cx, headers: Headers) -> Result<Reply> {
    if wants_html(&headers.0) {
        let mut page = Reply::bytes(farebox_console::MEDIA_TYPE, crate::system::landing_page(&cx.core));
        let policy = HeaderValue::from_static(farebox_console::CONTENT_SECURITY_POLICY);
        page.0.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        return Ok(page);
    }
    let info = ServiceInfo {
        service: "Farebox".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        docs: "/docs".to_owned(),
    };
    Reply::json(StatusCode::OK, &info)
}

/// Browsers name HTML first; programs take JSON.
fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').next().is_some_and(|first| first.trim().starts_with("text/html"))
}
