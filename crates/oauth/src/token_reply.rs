//! What a provider answers where it is asked for tokens (RFC 6749, sections 5.1 and 5.2), read with suspicion.

use crate::Sensitive;
use farebox_base::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

const TOKEN_BYTES_MAX: usize = 16 << 10;
const SCOPES_BYTES_MAX: usize = 8 << 10;
/// Nothing is promised for longer.
const LONGEST: u64 = 10 * 365 * 24 * 3_600;

/// A pair of tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tokens {
    pub access: Sensitive,
    pub refresh: Option<Sensitive>,
    /// Of the access token; `None`: not told.
    pub expires_at: Option<Timestamp>,
    /// `None`: as they were asked for.
    pub scopes: Option<Vec<String>>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The provider says no, with its word for it.
    Refused(String),
    /// No answer, or none that makes sense; another try may help.
    Unclear(String),
}

/// As tokens are sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    access: String,
    refresh: Option<String>,
}

impl Failed {
    /// For the log: holds nothing of what was sent or answered but the provider's word.
    pub(crate) fn cause(&self) -> &str {
        match self {
            Failed::Refused(word) => word,
            Failed::Unclear(cause) => cause,
        }
    }
}

impl Tokens {
    /// Reads an answer that came at `now`.
    pub(crate) fn read(status: StatusCode, body: &[u8], now: Timestamp) -> Result<Self, Failed> {
        let unclear = |cause: &str| Failed::Unclear(format!("status {}: {cause}", status.as_u16()));
        let reply: Value = serde_json::from_slice(body).map_err(|_| unclear("the answer is no JSON"))?;
        if let Some(error) = reply.get("error") {
            return Err(refused(status, error.as_str().unwrap_or_default()));
        }
        if !status.is_success() {
            return Err(unclear("no tokens and no error"));
        }
        // Tokens of other types take more than a header to be used, and used as bearer tokens they would be exposed.
        let kind = reply.get("token_type").and_then(Value::as_str).unwrap_or("bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(unclear("the token is none of the type bearer"));
        }
        let access = token(&reply, "access_token").ok_or_else(|| unclear("there is no usable access_token"))?;
        let seconds = reply.get("expires_in").and_then(seconds).map(|seconds| seconds.min(LONGEST));
        Ok(Self {
            access,
            refresh: token(&reply, "refresh_token"),
            expires_at: seconds.map(|seconds| now.plus(Duration::from_secs(seconds))),
            scopes: reply.get("scope").and_then(Value::as_str).and_then(scopes),
        })
    }

    /// What is sealed.
    pub(crate) fn stored(&self) -> Result<Sensitive, serde_json::Error> {
        let refresh = self.refresh.as_ref().map(|token| token.expose().to_owned());
        let stored = Stored { access: self.access.expose().to_owned(), refresh };
        serde_json::to_string(&stored).map(Sensitive::new)
    }

    /// Reads what `stored` made; `None` where it is something else.
    pub(crate) fn opened(text: &Sensitive) -> Option<(Sensitive, Option<Sensitive>)> {
        let stored: Stored = serde_json::from_str(text.expose()).ok()?;
        Some((Sensitive::new(stored.access), stored.refresh.map(Sensitive::new)))
    }
}

/// A word of the standard decides; anything else, as 5xx with an error in it, may pass.
fn refused(status: StatusCode, error: &str) -> Failed {
    let is_word = (1..=64).contains(&error.len()) && error.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_word && !status.is_server_error() {
        Failed::Refused(error.to_owned())
    } else {
        Failed::Unclear(format!("status {}: an error without a word", status.as_u16()))
    }
}

/// A token that can stand in a header.
fn token(reply: &Value, name: &str) -> Option<Sensitive> {
    let text = reply.get(name)?.as_str()?;
    let is_token = (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    is_token.then(|| Sensitive::new(text))
}

/// Some providers write the number as a text.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Some providers write commas.
fn scopes(text: &str) -> Option<Vec<String>> {
    let is_plain = text.len() <= SCOPES_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    is_plain.then(|| text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Tokens, Failed> {
        Tokens::read(StatusCode::from_u16(status).unwrap(), body.as_bytes(), Timestamp::from_micros(0))
    }

    #[test]
    fn tokens_are_read_in_the_spellings_that_providers_use() {
        let tokens = read(
            200,
            r#"{"access_token":"a","token_type":"Bearer","expires_in":"60","refresh_token":"r","scope":"x,y z"}"#,
        );
        let tokens = tokens.unwrap();
        assert_eq!((tokens.access.expose(), tokens.refresh.unwrap().expose().to_owned()), ("a", "r".to_owned()));
        assert_eq!(tokens.expires_at, Some(Timestamp::from_micros(60_000_000)));
        assert_eq!(tokens.scopes.unwrap(), ["x", "y", "z"]);
        let bare = read(200, r#"{"access_token":"a"}"#).unwrap();
        assert_eq!((bare.refresh, bare.expires_at, bare.scopes), (None, None, None));
        let far = read(200, r#"{"access_token":"a","expires_in":18446744073709551615}"#).unwrap();
        assert!(far.expires_at.is_some_and(|at| at > Timestamp::from_micros(0)));
    }

    #[test]
    fn what_is_no_pair_of_tokens_is_refused_without_being_quoted() {
        assert_eq!(read(400, r#"{"error":"invalid_grant"}"#), Err(Failed::Refused("invalid_grant".to_owned())));
        assert_eq!(read(200, r#"{"error":"bad_verification_code"}"#).unwrap_err().cause(), "bad_verification_code");
        for (status, body) in [
            (200, ""),
            (200, "<html>hunter2</html>"),
            (200, "[]"),
            (200, "{}"),
            (200, r#"{"access_token":""}"#),
            (200, r#"{"access_token":"hunter2 x"}"#),
            (200, r#"{"access_token":"hunter2\r\nX-Evil: 1"}"#),
            (200, r#"{"access_token":"hunter2é"}"#),
            (200, r#"{"access_token":7}"#),
            (200, r#"{"access_token":"hunter2","token_type":"DPoP"}"#),
            (302, r#"{"access_token":"hunter2"}"#),
            (500, r#"{"access_token":"hunter2"}"#),
            (503, r#"{"error":"temporarily_unavailable"}"#),
            (400, r#"{"error":"hunter2 is wrong"}"#),
        ] {
            let failed = read(status, body).unwrap_err();
            assert!(matches!(&failed, Failed::Unclear(cause) if !cause.contains("hunter2")), "{body}: {failed:?}");
        }
    }
}
