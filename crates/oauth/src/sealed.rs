//! Random texts, their hashes, and sealing.

use crate::{Oauth, Sensitive};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farebox_accounts::Vault;
use farebox_base::{Error, Result};
use sha2::{Digest as _, Sha256};

impl Oauth {
    /// 256 random bits in 43 characters that stand in URLs and cookies as they are.
    pub(crate) fn random(&self) -> Sensitive {
        let mut bytes = [0; 32];
        self.rng().fill(&mut bytes);
        Sensitive::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A keyed hash; texts of different purposes never have the same one. Compares in constant time.
    pub(crate) fn hash(&self, purpose: &str, text: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0.hash_key);
        hasher.update(purpose.as_bytes()).update(b"\0").update(text.as_bytes());
        hasher.finalize()
    }

    /// Seals a text for a column of a row.
    pub(crate) fn seal(&self, column: &str, row: &str, text: &Sensitive) -> Result<Vec<u8>> {
        self.vault().seal(text.expose().as_bytes(), &Vault::place(column, row))
    }

    /// Opens what `seal` made for the same place.
    pub(crate) fn open(&self, column: &str, row: &str, sealed: &[u8]) -> Result<Sensitive> {
        let plain = self.vault().open(sealed, &Vault::place(column, row))?;
        let text = String::from_utf8(plain).map_err(|_| Error::internal(format!("{column} of {row} is no text")))?;
        Ok(Sensitive::new(text))
    }
}

/// The challenge for a verifier (RFC 7636, S256).
pub(crate) fn challenge(verifier: &Sensitive) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standards_example() {
        let verifier = Sensitive::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(format!("{verifier:?}"), "Sensitive(…)");
    }
}
