//! The cookie that ties a flow of OAuth to the browser that began it.
//!
//! One cookie for each flow, for a few minutes. `Lax`, because the browser comes back from another site; a cookie is set
//! only where its browser has proved who it is or was asked. Over https its name begins with `__Host-`, so that no page of
//! a neighbouring host can set it; browsers want it for all paths then. Without https it is for those below `/oauth`.

use crate::Core;
use farebox_api_kit::Cx;
use farebox_base::{Error, Result};
use farebox_oauth::Flow;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

const PREFIX: &str = "farebox_oauth_";
const SECURE_PREFIX: &str = "__Host-farebox_oauth_";

/// The value of `Set-Cookie` for a flow.
pub(crate) fn set(cx: &Cx<Core>, flow: &Flow) -> Result<HeaderValue> {
    let seconds = cx.core.settings.oauth_pending_s;
    line(cx, &flow.name, flow.secret.expose(), seconds)
}

/// The value of `Set-Cookie` that ends a flow's cookie.
pub(crate) fn clear(cx: &Cx<Core>, name: &str) -> Result<HeaderValue> {
    line(cx, name, "", 0)
}

/// The value of the flow's cookie.
pub(crate) fn read<'a>(cx: &Cx<Core>, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    found(headers, if is_secure(cx) { SECURE_PREFIX } else { PREFIX }, name)
}

fn is_secure(cx: &Cx<Core>) -> bool {
    cx.core.settings.public_url.starts_with("https://")
}

fn found<'a>(headers: &'a HeaderMap, prefix: &str, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| found.strip_prefix(prefix) == Some(name)).map(|(_, value)| value)
}

fn line(cx: &Cx<Core>, name: &str, value: &str, seconds: u64) -> Result<HeaderValue> {
    let public = Url::parse(&cx.core.settings.public_url).map_err(|e| Error::internal(format!("public_url: {e}")))?;
    let path = public.path().trim_end_matches('/');
    let (named, place) = if is_secure(cx) {
        (format!("{SECURE_PREFIX}{name}"), "Path=/; Secure".to_owned())
    } else {
        (format!("{PREFIX}{name}"), format!("Path={path}/oauth"))
    };
    let line = format!("{named}={value}; {place}; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    let mut header = HeaderValue::try_from(line).map_err(|_| Error::internal("a cookie can't stand in a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flows_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; farebox_oauth_00=x; farebox_oauth_0011=y"));
        headers.append(COOKIE, HeaderValue::from_static("farebox_oauth_22=z=="));
        assert_eq!(found(&headers, PREFIX, "0011"), Some("y"));
        assert_eq!(found(&headers, PREFIX, "22"), Some("z=="));
        assert_eq!((found(&headers, PREFIX, "11"), found(&headers, PREFIX, "")), (None, None));
        assert_eq!(found(&headers, SECURE_PREFIX, "22"), None, "anybody near could have set it");
    }
}
