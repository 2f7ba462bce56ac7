//! Access tokens as text: `fbt_<key>.<claims>.<seal>`.
//!
//! The claims are session, user and end in 40 bytes; the seal is their keyed BLAKE3 hash together with the key's id.
//! Only this server reads them, so there is one algorithm and no header that could name another; nothing is parsed
//! before the seal was checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farebox_base::{SessionId, Timestamp, UserId};
use uuid::Uuid;

const PREFIX: &str = "fbt_";
const CLAIMS_BYTES: usize = 40;

/// What a token says once its seal was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub expires_at: Timestamp,
}

/// A token's parts, not checked.
pub(crate) struct Presented<'a> {
    pub key_id: &'a str,
    sealed: &'a str,
    claims: [u8; CLAIMS_BYTES],
    seal: [u8; 32],
}

/// Whether a bearer credential wants to be an access token.
pub(crate) fn is_access_token(presented: &str) -> bool {
    presented.starts_with(PREFIX)
}

pub(super) fn sign(key_id: &str, key: &[u8; 32], claims: &Claims) -> String {
    let mut bytes = Vec::with_capacity(CLAIMS_BYTES);
    bytes.extend_from_slice(claims.session_id.uuid().as_bytes());
    bytes.extend_from_slice(claims.user_id.uuid().as_bytes());
    bytes.extend_from_slice(&claims.expires_at.micros().to_be_bytes());
    let mut text = format!("{PREFIX}{key_id}.{}", URL_SAFE_NO_PAD.encode(bytes));
    let seal = blake3::keyed_hash(key, text.as_bytes());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(seal.as_bytes(), &mut text);
    text
}

/// Takes a token apart; `None` where the text has no such form.
pub(super) fn parse(text: &str) -> Option<Presented<'_>> {
    let (sealed, seal) = text.rsplit_once('.')?;
    let (key_id, claims) = sealed.strip_prefix(PREFIX)?.split_once('.')?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?.try_into().ok()?;
    let seal = URL_SAFE_NO_PAD.decode(seal).ok()?.try_into().ok()?;
    Some(Presented { key_id, sealed, claims, seal })
}

impl Presented<'_> {
    /// What it says, if the key has sealed it.
    pub(super) fn open(&self, key: &[u8; 32]) -> Option<Claims> {
        // Equality of `blake3::Hash` takes the same time wherever the bytes differ.
        if blake3::keyed_hash(key, self.sealed.as_bytes()) != blake3::Hash::from(self.seal) {
            return None;
        }
        let (session, rest) = self.claims.split_first_chunk::<16>()?;
        let (user, end) = rest.split_first_chunk::<16>()?;
        Some(Claims {
            session_id: SessionId::from_uuid(Uuid::from_bytes(*session)),
            user_id: UserId::from_uuid(Uuid::from_bytes(*user)),
            expires_at: Timestamp::from_micros(i64::from_be_bytes(end.try_into().ok()?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            session_id: SessionId::from_uuid(Uuid::from_u128(1)),
            user_id: UserId::from_uuid(Uuid::from_u128(2)),
            expires_at: Timestamp::from_micros(1_773_914_400_000_000),
        }
    }

    #[test]
    fn a_token_says_what_was_signed_and_only_to_its_key() {
        let token = sign("0123456789abcdef", &[7; 32], &claims());
        let presented = parse(&token).unwrap();
        assert_eq!(presented.key_id, "0123456789abcdef");
        assert_eq!(presented.open(&[7; 32]), Some(claims()));
        assert_eq!(presented.open(&[8; 32]), None);
        assert!(is_access_token(&token) && !is_access_token("fbx_0123456789abcdef_00"));
    }

    #[test]
    fn no_changed_character_goes_unseen() {
        let token = sign("0123456789abcdef", &[7; 32], &claims());
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(parse(&changed).and_then(|shown| shown.open(&[7; 32])).is_none(), "at {at}");
        }
        for text in ["", "fbt_", "fbt_..", "fbt_a.b.c", "fbt_é.é.é", &token[..token.len() - 1], &format!("{token}A")]
        {
            assert!(parse(text).and_then(|shown| shown.open(&[7; 32])).is_none(), "{text}");
        }
    }
}
