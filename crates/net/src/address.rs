//! Which addresses a seller's URL must never lead to.
//!
//! Owns the tables of IANA's special-purpose registries, the addresses of cloud metadata services, and the
//! IPv6 forms that carry an IPv4 address inside. Exceptions are `allow`'s business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 ranges that are not the public internet: first address, prefix length, reason.
const REFUSED_V4: &[([u8; 4], u32, &str)] = &[
    ([0, 0, 0, 0], 8, "unspecified"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared (carrier-grade NAT)"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([168, 63, 129, 16], 32, "cloud metadata"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "reserved for protocols"),
    ([192, 0, 2, 0], 24, "documentation"),
    ([192, 88, 99, 0], 24, "reserved for 6to4 relays"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "benchmarking"),
    ([198, 51, 100, 0], 24, "documentation"),
    ([203, 0, 113, 0], 24, "documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved or broadcast"),
];

/// Ranges inside global unicast (2000::/3) that are not the public internet. Everything outside 2000::/3 is
/// refused without being listed.
const REFUSED_V6: &[([u16; 3], u32, &str)] = &[
    ([0x2001, 0x0000, 0], 23, "reserved for protocols (Teredo among them)"),
    ([0x2001, 0x0db8, 0], 32, "documentation"),
    ([0x3fff, 0x0000, 0], 20, "documentation"),
];

/// Why an address is refused, in a word for people; `None` where it is on the public internet.
///
/// IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4, ISATAP) are judged by the address they carry.
pub fn address_refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => refusal_v4(v4),
        IpAddr::V6(v6) => match carried_v4(v6) {
            Some(v4) => refusal_v4(v4),
            None => refusal_v6(v6),
        },
    }
}

/// The address that a connection to `address` ends at: a mapped IPv4 address is that IPv4 address.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn refusal_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    REFUSED_V4
        .iter()
        .find(|(first, prefix, _)| same_prefix_v4(bits, Ipv4Addr::from(*first).to_bits(), *prefix))
        .map(|(_, _, reason)| *reason)
}

fn refusal_v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    if address.is_loopback() {
        return Some("loopback");
    }
    if address.segments()[0] & 0xe000 != 0x2000 {
        return Some("not global unicast");
    }
    REFUSED_V6
        .iter()
        .find(|([a, b, c], prefix, _)| {
            same_prefix_v6(bits, Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0).to_bits(), *prefix)
        })
        .map(|(_, _, reason)| *reason)
}

fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let low = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x2002, a, b, ..] => Some(low(a, b)),
        // ISATAP puts the address of a tunnel's end into the interface part of any prefix; a harmless one
        // must still pass the table of the prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, a, b] if refusal_v4(low(a, b)).is_some() => Some(low(a, b)),
        _ => None,
    }
}

pub(crate) fn same_prefix_v4(left: u32, right: u32, prefix: u32) -> bool {
    let shift = 32 - prefix.min(32);
    left.checked_shr(shift).unwrap_or(0) == right.checked_shr(shift).unwrap_or(0)
}

pub(crate) fn same_prefix_v6(left: u128, right: u128, prefix: u32) -> bool {
    let shift = 128 - prefix.min(128);
    left.checked_shr(shift).unwrap_or(0) == right.checked_shr(shift).unwrap_or(0)
}
