//! Sealing of secrets that must be read again, as sellers' credentials: XChaCha20-Poly1305 under a master key that the operator holds.
//!
//! Owns the format of a sealed blob; knows nothing of what is inside. Invariants: a blob opens only at the place
//! (table and row) it was sealed for and only if no bit of it changed; nonces are random, 192 bits.
//! Blob: format version (1 byte), number of the master key (1), nonce (24), ciphertext with tag (length + 16).

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use farebox_base::{Error, Result, Rng};
use std::fmt;
use std::sync::Arc;

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 2;
const NONCE_BYTES: usize = 24;

/// One master key and the number that blobs name it by.
#[derive(Clone)]
pub struct MasterKey {
    /// Never used again for another key.
    pub number: u8,
    pub key: [u8; 32],
}

/// Seals with the first of its keys and opens with any of them, so that keys can be rotated. A clone shares it.
#[derive(Clone)]
pub struct Vault {
    current: u8,
    ciphers: Arc<[(u8, XChaCha20Poly1305)]>,
    rng: Arc<dyn Rng>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("number", &self.number).finish_non_exhaustive()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("current", &self.current).finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault with one key, which gets the number 1.
    pub fn from_key(key: [u8; 32], rng: Arc<dyn Rng>) -> Self {
        Self { current: 1, ciphers: Arc::from([(1, XChaCha20Poly1305::new(&key.into()))]), rng }
    }

    /// A vault with several keys; the first one seals.
    ///
    /// # Errors
    /// `Internal` where there is no key or two keys have one number.
    pub fn from_keys(keys: &[MasterKey], rng: Arc<dyn Rng>) -> Result<Self> {
        let current = keys.first().ok_or_else(|| Error::internal("the vault needs a master key"))?.number;
        let mut ciphers: Vec<(u8, XChaCha20Poly1305)> = Vec::with_capacity(keys.len());
        for MasterKey { number, key } in keys {
            if ciphers.iter().any(|(known, _)| known == number) {
                return Err(Error::internal(format!("two master keys have the number {number}")));
            }
            ciphers.push((*number, XChaCha20Poly1305::new(&(*key).into())));
        }
        Ok(Self { current, ciphers: ciphers.into(), rng })
    }

    /// The associated data for a secret in `column` ("table.column") of the row `id`.
    pub fn place(column: &str, id: &str) -> Vec<u8> {
        [column.as_bytes(), b"\0", id.as_bytes()].concat()
    }

    /// Encrypts `plain` for the place that `aad` names.
    ///
    /// # Errors
    /// `Internal` where `plain` is too long for the cipher (256 GB).
    pub fn seal(&self, plain: &[u8], aad: &[u8]) -> Result<Vec<u8>> {
        let mut blob = vec![0; HEADER_BYTES + NONCE_BYTES];
        blob[..HEADER_BYTES].copy_from_slice(&[FORMAT, self.current]);
        self.rng.fill(&mut blob[HEADER_BYTES..]);
        let aad = bound(&blob[..HEADER_BYTES], aad);
        let nonce = XNonce::from_slice(&blob[HEADER_BYTES..]);
        let sealed = self
            .cipher(self.current)?
            .encrypt(nonce, Payload { msg: plain, aad: &aad })
            .map_err(|_| Error::internal("the secret is too long to be sealed"))?;
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    /// Decrypts what `seal` made for the same place.
    ///
    /// # Errors
    /// `Internal`, with the cause for the log: unknown format, a key number that is not configured, or a blob that
    /// was sealed with another key, for another place, or changed since.
    pub fn open(&self, blob: &[u8], aad: &[u8]) -> Result<Vec<u8>> {
        let [format, number, rest @ ..] = blob else {
            return Err(Error::internal("a sealed secret is too short"));
        };
        if *format != FORMAT || rest.len() < NONCE_BYTES {
            return Err(Error::internal("a sealed secret has a format that this version does not know"));
        }
        let (nonce, sealed) = rest.split_at(NONCE_BYTES);
        let aad = bound(&[*format, *number], aad);
        self.cipher(*number)?.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: &aad }).map_err(|_| {
            Error::internal(format!(
                "a sealed secret does not open: master key {number} is not the one it was sealed with, or it was \
                 changed or moved to another row"
            ))
        })
    }

    /// Whether the blob was sealed with the current key; if not, seal it anew after opening.
    pub fn is_current(&self, blob: &[u8]) -> bool {
        blob.get(..HEADER_BYTES) == Some(&[FORMAT, self.current])
    }

    fn cipher(&self, number: u8) -> Result<&XChaCha20Poly1305> {
        self.ciphers.iter().find(|(known, _)| *known == number).map(|(_, cipher)| cipher).ok_or_else(|| {
            Error::internal(format!("a secret was sealed with master key {number}, which is not configured"))
        })
    }
}

/// The header is authenticated too, so that nobody can point a blob at another key or format.
fn bound(header: &[u8], aad: &[u8]) -> Vec<u8> {
    [header, aad].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::SeededRng;

    fn vault(byte: u8) -> Vault {
        Vault::from_key([byte; 32], Arc::new(SeededRng::new(1)))
    }

    #[test]
    fn a_secret_opens_where_it_was_sealed_and_each_sealing_differs() {
        let place = Vault::place("listing.secret", "1");
        let blob = vault(7).seal(b"postgres://u:p@h/d", &place).unwrap();
        assert_eq!(vault(7).open(&blob, &place).unwrap(), b"postgres://u:p@h/d");
        assert!(!blob.windows(8).any(|w| w == b"postgres"));
        let one = vault(7);
        assert_ne!(one.seal(b"x", &place).unwrap(), one.seal(b"x", &place).unwrap());
    }

    #[test]
    fn every_changed_bit_another_place_and_another_key_are_refused() {
        let place = Vault::place("listing.secret", "1");
        let blob = vault(7).seal(b"secret", &place).unwrap();
        for bit in 0..blob.len() * 8 {
            let mut changed = blob.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(vault(7).open(&changed, &place).is_err(), "bit {bit}");
        }
        for cut in 0..blob.len() {
            assert!(vault(7).open(&blob[..cut], &place).is_err(), "cut at {cut}");
        }
        assert!(vault(7).open(&blob, &Vault::place("listing.secret", "2")).is_err());
        assert!(vault(7).open(&blob, &Vault::place("webhook.secret", "1")).is_err());
        let error = vault(8).open(&blob, &place).unwrap_err();
        assert!(error.internal.unwrap().contains("not the one it was sealed with"));
    }

    #[test]
    fn rotation_opens_old_blobs_and_seals_with_the_first_key() {
        let place = Vault::place("listing.secret", "1");
        let rng = Arc::new(SeededRng::new(1));
        let key = |number, byte| MasterKey { number, key: [byte; 32] };
        let old = Vault::from_keys(&[key(1, 7)], rng.clone()).unwrap();
        let rotated = Vault::from_keys(&[key(2, 8), key(1, 7)], rng.clone()).unwrap();
        let blob = old.seal(b"secret", &place).unwrap();
        assert_eq!(rotated.open(&blob, &place).unwrap(), b"secret");
        assert!(!rotated.is_current(&blob));
        let renewed = rotated.seal(b"secret", &place).unwrap();
        assert!(rotated.is_current(&renewed));
        assert!(old.open(&renewed, &place).unwrap_err().internal.unwrap().contains("not configured"));
        assert!(Vault::from_keys(&[], rng.clone()).is_err());
        assert!(Vault::from_keys(&[key(1, 1), key(1, 2)], rng).is_err());
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?} {:?}", vault(0xab), MasterKey { number: 3, key: [0xab; 32] });
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab, ab"), "{shown}");
    }
}
