//! `[server]`: the socket and what a request may cost before anyone looks at it.

use super::check::{Broken, at_least, broken};
use super::{Network, text};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Smaller buffers than this the HTTP server refuses to work with.
const LEAST_HEADER_BYTES: usize = 8_192;

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    /// As it was set; `public_url()` is what to use.
    #[serde(with = "text::optional_text")]
    pub public_url: Option<String>,
    pub max_request_bytes: u64,
    pub max_header_bytes: usize,
    pub header_read_timeout_ms: u64,
    pub shutdown_grace_ms: u64,
    pub trusted_proxies: Vec<Network>,
    pub cors_origins: Vec<String>,
}

impl Server {
    /// The URL that clients know this server by, without a slash at its end.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Whether the server is meant for its own machine alone: it listens there, and is known by no name of elsewhere.
    pub fn is_private(&self) -> bool {
        let local = |host: url::Host<&str>| match host {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        };
        let url = url::Url::parse(&self.public_url()).ok();
        self.listen.ip().is_loopback() && url.is_some_and(|url| url.host().is_some_and(local))
    }

    pub(super) fn check(&self) -> Result<(), Broken> {
        at_least("server.max_request_bytes", self.max_request_bytes, 1)?;
        at_least("server.max_header_bytes", self.max_header_bytes, LEAST_HEADER_BYTES)?;
        at_least("server.header_read_timeout_ms", self.header_read_timeout_ms, 1)?;
        if let Some(origin) = self.cors_origins.iter().find(|origin| *origin != "*" && !is_origin(origin)) {
            return broken(
                "server.cors_origins",
                format!("must hold * or origins such as https://app.example.com, not {origin:?}"),
            );
        }
        let Some(url) = &self.public_url else { return Ok(()) };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        let plain = !rest.is_empty() && !rest.ends_with('/') && !rest.contains(['?', '#', '@', ' ']);
        if plain {
            return Ok(());
        }
        broken("server.public_url", "must begin with https:// or http:// and end without slash, query or fragment")
    }
}

/// Whether a text is what browsers send as the origin of a page, letter for letter.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == text)
}
