//! Names of chains: the number of an EVM chain, and the text that version 2 uses for any chain.

use std::fmt;

/// The number of an EVM chain (EIP-155).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(u64);

/// A chain in the form of CAIP-2: `eip155:8453`, `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caip2(String);

/// Why a text names no chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a chain such as eip155:8453: 3 to 8 of a-z, 0-9 and -, a colon, 1 to 32 of letters, digits, - and _")]
pub struct Caip2Error;

impl ChainId {
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Caip2 {
    const EVM: &str = "eip155";

    /// # Errors
    /// Where the text is not of that form, or an EVM chain's number has a sign, a leading zero or no end.
    pub fn parse(text: &str) -> Result<Self, Caip2Error> {
        let (namespace, reference) = text.split_once(':').ok_or(Caip2Error)?;
        let in_namespace = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let in_reference = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_sound = (3..=8).contains(&namespace.len())
            && namespace.bytes().all(in_namespace)
            && (1..=32).contains(&reference.len())
            && reference.bytes().all(in_reference);
        let parsed = Self(text.to_owned());
        if !is_sound || (namespace == Self::EVM && parsed.chain_id().is_none()) {
            return Err(Caip2Error);
        }
        Ok(parsed)
    }

    pub fn eip155(chain: ChainId) -> Self {
        Self(format!("{}:{chain}", Self::EVM))
    }

    /// The number of an EVM chain; `None` for other chains.
    pub fn chain_id(&self) -> Option<ChainId> {
        let number = self.0.strip_prefix(Self::EVM)?.strip_prefix(':')?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
        is_plain.then(|| number.parse().ok().map(ChainId)).flatten()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Caip2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_read_strictly() {
        assert_eq!(Caip2::parse("eip155:8453").unwrap().chain_id(), Some(ChainId(8453)));
        assert_eq!(Caip2::parse("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp").unwrap().chain_id(), None);
        let bad =
            ["", ":", "base", "eip155:", "eip155:0", "eip155:08", "eip155:+1", "eip155:x", "EIP155:1", "eip155:1:2"];
        for text in bad.into_iter().chain(["eip155:99999999999999999999"]) {
            assert_eq!(Caip2::parse(text), Err(Caip2Error), "{text}");
        }
    }
}
