//! EIP-712: words, struct hashes, domain separators and digests; and the personal message of EIP-191.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, Keccak256, U256, keccak256};

use crate::network::ChainId;

/// The 32 bytes that are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(B256);

/// A domain separator, computed once and kept beside what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain(B256);

pub(super) type Word = [u8; 32];

const FULL: &str = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const WITHOUT_VERSION: &str = "EIP712Domain(string name,uint256 chainId,address verifyingContract)";
const WITHOUT_CONTRACT: &str = "EIP712Domain(string name,string version,uint256 chainId)";

impl Domain {
    /// The domain of a token, and of most contracts.
    pub fn new(name: &str, version: &str, chain: ChainId, contract: Address) -> Self {
        let words = [type_word(FULL), text(name), text(version), number(chain.get()), address(contract)];
        Self(hash(&words))
    }

    /// The domain of Permit2, which has no version.
    pub fn without_version(name: &str, chain: ChainId, contract: Address) -> Self {
        Self(hash(&[type_word(WITHOUT_VERSION), text(name), number(chain.get()), address(contract)]))
    }

    /// The domain of what no contract checks, such as receipts.
    pub fn without_contract(name: &str, version: &str, chain: ChainId) -> Self {
        Self(hash(&[type_word(WITHOUT_CONTRACT), text(name), text(version), number(chain.get())]))
    }

    /// The separator, as contracts publish it under `DOMAIN_SEPARATOR`.
    pub const fn separator(self) -> B256 {
        self.0
    }

    pub(crate) fn digest(self, struct_hash: B256) -> Digest {
        let mut bytes = [0_u8; 66];
        let (head, rest) = bytes.split_at_mut(2);
        let (domain, message) = rest.split_at_mut(32);
        head.copy_from_slice(&[0x19, 0x01]);
        domain.copy_from_slice(self.0.as_slice());
        message.copy_from_slice(struct_hash.as_slice());
        Digest(keccak256(bytes))
    }
}

impl Digest {
    pub const fn new(bytes: B256) -> Self {
        Self(bytes)
    }

    pub const fn get(self) -> B256 {
        self.0
    }
}

/// The digest of a text that a wallet shows to a person (EIP-191, version `E`).
pub fn personal_message(message: &str) -> Digest {
    let mut hasher = Keccak256::new();
    hasher.update(b"\x19Ethereum Signed Message:\n");
    hasher.update(message.len().to_string());
    hasher.update(message);
    Digest(hasher.finalize())
}

/// The hash of a type's text, computed when it is first asked for.
pub(crate) struct TypeHash(LazyLock<Word>);

impl TypeHash {
    pub(crate) const fn new(compute: fn() -> Word) -> Self {
        Self(LazyLock::new(compute))
    }

    pub(crate) fn word(&self) -> Word {
        *self.0
    }
}

pub(crate) fn type_word(encoded: &str) -> Word {
    text(encoded)
}

pub(crate) fn hash<const N: usize>(words: &[Word; N]) -> B256 {
    keccak256(words.as_flattened())
}

pub(crate) fn text(text: &str) -> Word {
    keccak256(text).0
}

pub(crate) fn number(value: u64) -> Word {
    uint(U256::from(value))
}

pub(crate) const fn uint(value: U256) -> Word {
    value.to_be_bytes()
}

pub(crate) fn address(address: Address) -> Word {
    address.into_word().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256};

    #[test]
    fn the_separator_of_usdc_on_base_sepolia_is_the_one_its_contract_publishes() {
        let token = address!("036CbD53842c5426634e7929541eC2318f3dCF7e");
        let domain = Domain::new("USDC", "2", ChainId::new(84532), token);
        let published = b256!("71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818");
        assert_eq!(domain.separator(), published);
    }

    #[test]
    fn a_personal_message_is_hashed_with_its_length_in_bytes() {
        let known = b256!("d9eba16ed0ecae432b71fe008c98cc872bb4cc214d3220a36f365326cf807d68");
        assert_eq!(personal_message("hello world").get(), known);
    }
}
