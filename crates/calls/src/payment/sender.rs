//! Who sent a payment, as far as that tells whether a request that comes back is the sender's.
//!
//! The same signature from the same place, or with a proof of the wallet, is taken for the sender. Of a place no more is
//! kept than a digest for this one payment.

use std::net::{IpAddr, Ipv6Addr};

/// What is kept of a place: 16 bytes, as hexadecimal digits.
const DIGEST_DIGITS: usize = 32;

/// Where a request with a payment came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Of the client, behind whatever proxies are trusted.
    pub address: IpAddr,
    /// Whether the request proves by a key or a signature of its own whose it is.
    pub is_proven: bool,
}

impl Sender {
    /// What is kept with the payment.
    pub(super) fn digest(&self, nonce: &str) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(nonce.as_bytes());
        hash.update(&place(self.address).octets());
        hash.finalize().to_hex()[..DIGEST_DIGITS].to_owned()
    }

    /// Whether this request may have what was kept for the one that brought the payment.
    pub(super) fn may_have(&self, nonce: &str, kept: Option<&str>) -> bool {
        self.is_proven || kept.is_none_or(|kept| kept == self.digest(nonce))
    }
}

/// A household's addresses of version 6 share their first half.
fn place(address: IpAddr) -> Ipv6Addr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(address: &str, nonce: &str) -> String {
        Sender { address: address.parse().unwrap(), is_proven: false }.digest(nonce)
    }

    #[test]
    fn one_place_has_one_digest_for_each_payment() {
        assert_eq!(digest("192.0.2.7", "a"), digest("::ffff:192.0.2.7", "a"));
        assert_eq!(digest("2001:db8::1", "a"), digest("2001:db8::ffff:1", "a"));
        for (one, other) in [(("192.0.2.7", "a"), ("192.0.2.8", "a")), (("192.0.2.7", "a"), ("192.0.2.7", "b"))] {
            assert_ne!(digest(one.0, one.1), digest(other.0, other.1));
        }
        assert_ne!(digest("2001:db8::1", "a"), digest("2001:db8:0:1::1", "a"));
    }
}
