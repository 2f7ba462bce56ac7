//! The operator's exceptions to the address rules.
//!
//! Owns the text form and the matching. A rule is `HOST[:PORT]` or `ADDRESS[/PREFIX][:PORT]`; IPv6 with a
//! port is written in brackets: `[::1]:9001`. A rule for a host name trusts whatever that name resolves to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::address::{canonical, same_prefix_v4, same_prefix_v6};

/// One exception. Read it from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRule {
    target: Target,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Host(String),
    Range { first: IpAddr, prefix: u32 },
}

/// The text is no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRuleError(String);

impl AllowRule {
    /// True where the rule covers a connection to `host`, which resolved to `address`.
    pub(crate) fn covers(&self, host: &str, address: SocketAddr) -> bool {
        if self.port.is_some_and(|port| port != address.port()) {
            return false;
        }
        match &self.target {
            Target::Host(name) => name.eq_ignore_ascii_case(host),
            Target::Range { first, prefix } => match (first, canonical(address.ip())) {
                (IpAddr::V4(first), IpAddr::V4(ip)) => same_prefix_v4(first.to_bits(), ip.to_bits(), *prefix),
                (IpAddr::V6(first), IpAddr::V6(ip)) => same_prefix_v6(first.to_bits(), ip.to_bits(), *prefix),
                _ => false,
            },
        }
    }

    /// True where the rule names this host, whatever it resolves to.
    pub(crate) fn covers_name(&self, host: &str, port: u16) -> bool {
        let named = matches!(&self.target, Target::Host(name) if name.eq_ignore_ascii_case(host));
        named && self.port.is_none_or(|own| own == port)
    }
}

impl FromStr for AllowRule {
    type Err = AllowRuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AllowRuleError(text.to_owned());
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self { target: Target::single(address), port: None });
        }
        if let Some((range, prefix)) = text.split_once('/') {
            let (prefix, port) = split_port(prefix).ok_or_else(wrong)?;
            let first = range.trim_matches(['[', ']']).parse::<IpAddr>().map_err(|_| wrong())?;
            let prefix = prefix.trim_end_matches(']').parse::<u32>().map_err(|_| wrong())?;
            let longest = if first.is_ipv4() { 32 } else { 128 };
            return if prefix <= longest {
                Ok(Self { target: Target::Range { first, prefix }, port })
            } else {
                Err(wrong())
            };
        }
        if let Some(bracketed) = text.strip_prefix('[') {
            let (address, rest) = bracketed.split_once(']').ok_or_else(wrong)?;
            let address = address.parse::<IpAddr>().map_err(|_| wrong())?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(port.parse().map_err(|_| wrong())?),
                None if rest.is_empty() => None,
                None => return Err(wrong()),
            };
            return Ok(Self { target: Target::single(address), port });
        }
        let (host, port) = split_port(text).ok_or_else(wrong)?;
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(Self { target: Target::single(address), port });
        }
        let is_name =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if is_name { Ok(Self { target: Target::Host(name), port }) } else { Err(wrong()) }
    }
}

impl Target {
    fn single(address: IpAddr) -> Self {
        Self::Range { first: canonical(address), prefix: if canonical(address).is_ipv4() { 32 } else { 128 } }
    }
}

/// Splits `text[:port]`; `None` where the port is none.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        None => Some((text, None)),
        Some((rest, port)) => port.parse().ok().map(|port| (rest, Some(port))),
    }
}

impl fmt::Display for AllowRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no rule; write a host or an address range, with a port if you like: 10.0.0.0/8, localhost:9001",
            self.0
        )
    }
}

impl std::error::Error for AllowRuleError {}
