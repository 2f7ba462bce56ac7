//! The cookie that ties a flow of OAuth to the browser that began it.
//!
//! One cookie for each flow, for a few minutes. `Lax`, because the browser comes back from another site; a cookie is set
//! only where its browser has proved who it is or was asked.

use crate::Core;
use crate::cookie::Cookie;
use farebox_api_kit::Cx;
use farebox_base::Result;
use farebox_oauth::Flow;
use http::{HeaderMap, HeaderValue};

/// The value of `Set-Cookie` for a flow.
pub(crate) fn set(cx: &Cx<Core>, flow: &Flow) -> Result<HeaderValue> {
    cookie(cx, &name(&flow.name)).line(cx, Some(flow.secret.expose()))
}

/// The value of `Set-Cookie` that ends a flow's cookie.
pub(crate) fn clear(cx: &Cx<Core>, flow: &str) -> Result<HeaderValue> {
    cookie(cx, &name(flow)).line(cx, None)
}

/// The value of the flow's cookie.
pub(crate) fn read<'a>(cx: &Cx<Core>, headers: &'a HeaderMap, flow: &str) -> Option<&'a str> {
    cookie(cx, &name(flow)).read(cx, headers)
}

fn name(flow: &str) -> String {
    format!("farebox_oauth_{flow}")
}

fn cookie<'a>(cx: &Cx<Core>, name: &'a str) -> Cookie<'a> {
    Cookie { name, path: "/oauth", same_site: "Lax", seconds: Some(cx.core.settings.oauth_pending_s) }
}
