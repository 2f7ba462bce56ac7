//! A private key of a wallet. Invariant: it is never printed, and its memory is overwritten when it is dropped.

use alloy_primitives::{Address, hex};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

use super::signature::{EcdsaSignature, address_of};
use super::typed_data::Digest;

/// Signs for one address.
#[derive(Clone)]
pub struct SigningKey {
    secret: SecretKey,
    address: Address,
}

/// Why bytes are no key. Does not repeat them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("must be 64 hex digits, with or without 0x")]
    NotHex,
    #[error("is zero or beyond the order of the curve")]
    OutOfRange,
}

impl SigningKey {
    /// # Errors
    /// `OutOfRange`, which random bytes are once in 2^128 times.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let secret = SecretKey::from_byte_array(bytes).map_err(|_| KeyError::OutOfRange)?;
        let address = address_of(&PublicKey::from_secret_key(SECP256K1, &secret));
        Ok(Self { secret, address })
    }

    /// Reads a key as wallets export it; white space around it is ignored.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(KeyError::NotHex);
        }
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| KeyError::NotHex)?;
        Self::from_bytes(bytes)
    }

    pub const fn address(&self) -> Address {
        self.address
    }

    /// Deterministic (RFC 6979), with `s` in the lower half.
    pub fn sign_digest(&self, digest: Digest) -> EcdsaSignature {
        let message = Message::from_digest(digest.get().0);
        let (parity, r_and_s) = SECP256K1.sign_ecdsa_recoverable(message, &self.secret).serialize_compact();
        EcdsaSignature::from_library(r_and_s, i32::from(parity) & 1 == 1)
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey of {:#x}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    const WELL_KNOWN: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn the_first_key_of_every_development_chain_has_its_known_address() {
        let key = SigningKey::from_hex(WELL_KNOWN).unwrap();
        assert_eq!(key.address(), address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        assert_eq!(SigningKey::from_hex(&WELL_KNOWN[2..]).unwrap().address(), key.address());
    }

    #[test]
    fn a_key_is_never_printed() {
        let shown = format!("{:?}", SigningKey::from_hex(WELL_KNOWN).unwrap());
        assert!(!shown.contains("ac0974be"), "{shown}");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let zero = "0".repeat(64);
        for (text, why) in [("", KeyError::NotHex), ("0x12", KeyError::NotHex), (zero.as_str(), KeyError::OutOfRange)] {
            assert_eq!(SigningKey::from_hex(text).map(|key| key.address()), Err(why));
        }
    }
}
