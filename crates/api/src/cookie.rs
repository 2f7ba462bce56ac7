//! Cookies of this server's pages, as headers.
//!
//! None is there for scripts. Over https a name begins with `__Host-`, so that no page of a neighbouring host can set it;
//! browsers want it for all paths then. Without https it is for the pages below its own path.

use crate::Core;
use farebox_api_kit::Cx;
use farebox_base::{Error, Result};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

const SECURE_PREFIX: &str = "__Host-";

/// What is the same of a cookie whatever its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookie<'a> {
    pub name: &'a str,
    /// The part of the server that it is for: `/oauth`.
    pub path: &'static str,
    /// `Lax` where browsers come back from other sites with it, `Strict` otherwise.
    pub same_site: &'static str,
    /// `None`: until the browser is closed.
    pub seconds: Option<u64>,
}

impl Cookie<'_> {
    /// The value of `Set-Cookie`; no value ends the cookie.
    ///
    /// # Errors
    /// `Internal` where the value can't stand in a header.
    pub(crate) fn line(&self, cx: &Cx<Core>, value: Option<&str>) -> Result<HeaderValue> {
        let public = &cx.core.settings.public_url;
        let public = Url::parse(public).map_err(|e| Error::internal(format!("public_url: {e}")))?;
        let line = self.text(&public, value);
        let mut header =
            HeaderValue::try_from(line).map_err(|_| Error::internal("a cookie can't stand in a header"))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The value that the browser sent.
    pub(crate) fn read<'h>(&self, cx: &Cx<Core>, headers: &'h HeaderMap) -> Option<&'h str> {
        found(headers, &self.full_name(cx.core.settings.public_url.starts_with("https://")))
    }

    fn full_name(&self, is_secure: bool) -> String {
        format!("{}{}", if is_secure { SECURE_PREFIX } else { "" }, self.name)
    }

    fn text(&self, public: &Url, value: Option<&str>) -> String {
        let is_secure = public.scheme() == "https";
        let name = self.full_name(is_secure);
        let place = if is_secure {
            "Path=/; Secure".to_owned()
        } else {
            format!("Path={}{}", public.path().trim_end_matches('/'), self.path)
        };
        let age = match (value, self.seconds) {
            (None, _) => "; Max-Age=0".to_owned(),
            (Some(_), Some(seconds)) => format!("; Max-Age={seconds}"),
            (Some(_), None) => String::new(),
        };
        format!("{name}={}; {place}{age}; HttpOnly; SameSite={}", value.unwrap_or_default(), self.same_site)
    }
}

fn found<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; farebox_oauth_00=x; farebox_oauth_0011=y"));
        headers.append(COOKIE, HeaderValue::from_static("farebox_oauth_22=z=="));
        assert_eq!(found(&headers, "farebox_oauth_0011"), Some("y"));
        assert_eq!(found(&headers, "farebox_oauth_22"), Some("z=="));
        assert_eq!((found(&headers, "farebox_oauth_11"), found(&headers, "")), (None, None));
        assert_eq!(found(&headers, "__Host-farebox_oauth_22"), None, "anybody near could have set it");
    }

    #[test]
    fn a_cookie_is_bound_to_the_host_where_there_is_https_and_to_its_path_elsewhere() {
        let cookie = Cookie { name: "x", path: "/sign-in", same_site: "Strict", seconds: None };
        let secure = Url::parse("https://pay.example.com/base").unwrap();
        assert_eq!(cookie.text(&secure, Some("v")), "__Host-x=v; Path=/; Secure; HttpOnly; SameSite=Strict");
        let plain = Url::parse("http://127.0.0.1:8402/base/").unwrap();
        assert_eq!(cookie.text(&plain, None), "x=; Path=/base/sign-in; Max-Age=0; HttpOnly; SameSite=Strict");
        let timed = Cookie { seconds: Some(60), ..cookie };
        assert_eq!(timed.text(&plain, Some("v")), "x=v; Path=/base/sign-in; Max-Age=60; HttpOnly; SameSite=Strict");
    }
}
