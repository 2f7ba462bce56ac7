//! API keys as text: minting, the spellings of one credential, and its keyed hash.
//!
//! Pure; the table `api_key` belongs to `keys.rs`. Invariant: a secret exists in the clear only in the `MintedKey` that
//! its creator is shown once; the database holds `blake3(pepper, secret)`.

use crate::text_enum::text_enum;
use farebox_base::{ApiKeyId, KeyId, PartyId, Permission, Rng, Role, Timestamp};
use std::fmt;

const SECRET_BYTES: usize = 32;

text_enum! {
    /// Who holds a key.
    KeyType {
        User = "user",
        Agent = "agent",
    }
}

/// A key that was just made: the only place where its secret can be read.
#[derive(Clone)]
pub struct MintedKey {
    pub api_key_id: ApiKeyId,
    pub key_id: KeyId,
    pub party_id: PartyId,
    pub name: String,
    pub role: Role,
    pub key_type: KeyType,
    /// 64 hex digits, without prefix.
    pub secret: String,
    pub scopes: Option<Vec<Permission>>,
    /// Requests per minute; `None`: not limited by key.
    pub rate_limit_per_minute: Option<u32>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl MintedKey {
    /// `fbx_<id>_<secret>`, as the platform and SQL doors send it.
    pub fn platform_spelling(&self) -> String {
        format!("fbx_{}_{}", self.key_id, self.secret)
    }

    /// `acf_<id>`, as the marketplace shows it.
    pub fn marketplace_key_id(&self) -> String {
        marketplace_key_id(self.key_id)
    }

    /// `sec_<secret>`, as the marketplace shows it.
    pub fn marketplace_secret(&self) -> String {
        format!("sec_{}", self.secret)
    }

    /// What lists show instead of the key.
    pub fn key_prefix(&self) -> String {
        key_prefix(self.key_id)
    }
}

impl fmt::Debug for MintedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedKey")
            .field("key_id", &self.key_id)
            .field("party_id", &self.party_id)
            .field("role", &self.role)
            .field("secret", &"…")
            .finish_non_exhaustive()
    }
}

/// `acf_<id>`.
pub fn marketplace_key_id(key_id: KeyId) -> String {
    format!("acf_{key_id}")
}

/// Reads `acf_<id>`, `fbx_<id>` or the bare id.
pub fn parse_key_id(text: &str) -> Option<KeyId> {
    KeyId::parse(without_prefix(text))
}

pub(crate) fn key_prefix(key_id: KeyId) -> String {
    format!("fbx_{key_id}")
}

pub(crate) fn new_secret(rng: &dyn Rng) -> String {
    let mut bytes = [0; SECRET_BYTES];
    rng.fill(&mut bytes);
    blake3::Hash::from(bytes).to_hex().to_string()
}

pub(crate) fn hash_secret(pepper: &[u8; 32], secret: &str) -> blake3::Hash {
    blake3::keyed_hash(pepper, secret.as_bytes())
}

/// Splits a key in any spelling into its id and its bare secret: `fbx_<id>_<secret>` or `<id>:<secret>`, with the
/// prefixes `fbx_`, `acf_` and `sec_` optional. `None` where the text has no such form.
pub(crate) fn parse_presented(text: &str) -> Option<(KeyId, &str)> {
    let text = without_prefix(text);
    let (id, rest) = text.split_at_checked(16)?;
    let secret = rest.strip_prefix([':', '_'])?;
    Some((KeyId::parse(id)?, bare_secret(secret)?))
}

/// The secret's 64 hex digits from either spelling.
pub(crate) fn bare_secret(text: &str) -> Option<&str> {
    let bare = text.strip_prefix("sec_").unwrap_or(text);
    (bare.len() == 2 * SECRET_BYTES).then_some(bare)
}

fn without_prefix(text: &str) -> &str {
    text.strip_prefix("fbx_").or_else(|| text.strip_prefix("acf_")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::SeededRng;

    #[test]
    fn every_spelling_names_the_same_id_and_secret() {
        let rng = SeededRng::new(1);
        let (id, secret) = (KeyId::generate(&rng), new_secret(&rng));
        for text in [
            format!("fbx_{id}_{secret}"),
            format!("{id}:{secret}"),
            format!("acf_{id}:sec_{secret}"),
            format!("acf_{id}:{secret}"),
            format!("fbx_{id}:sec_{secret}"),
            format!("{id}:sec_{secret}"),
        ] {
            assert_eq!(parse_presented(&text), Some((id, secret.as_str())), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        let rng = SeededRng::new(1);
        let (id, secret) = (KeyId::generate(&rng), new_secret(&rng));
        for text in [
            String::new(),
            id.to_string(),
            format!("{id}:"),
            format!("{id}{secret}"),
            format!("{id}:{}", &secret[1..]),
            format!("{id}:{secret}0"),
            format!("{}:{secret}", &id.to_string()[1..]),
            format!("fbx_acf_{id}:{secret}"),
            format!("{id}:sec_sec_{secret}"),
            "é".repeat(90),
            "z".repeat(81),
        ] {
            assert_eq!(parse_presented(&text), None, "{text}");
        }
    }

    #[test]
    fn the_hash_depends_on_pepper_and_secret() {
        let secret = new_secret(&SeededRng::new(1));
        let hash = hash_secret(&[1; 32], &secret);
        assert_eq!(hash, hash_secret(&[1; 32], &secret));
        assert_ne!(hash, hash_secret(&[2; 32], &secret));
        assert_ne!(hash, hash_secret(&[1; 32], &new_secret(&SeededRng::new(2))));
    }
}
