//! Where requests may go and what they may cost in time, as the operator set it.
//!
//! Owns the judgement of URLs at registration (`check_url`) and of resolved addresses when a connection is
//! opened (`refusal`). The first one is a courtesy to sellers; only the second one protects.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use farebox_base::{Error, Result};
use url::{Host, Url};

use crate::address::address_refusal;
use crate::allow::AllowRule;

/// Names that mean this machine or its cloud, whatever they resolve to.
const REFUSED_NAMES: &[&str] =
    &["localhost", "localhost.localdomain", "metadata.google.internal", "metadata.goog", "instance-data"];
/// Endings of names that are never on the public internet.
const REFUSED_ENDINGS: &[&str] = &[".localhost", ".localdomain", ".local", ".internal", ".home.arpa"];

/// The operator's settings for outgoing requests.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Exceptions to the address rules.
    pub allow: Vec<AllowRule>,
    /// For resolving the name, connecting and the TLS handshake together.
    pub connect_timeout_ms: u64,
    /// An idle connection is closed after this long.
    pub pool_idle_timeout_ms: u64,
    pub pool_max_idle_per_host: usize,
    /// A PEM file of certificates to trust besides the built-in public roots.
    pub extra_root_certificates: Option<PathBuf>,
    /// Offer HTTP/2 in the TLS handshake; the server decides.
    pub prefer_http2: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            connect_timeout_ms: 5_000,
            pool_idle_timeout_ms: 20_000,
            pool_max_idle_per_host: 256,
            extra_root_certificates: None,
            prefer_http2: true,
        }
    }
}

impl Policy {
    /// Judges a URL by its text alone, without resolving a name; `field` is the input that holds it.
    pub fn check_url(&self, field: &str, url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::invalid(field, "must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::invalid(field, "must not contain a user name or a password"));
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let is_refused = match url.host() {
            None => return Err(Error::invalid(field, "must name a host")),
            Some(Host::Ipv4(address)) => self.refusal("", SocketAddr::new(IpAddr::V4(address), port)).is_some(),
            Some(Host::Ipv6(address)) => self.refusal("", SocketAddr::new(IpAddr::V6(address), port)).is_some(),
            Some(Host::Domain(name)) => self.refuses_name(name, port),
        };
        if is_refused {
            return Err(Error::invalid(field, "must not point to a private address").with_code("private_address"));
        }
        Ok(())
    }

    /// Why a connection to `host` must not go to `address`, which it resolved to; `None` where it may.
    pub fn refusal(&self, host: &str, address: SocketAddr) -> Option<&'static str> {
        let reason = address_refusal(address.ip())?;
        let host = host.trim_end_matches('.');
        let is_allowed = self.allow.iter().any(|rule| rule.covers(host, address));
        (!is_allowed).then_some(reason)
    }

    fn refuses_name(&self, name: &str, port: u16) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let is_local =
            REFUSED_NAMES.contains(&name.as_str()) || REFUSED_ENDINGS.iter().any(|ending| name.ends_with(ending));
        is_local && !self.allow.iter().any(|rule| rule.covers_name(&name, port))
    }
}
