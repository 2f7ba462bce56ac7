//! The cookie that ties a flow of OAuth to the browser that began it.
//!
//! One cookie for each flow, for a few minutes, for the addresses below `/oauth` only. `Lax`, because the browser comes
//! back from another site; a cookie is set only where its browser has proved who it is or was asked.

use crate::Core;
use farebox_api_kit::Cx;
use farebox_base::{Error, Result};
use farebox_oauth::Flow;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

const PREFIX: &str = "farebox_oauth_";

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
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| found.strip_prefix(PREFIX) == Some(name)).map(|(_, value)| value)
}

fn line(cx: &Cx<Core>, name: &str, value: &str, seconds: u64) -> Result<HeaderValue> {
    let public = Url::parse(&cx.core.settings.public_url).map_err(|e| Error::internal(format!("public_url: {e}")))?;
    let path = public.path().trim_end_matches('/');
    let secure = if public.scheme() == "https" { "; Secure" } else { "" };
    let line = format!("{PREFIX}{name}={value}; Path={path}/oauth; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
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
        assert_eq!(read(&headers, "0011"), Some("y"));
        assert_eq!(read(&headers, "22"), Some("z=="));
        assert_eq!((read(&headers, "11"), read(&headers, "")), (None, None));
    }
}
