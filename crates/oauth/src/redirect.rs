//! Where browsers may be sent when a connection was made.
//!
//! An address is compared after it was read the way browsers read addresses, and what was read is what is sent, so that
//! no spelling means one place here and another one there.

use crate::Oauth;
use farebox_base::{Error, Result};
use url::{Host, Url};

const BYTES_MAX: usize = 2_048;

/// An address that the operator allows: compared whole, but for the port of a loopback address that names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectRule {
    url: Url,
    any_port: bool,
}

impl RedirectRule {
    /// Reads `https://app.example.com/connected`, or `http://127.0.0.1/connected` for programs on users' machines.
    ///
    /// # Errors
    /// The rule that the text breaks; completes a sentence that begins with the text's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = read(text).ok_or("must hold whole addresses such as https://app.example.com/connected")?;
        let is_loopback = is_loopback(&url);
        if url.scheme() != "https" && !is_loopback {
            return Err("must hold addresses that begin with https://; http:// is for loopback addresses only");
        }
        Ok(Self { any_port: is_loopback && url.port().is_none(), url })
    }

    fn allows(&self, url: &Url) -> bool {
        if !self.any_port {
            return self.url == *url;
        }
        let mut same = url.clone();
        // Only addresses without a host refuse a port, and this one has one.
        same.set_port(None).is_ok() && same == self.url
    }
}

impl Oauth {
    /// The address to send the browser to; this server's own page where none was asked for.
    ///
    /// # Errors
    /// `Invalid` for `redirect_uri`.
    pub(crate) fn redirect_uri(&self, asked: Option<&str>) -> Result<Url> {
        let settings = self.settings();
        let url = match asked {
            None => Url::parse(&self.own_address("/oauth/done")).ok(),
            Some(text) => read(text).filter(|url| {
                url.origin() == settings.public_url.origin() || settings.redirects.iter().any(|rule| rule.allows(url))
            }),
        };
        let rule = "must be an address of this server, or one that its operator allows (oauth.redirect_uris)";
        url.ok_or_else(|| Error::invalid("redirect_uri", rule))
    }
}

/// An absolute HTTP address with nothing in it that is read in two ways.
fn read(text: &str) -> Option<Url> {
    let is_plain =
        text.len() <= BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&b));
    let (scheme, rest) = text.split_once("://").filter(|_| is_plain)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || !matches!(scheme, "http" | "https") {
        return None;
    }
    Url::parse(text).ok().filter(|url| url.has_host() && url.fragment().is_none() && !text.contains('#'))
}

/// Whether the address never leaves the machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(rule: &str, text: &str) -> bool {
        let rule = RedirectRule::parse(rule).unwrap();
        read(text).is_some_and(|url| rule.allows(&url))
    }

    #[test]
    fn an_address_is_allowed_whole_or_not_at_all() {
        let rule = "https://app.example.com/connected";
        for same in [rule, "https://app.example.com:443/connected", "https://APP.example.com/connected"] {
            assert!(allowed(rule, same), "{same}");
        }
        for other in [
            "https://app.example.com/connected/",
            "https://app.example.com/connected/x",
            "https://app.example.com/connected?x=1",
            "https://app.example.com/connected#x",
            "https://app.example.com/connected#",
            "https://app.example.com/Connected",
            "https://app.example.com/x/../evil",
            "https://app.example.com/connected/..%2fevil",
            "https://app.example.com.evil.com/connected",
            "https://app.example.com@evil.com/connected",
            "https://evil.com@app.example.com/connected",
            "https://@app.example.com/connected",
            "https://evil.com\\@app.example.com/connected",
            "https://app.example.com\\@evil.com/connected",
            "https:\\\\app.example.com/connected",
            "https:app.example.com/connected",
            "https:///app.example.com/connected",
            "https://app.example.com:8443/connected",
            "https://аpp.example.com/connected",
            "https://app.example.com/connected\u{0}",
            "https://app.example.com/conn\tected",
            " https://app.example.com/connected",
            "https://app.example.com./connected",
            "http://app.example.com/connected",
            "HTTPS://app.example.com/connected",
            "//app.example.com/connected",
            "/connected",
            "javascript:alert(1)//app.example.com/connected",
            "data:text/html,x",
            "",
        ] {
            assert!(!allowed(rule, other), "{other:?}");
        }
        // Both sides are read before they are compared, so that this is the same place.
        assert!(allowed(rule, "https://app.example.com/x/../connected"));
    }

    #[test]
    fn loopback_addresses_without_a_port_stand_for_every_port() {
        assert!(allowed("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"));
        assert!(allowed("http://[::1]/cb", "http://[::1]:49152/cb"));
        assert!(!allowed("http://127.0.0.1/cb", "http://127.0.0.1:49152/other"));
        assert!(!allowed("http://127.0.0.1/cb", "http://127.0.0.2:49152/cb"));
        assert!(!allowed("http://127.0.0.1:8000/cb", "http://127.0.0.1:49152/cb"));
        assert!(!allowed("http://127.0.0.1/cb", "https://127.0.0.1:49152/cb"));
        assert!(allowed("http://127.0.0.1/cb", "http://127.1/cb"), "browsers read it as the same address");
        assert!(!allowed("https://app.example.com/cb", "https://app.example.com:1/cb"));
        for bad in ["http://app.example.com/cb", "ftp://x/", "app.example.com", "https://x/#a", "*"] {
            assert!(RedirectRule::parse(bad).is_err(), "{bad}");
        }
    }
}
