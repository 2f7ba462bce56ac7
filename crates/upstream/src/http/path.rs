//! Joining the buyer's path and query to the seller's base URL, and keeping the path below it.
//!
//! Nothing is decoded or normalised on the way out; decoding happens only to look for an escape.

use std::borrow::Cow;

use ::http::Uri;
use ::http::uri::PathAndQuery;
use percent_encoding::percent_decode;
use url::{Position, Url, form_urlencoded};

use super::HttpTarget;
use crate::error::UpstreamError;

/// A path that still changes after so many decodings hides something.
const MAX_DECODINGS: usize = 6;
/// Overlong UTF-8 forms of `.`, `/` and `\`, which careless servers accept.
const OVERLONG: &[&[u8]] = &[b"\xc0\xae", b"\xc0\xaf", b"\xc1\x9c", b"\xe0\x80\xae", b"\xe0\x80\xaf", b"\xe0\x81\x9c"];

/// The URI to request for what the buyer sent after the listing.
pub(super) fn target_uri(target: &HttpTarget, path_and_query: &str) -> Result<Uri, UpstreamError> {
    if path_and_query.contains('#') {
        return Err(UpstreamError::BadPath("must not contain a fragment"));
    }
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    check_path(path)?;
    let mut joined = join_path(target.base.path(), path);
    push_query(&mut joined, target, query);
    let joined = PathAndQuery::try_from(joined)
        .map_err(|_| UpstreamError::BadPath("is too long or holds bytes that no URL may hold"))?;
    let bad = |reason: String| UpstreamError::BadTarget(reason);
    Uri::builder()
        .scheme(target.base.scheme())
        .authority(authority(&target.base)?)
        .path_and_query(joined)
        .build()
        .map_err(|error| bad(format!("{}: {error}", target.base)))
}

/// Refuses a path that a server could read as leading out of the base path.
fn check_path(path: &str) -> Result<(), UpstreamError> {
    let mut bytes = Cow::Borrowed(path.as_bytes());
    for _ in 0..MAX_DECODINGS {
        if bytes.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots) {
            return Err(UpstreamError::BadPath("must not contain the segments . or .. in any spelling"));
        }
        if bytes.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return Err(UpstreamError::BadPath("must not contain line ends or zero bytes"));
        }
        if OVERLONG.iter().any(|form| bytes.windows(form.len()).any(|window| window == *form)) {
            return Err(UpstreamError::BadPath("must not contain overlong UTF-8"));
        }
        let decoded: Cow<'_, [u8]> = percent_decode(&bytes).into();
        match decoded {
            Cow::Borrowed(_) => return Ok(()),
            Cow::Owned(decoded) => bytes = Cow::Owned(decoded),
        }
    }
    Err(UpstreamError::BadPath("must not be percent-encoded again and again"))
}

/// True for `.` and `..`, also with blanks around or with path parameters (`..;x`), which some servers drop.
fn is_dots(segment: &[u8]) -> bool {
    let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
    matches!(name.trim_ascii(), b"." | b"..")
}

fn join_path(base: &str, path: &str) -> String {
    if path.is_empty() {
        return base.to_owned();
    }
    let base = base.strip_suffix('/').unwrap_or(base);
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut joined = String::with_capacity(base.len() + path.len() + 1);
    joined.push_str(base);
    joined.push('/');
    joined.push_str(path);
    joined
}

fn push_query(joined: &mut String, target: &HttpTarget, query: Option<&str>) {
    let mut mark = '?';
    let mut push = |text: &str| {
        joined.push(std::mem::replace(&mut mark, '&'));
        joined.push_str(text);
    };
    if let Some(base) = target.base.query().filter(|base| !base.is_empty()) {
        push(base);
    }
    match query {
        Some(query) if target.add_query.is_empty() => push(query),
        Some(query) => query.split('&').filter(|pair| !is_set_by_seller(pair, target)).for_each(&mut push),
        None => {}
    }
    for (name, value) in &target.add_query {
        let pair: String = form_urlencoded::byte_serialize(name.as_bytes())
            .chain(["="])
            .chain(form_urlencoded::byte_serialize(value.as_bytes()))
            .collect();
        push(&pair);
    }
}

fn is_set_by_seller(pair: &str, target: &HttpTarget) -> bool {
    let parsed = form_urlencoded::parse(pair.as_bytes()).next();
    parsed.is_some_and(|(name, _)| target.add_query.iter().any(|(set, _)| *set == name))
}

/// Host and port, without a user name.
fn authority(base: &Url) -> Result<&str, UpstreamError> {
    if !base.username().is_empty() || base.password().is_some() {
        return Err(UpstreamError::BadTarget("the URL holds a user name or a password".to_owned()));
    }
    if !base.has_host() {
        return Err(UpstreamError::BadTarget("the URL names no host".to_owned()));
    }
    Ok(&base[Position::BeforeHost..Position::AfterPort])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{PassthroughPolicy, Timeouts};

    fn target(base: &str, add_query: &[(&str, &str)]) -> HttpTarget {
        HttpTarget {
            base: Url::parse(base).unwrap(),
            set_headers: Vec::new(),
            add_query: add_query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            passthrough: PassthroughPolicy::All,
            timeouts: Timeouts::default(),
            max_request_bytes: 1,
            max_response_bytes: None,
        }
    }

    #[test]
    fn paths_and_queries_are_joined_as_sent() {
        let cases = [
            ("http://h/api", "", "http://h/api"),
            ("http://h/api/", "", "http://h/api/"),
            ("http://h/api", "/", "http://h/api/"),
            ("http://h/api", "/v1", "http://h/api/v1"),
            ("http://h/api/", "/v1", "http://h/api/v1"),
            ("http://h/api", "v1", "http://h/api/v1"),
            ("http://h/api", "//v1//x/", "http://h/api//v1//x/"),
            ("http://h", "", "http://h/"),
            ("http://h", "/v1", "http://h/v1"),
            ("http://h:8080/a", "/b", "http://h:8080/a/b"),
            ("http://[::1]:8080/a", "/b", "http://[::1]:8080/a/b"),
            ("http://h/a", "/caf%C3%A9/a%2Fb/%zz/~x;y=1", "http://h/a/caf%C3%A9/a%2Fb/%zz/~x;y=1"),
            ("http://h/a", "/x?b=2&a=1&a=3&&c", "http://h/a/x?b=2&a=1&a=3&&c"),
            ("http://h/a", "?q=%2e%2e/", "http://h/a?q=%2e%2e/"),
            ("http://h/a", "/x?", "http://h/a/x?"),
            ("http://h/a?key=1", "", "http://h/a?key=1"),
            ("http://h/a?key=1", "/b?key=2&x", "http://h/a/b?key=1&key=2&x"),
            ("http://h/a", "/...", "http://h/a/..."),
            ("http://h/a", "/.well-known/..x", "http://h/a/.well-known/..x"),
        ];
        for (base, sent, expected) in cases {
            assert_eq!(target_uri(&target(base, &[]), sent).unwrap().to_string(), expected, "{base} and {sent}");
        }
    }

    #[test]
    fn the_sellers_parameters_replace_the_buyers() {
        let target = target("http://h/a?v=1", &[("api_key", "s&cret é")]);
        let uri = target_uri(&target, "/b?api%5Fkey=mine&x=1&api_key=2&x=2").unwrap();
        assert_eq!(uri.to_string(), "http://h/a/b?v=1&x=1&x=2&api_key=s%26cret+%C3%A9");
        assert_eq!(target_uri(&target, "/b").unwrap().query(), Some("v=1&api_key=s%26cret+%C3%A9"));
    }

    #[test]
    fn every_spelling_of_a_parent_folder_is_refused() {
        let escapes = [
            "/..",
            "/../x",
            "/a/../../x",
            "..",
            "/./x",
            "/%2e%2e/x",
            "/%2E%2E/x",
            "/.%2e/x",
            "/%2e%2e%2fx",
            "/a%2f..%2fx",
            "/%252e%252e/x",
            "/%25252e%25252e%25252fx",
            "/..%5cx",
            "/..\\x",
            "/a\\..\\x",
            "/%2e%2e%5cx",
            "/..;/x",
            "/..;a=b/x",
            "/%2e%2e;/x",
            "/..%3b/x",
            "/..%20/x",
            "/%20../x",
            "/..%09/x",
            "/%c0%ae%c0%ae/x",
            "/%c0%ae%c0%ae%c0%afx",
            "/a%00b",
            "/a%0d%0ab",
            "/a%252525252525252525252561",
        ];
        for path in escapes {
            let outcome = target_uri(&target("http://h/base", &[]), path);
            assert!(matches!(outcome, Err(UpstreamError::BadPath(_))), "{path}: {outcome:?}");
        }
        assert!(matches!(target_uri(&target("http://h", &[]), "/a b"), Err(UpstreamError::BadPath(_))));
        assert!(matches!(target_uri(&target("http://h", &[]), "/a#b"), Err(UpstreamError::BadPath(_))));
        assert!(matches!(target_uri(&target("http://me@h", &[]), "/a"), Err(UpstreamError::BadTarget(_))));
    }
}
