//! Where this gateway is for the world, and which URLs of other servers may stand in its catalogue beside its own.
//!
//! Judges what a URL says and looks no name up: nothing of it is fetched here, and readers of the catalogue look for
//! themselves.

use super::catalogue::EntryError;
use farebox_net::address_refusal;
use std::net::IpAddr;
use url::{Host, Url};

/// Ends of names that no resolver of the public internet answers.
const PRIVATE_ENDS: [&str; 8] =
    ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain", "onion"];

/// The public URL of this gateway; `None` where none is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnPlace(Option<Url>);

impl OwnPlace {
    pub const fn new(public_url: Option<Url>) -> Self {
        Self(public_url)
    }

    /// Refuses the URL of another server's resource that leads here, or nowhere that strangers can reach. Where this
    /// gateway itself is on its own machine only, others there are strangers enough.
    ///
    /// # Errors
    /// `Url`, `Own`, `NotPublic`.
    pub fn check_other(&self, url: &str) -> Result<(), EntryError> {
        let url = Url::parse(url).map_err(|_| EntryError::Url)?;
        if self.0.as_ref().is_some_and(|own| is_ours(&url, own)) {
            return Err(EntryError::Own);
        }
        let is_near = |url: &Url| host(url).is_some_and(|host| is_loopback(&host));
        if is_near(&url) && self.0.as_ref().is_some_and(is_near) {
            return Ok(());
        }
        let is_public = match host(&url) {
            // The host of such a URL is the name of a tool as often as that of a server.
            Some(Host::Domain(name)) => url.scheme() == "mcp" || is_public_name(&name),
            Some(Host::Ipv4(address)) => address_refusal(IpAddr::V4(address)).is_none(),
            Some(Host::Ipv6(address)) => address_refusal(IpAddr::V6(address)).is_none(),
            None => false,
        };
        is_public.then_some(()).ok_or(EntryError::NotPublic)
    }
}

/// In one spelling, whatever the scheme: only those of the web have theirs read by the parser.
fn host(url: &Url) -> Option<Host<String>> {
    let host = Host::parse(url.host_str()?).ok()?;
    Some(match host {
        Host::Domain(name) => Host::Domain(name.trim_end_matches('.').to_owned()),
        Host::Ipv6(address) => address.to_ipv4_mapped().map_or(Host::Ipv6(address), Host::Ipv4),
        Host::Ipv4(_) => host,
    })
}

/// With and without encryption it is the same server. Whatever the path: a proxy may read one in several spellings.
fn is_ours(url: &Url, own: &Url) -> bool {
    let usual = |url: &Url| url.port().is_none_or(|port| [80, 443].contains(&port));
    host(url) == host(own) && (url.port() == own.port() || (usual(url) && usual(own)))
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn is_public_name(name: &str) -> bool {
    let is_private = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !PRIVATE_ENDS.into_iter().any(is_private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &str, url: &str) -> Result<(), EntryError> {
        OwnPlace::new(own.parse().ok()).check_other(url)
    }

    #[test]
    fn what_leads_to_this_gateway_is_listed_by_itself_only() {
        let own = "https://pay.example.com";
        for spelled in [
            "https://pay.example.com/publishers/weather/now",
            "https://pay.example.com",
            "http://pay.example.com/x",
            "https://PAY.example.com./x",
            "https://pay.example.com:443/x",
            "http://pay.example.com:443/x",
            "mcp://pay.example.com/weather",
            "mcp://PAY.example.com/weather",
        ] {
            assert_eq!(check(own, spelled), Err(EntryError::Own), "{spelled}");
        }
        for other in ["https://pay.example.com:8443/x", "https://pay.example.com.evil.example/", "https://example.com/"]
        {
            assert_eq!(check(own, other), Ok(()), "{other}");
        }
        let near = "http://127.0.0.1:8080";
        assert_eq!(check(near, "http://127.0.0.1:8080/x"), Err(EntryError::Own));
        assert_eq!(check(near, "http://127.1:8080/x"), Err(EntryError::Own));
        assert_eq!(check(near, "http://[::ffff:127.0.0.1]:8080/x"), Err(EntryError::Own));
    }

    #[test]
    fn only_hosts_of_the_public_internet_are_listed() {
        let own = "https://pay.example.com";
        for private in [
            "http://169.254.169.254/latest",
            "http://0xa9fea9fe/latest",
            "http://10.1.2.3/",
            "http://192.168.0.1/",
            "http://127.0.0.1:4021/",
            "http://2130706433/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[fe80::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://localhost:4021/",
            "http://me.localhost/",
            "http://intranet/",
            "http://printer.local/",
            "http://metadata.google.internal./",
            "mcp://127.0.0.1/weather",
        ] {
            assert_eq!(check(own, private), Err(EntryError::NotPublic), "{private}");
        }
        for public in ["https://api.example/x", "http://8.8.8.8/x", "https://[2606:4700::1]/", "mcp://tool/weather"] {
            assert_eq!(check(own, public), Ok(()), "{public}");
        }
        assert_eq!(check("no URL", "http://127.0.0.1/"), Err(EntryError::NotPublic));
        assert_eq!(check(own, "not a url"), Err(EntryError::Url));
    }

    #[test]
    fn on_a_development_machine_its_other_servers_are_listed() {
        let own = "http://localhost:8080";
        assert_eq!(check(own, "http://127.0.0.1:4021/weather"), Ok(()));
        assert_eq!(check(own, "http://[::1]:4021/weather"), Ok(()));
        assert_eq!(check(own, "http://localhost:4021/weather"), Ok(()));
        assert_eq!(check(own, "http://10.0.0.1/weather"), Err(EntryError::NotPublic));
    }
}
