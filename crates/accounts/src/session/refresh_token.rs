//! Refresh tokens as text: `fbr_` and 84 bytes: session, generation, a random part and the seal over all of them.
//!
//! The seal tells a token that was once given out from one that was made up, whatever the database still knows: so an
//! old one is recognised as reused, and a guess ends nobody's session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farebox_base::{Rng, SessionId};
use uuid::Uuid;

const PREFIX: &str = "fbr_";
const SEALED_BYTES: usize = 52;

/// Whether a credential looks like a refresh token.
pub(crate) fn is_refresh_token(presented: &str) -> bool {
    presented.starts_with(PREFIX)
}

/// A token that was given out here at some time.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RefreshToken {
    pub session_id: SessionId,
    /// 1 for the session's first.
    pub generation: u32,
    random: [u8; 32],
}

/// Derived from the server's secret; seals tokens and hashes them.
pub(super) struct RefreshKeys {
    seal: [u8; 32],
    hash: [u8; 32],
}

impl RefreshKeys {
    pub(super) fn new(pepper: &[u8; 32]) -> Self {
        Self {
            seal: blake3::derive_key("farebox 2026 seal of refresh tokens", pepper),
            hash: blake3::derive_key("farebox 2026 hash of refresh tokens", pepper),
        }
    }

    pub(super) fn text(&self, token: &RefreshToken) -> String {
        let mut bytes = token.bytes().to_vec();
        bytes.extend_from_slice(blake3::keyed_hash(&self.seal, &bytes).as_bytes());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// `None` where the text is no token of this server.
    pub(super) fn parse(&self, text: &str) -> Option<RefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (sealed, seal) = bytes.split_first_chunk::<SEALED_BYTES>()?;
        let seal: [u8; 32] = seal.try_into().ok()?;
        if blake3::keyed_hash(&self.seal, sealed) != blake3::Hash::from(seal) {
            return None;
        }
        let (session, rest) = sealed.split_first_chunk::<16>()?;
        let (generation, random) = rest.split_first_chunk::<4>()?;
        Some(RefreshToken {
            session_id: SessionId::from_uuid(Uuid::from_bytes(*session)),
            generation: u32::from_be_bytes(*generation),
            random: random.try_into().ok()?,
        })
    }

    /// What the database keeps of the last token.
    pub(super) fn hash(&self, token: &RefreshToken) -> blake3::Hash {
        blake3::keyed_hash(&self.hash, &token.bytes())
    }
}

impl RefreshToken {
    pub(super) fn new(session_id: SessionId, generation: u32, rng: &dyn Rng) -> Self {
        let mut random = [0; 32];
        rng.fill(&mut random);
        Self { session_id, generation, random }
    }

    fn bytes(&self) -> [u8; SEALED_BYTES] {
        let mut bytes = [0; SEALED_BYTES];
        bytes[..16].copy_from_slice(self.session_id.uuid().as_bytes());
        bytes[16..20].copy_from_slice(&self.generation.to_be_bytes());
        bytes[20..].copy_from_slice(&self.random);
        bytes
    }
}

/// The session that a refresh token was given out for, good or not.
pub(crate) fn refresh_token_session(pepper: &[u8; 32], text: &str) -> Option<SessionId> {
    RefreshKeys::new(pepper).parse(text).map(|token| token.session_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::SeededRng;

    #[test]
    fn only_a_token_of_this_server_is_read_and_no_changed_bit_goes_unseen() {
        let (keys, other) = (RefreshKeys::new(&[1; 32]), RefreshKeys::new(&[2; 32]));
        let token = RefreshToken::new(SessionId::from_uuid(Uuid::from_u128(5)), 7, &SeededRng::new(1));
        let text = keys.text(&token);
        assert!(keys.parse(&text) == Some(token.clone()) && other.parse(&text).is_none());
        assert_ne!(keys.hash(&token), other.hash(&token));
        let bytes = URL_SAFE_NO_PAD.decode(&text[PREFIX.len()..]).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.parse(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(changed))).is_none(), "bit {bit}");
        }
        for bad in ["", "fbr_", "fbr_AAAA", "é", &text[1..], &format!("{text}AAAA")] {
            assert!(keys.parse(bad).is_none(), "{bad}");
        }
    }
}
