//! The far end of a request: scheme, host and port of its URL, and how the request names them.
//!
//! Owns which URLs are requested at all. Whether an address may be dialled is decided by `dial`.

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Uri};
use std::hash::{Hash, Hasher};

use crate::error::{NetError, NetErrorKind};

/// Connections to one target serve all its requests.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) is_tls: bool,
    authority: Authority,
}

/// Byte for byte: hosts that differ in case alone have connections of their own.
impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        (self.is_tls, self.authority.as_str()) == (other.is_tls, other.authority.as_str())
    }
}

impl Eq for Target {}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.is_tls, self.authority.as_str()).hash(state);
    }
}

impl Target {
    /// # Errors
    /// `Blocked` for a URL that is not requested.
    pub(crate) fn of(uri: &Uri) -> Result<Self, NetError> {
        let blocked = |detail: &str| Err(NetError::new(NetErrorKind::Blocked, detail));
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return blocked("only http and https URLs are requested"),
        };
        match uri.authority() {
            None => blocked("the URL names no host"),
            Some(authority) if authority.as_str().contains('@') => blocked("the URL holds a user name or a password"),
            Some(authority) => Ok(Self { is_tls, authority: authority.clone() }),
        }
    }

    /// A name or an address, without brackets.
    pub(crate) fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(self.usual_port())
    }

    const fn usual_port(&self) -> u16 {
        if self.is_tls { 443 } else { 80 }
    }

    /// Gives a request the form that HTTP/1 servers expect: the path alone, and the host in a header.
    pub(crate) fn to_origin_form<B>(&self, request: &mut Request<B>) {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        if request.headers().contains_key(HOST) {
            return;
        }
        let usual = self.authority.port_u16() == Some(self.usual_port());
        let host = if usual { self.authority.host() } else { self.authority.as_str() };
        if let Ok(host) = HeaderValue::from_str(host) {
            request.headers_mut().insert(HOST, host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_header_names_a_port_only_where_it_is_not_the_usual_one() {
        for (url, host, path) in [
            ("http://h/a?b", "h", "/a?b"),
            ("http://h:80/", "h", "/"),
            ("https://h:80/", "h:80", "/"),
            ("https://h:443", "h", "/"),
            ("http://[::1]:8080/x", "[::1]:8080", "/x"),
        ] {
            let mut request = Request::builder().uri(url).body(()).unwrap();
            Target::of(request.uri()).unwrap().to_origin_form(&mut request);
            assert_eq!((&request.headers()[HOST], request.uri().to_string().as_str()), (&host.parse().unwrap(), path));
        }
    }
}
