//! Signatures as they come on the wire, and who made them.
//!
//! Invariant: of the two numbers `s` that fit a signature the lower one is accepted alone. The same signature may still be
//! spelled in several ways; what may happen once is told by nonces, never by signatures.

use alloy_primitives::{Address, B256, Bytes, hex, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

use super::typed_data::Digest;

/// Half of the order of the curve; EIP-2 refuses an `s` above it.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e,
    0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];
/// What a signature of a wallet that is not deployed yet ends with (ERC-6492).
const COUNTERFACTUAL_SUFFIX: [u8; 32] = [
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64,
    0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
];
/// Wallets with passkeys need about 1 KiB, with the deployment of ERC-6492 some more.
const BYTES_MAX: usize = 8 * 1024;

/// A signature, sorted by what it takes to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Of a plain key: the signer is recovered from it.
    Ecdsa(EcdsaSignature),
    /// Of a contract (ERC-1271 or ERC-6492): only the chain can check it.
    SmartWallet(Bytes),
}

/// `r`, `s` in the lower half, and the parity of `y`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EcdsaSignature {
    r_and_s: [u8; 64],
    is_odd: bool,
}

/// Why bytes are no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("must be hex after 0x")]
    NotHex,
    #[error("must not be empty")]
    Empty,
    #[error("must not be longer than {BYTES_MAX} bytes")]
    TooLong,
    #[error("must end in 27, 28, 0 or 1")]
    Parity,
    #[error("must have its s in the lower half of the curve's order")]
    HighS,
    #[error("does not belong to any key")]
    NoKey,
}

impl Signature {
    /// Reads hex after `0x`. 65 bytes (`v` of 27, 28, 0 or 1) and 64 bytes (EIP-2098) are those of a key, others a
    /// contract's.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let digits = text.strip_prefix("0x").ok_or(SignatureError::NotHex)?;
        if digits.len() > 2 * BYTES_MAX {
            return Err(SignatureError::TooLong);
        }
        if digits.starts_with("0x") {
            return Err(SignatureError::NotHex);
        }
        if let Some(length @ (64 | 65)) = digits.len().is_multiple_of(2).then_some(digits.len() / 2) {
            let mut bytes = [0; 65];
            let bytes = bytes.get_mut(..length).ok_or(SignatureError::NotHex)?;
            hex::decode_to_slice(digits, bytes).map_err(|_| SignatureError::NotHex)?;
            return EcdsaSignature::from_bytes(bytes).map(Self::Ecdsa);
        }
        match hex::decode(digits) {
            Err(_) => Err(SignatureError::NotHex),
            Ok(bytes) if bytes.is_empty() => Err(SignatureError::Empty),
            Ok(bytes) => Ok(Self::SmartWallet(bytes.into())),
        }
    }

    /// Whether the chain is needed to check it.
    pub const fn is_smart_wallet(&self) -> bool {
        matches!(self, Self::SmartWallet(_))
    }

    /// Whether it is of a contract that may not be deployed yet (ERC-6492).
    pub fn is_counterfactual(&self) -> bool {
        matches!(self, Self::SmartWallet(bytes) if bytes.ends_with(&COUNTERFACTUAL_SUFFIX))
    }

    /// The bytes as contracts take them; 65 with a `v` of 27 or 28 for keys.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Ecdsa(signature) => signature.to_bytes().into(),
            Self::SmartWallet(bytes) => bytes.clone(),
        }
    }
}

impl EcdsaSignature {
    /// What libsecp256k1 has made, whose `s` is always in the lower half.
    pub(super) const fn from_library(r_and_s: [u8; 64], is_odd: bool) -> Self {
        Self { r_and_s, is_odd }
    }

    fn new(r_and_s: [u8; 64], is_odd: bool) -> Result<Self, SignatureError> {
        let s = r_and_s.last_chunk::<32>().ok_or(SignatureError::HighS)?;
        if *s > HALF_ORDER { Err(SignatureError::HighS) } else { Ok(Self { r_and_s, is_odd }) }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let mut r_and_s = *bytes.first_chunk::<64>().ok_or(SignatureError::Empty)?;
        let is_odd = match bytes.get(64) {
            Some(0 | 27) => false,
            Some(1 | 28) => true,
            Some(_) => return Err(SignatureError::Parity),
            None => {
                // EIP-2098 keeps the parity in the highest bit of `s`.
                let is_odd = r_and_s[32] & 0x80 != 0;
                r_and_s[32] &= 0x7f;
                is_odd
            }
        };
        Self::new(r_and_s, is_odd)
    }

    /// Whose key made it over `digest`.
    ///
    /// # Errors
    /// `NoKey` where the numbers are not on the curve.
    pub fn recover(&self, digest: Digest) -> Result<Address, SignatureError> {
        let parity = if self.is_odd { RecoveryId::One } else { RecoveryId::Zero };
        let signature = RecoverableSignature::from_compact(&self.r_and_s, parity).map_err(|_| SignatureError::NoKey)?;
        let message = Message::from_digest(digest.get().0);
        let key = SECP256K1.recover_ecdsa(message, &signature).map_err(|_| SignatureError::NoKey)?;
        Ok(address_of(&key))
    }

    /// `r`, `s` and a `v` of 27 or 28.
    pub fn to_bytes(&self) -> [u8; 65] {
        let mut bytes = [27 + u8::from(self.is_odd); 65];
        for (to, from) in bytes.iter_mut().zip(self.r_and_s) {
            *to = from;
        }
        bytes
    }

    pub fn r(&self) -> B256 {
        B256::new(*self.r_and_s.first_chunk().unwrap_or(&[0; 32]))
    }

    pub fn s(&self) -> B256 {
        B256::new(*self.r_and_s.last_chunk().unwrap_or(&[0; 32]))
    }

    /// The parity of `y`, as transactions carry it.
    pub const fn is_odd(&self) -> bool {
        self.is_odd
    }

    /// `0x` and 130 hex digits.
    pub fn to_hex(&self) -> String {
        hex::encode_prefixed(self.to_bytes())
    }
}

impl std::fmt::Debug for EcdsaSignature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

pub(super) fn address_of(key: &secp256k1::PublicKey) -> Address {
    let bytes = key.serialize_uncompressed();
    let hash = keccak256(bytes.last_chunk::<64>().unwrap_or(&[0; 64]));
    Address::from_word(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evm::SigningKey;

    fn signed() -> (SigningKey, Digest, EcdsaSignature) {
        let key = SigningKey::from_bytes([7; 32]).unwrap();
        let digest = Digest::new(B256::repeat_byte(9));
        let signature = key.sign_digest(digest);
        (key, digest, signature)
    }

    #[test]
    fn every_encoding_of_a_key_s_signature_recovers_the_key() {
        let (key, digest, signature) = signed();
        let bytes = signature.to_bytes();
        let mut zero_based = bytes;
        zero_based[64] -= 27;
        let mut compact = bytes[..64].to_vec();
        compact[32] |= u8::from(signature.is_odd()) << 7;
        for text in [hex::encode_prefixed(bytes), hex::encode_prefixed(zero_based), hex::encode_prefixed(compact)] {
            let Signature::Ecdsa(read) = Signature::parse(&text).unwrap() else { panic!("{text}") };
            assert_eq!(read.recover(digest), Ok(key.address()));
        }
    }

    #[test]
    fn the_other_s_and_other_parities_are_refused() {
        let (_, _, signature) = signed();
        let mut bytes = signature.to_bytes();
        bytes[64] = 29;
        assert_eq!(Signature::parse(&hex::encode_prefixed(bytes)), Err(SignatureError::Parity));
        bytes[64] = 27;
        bytes[32] = 0xff;
        assert_eq!(Signature::parse(&hex::encode_prefixed(bytes)), Err(SignatureError::HighS));
    }

    #[test]
    fn other_lengths_are_a_smart_wallet_s_and_what_is_no_hex_is_refused() {
        assert!(Signature::parse(&format!("0x{}", "ab".repeat(66))).unwrap().is_smart_wallet());
        let counterfactual = Signature::parse(&format!("0x{}{}", "ab".repeat(99), "6492".repeat(16))).unwrap();
        assert!(counterfactual.is_counterfactual());
        assert_eq!(Signature::parse("0x"), Err(SignatureError::Empty));
        assert_eq!(Signature::parse(&format!("0x0x{}", "ab".repeat(65))), Err(SignatureError::NotHex));
        assert_eq!(Signature::parse("0xabc"), Err(SignatureError::NotHex));
        assert_eq!(Signature::parse(&format!("0x{}", "ab".repeat(9000))), Err(SignatureError::TooLong));
    }
}
