//! What a seller's server or database asks for: keys, headers, connection strings.
//!
//! Stored sealed, bound to its listing's row. Invariant: `Debug` shows what is there, never what it says.

use crate::{Change, Market};
use farebox_accounts::Vault;
use farebox_base::{Error, ListingId, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

const MOST_HEADERS: usize = 32;
const LONGEST_VALUE_BYTES: usize = 8 * 1024;
const HEADERS_OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The secret half of a listing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamSecret {
    /// `postgres://…` for PostgreSQL, `sqlite:<file name>` for SQLite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_string: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The header that carries `api_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_header: Option<String>,
    /// The query parameter that carries `api_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_query_param: Option<String>,
    /// Headers to add to every request, names and values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// Changes to a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretChanges {
    pub connection_string: Change<String>,
    pub api_key: Change<String>,
    pub api_key_header: Change<String>,
    pub api_key_query_param: Change<String>,
    /// All of them; clearing leaves none.
    pub headers: Change<Vec<(String, String)>>,
}

impl fmt::Debug for UpstreamSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |there: bool| if there { "set" } else { "none" };
        f.debug_struct("UpstreamSecret")
            .field("connection_string", &shown(self.connection_string.is_some()))
            .field("api_key", &shown(self.api_key.is_some()))
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretChanges").finish_non_exhaustive()
    }
}

impl SecretChanges {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl UpstreamSecret {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn apply(&mut self, changes: SecretChanges) {
        changes.connection_string.apply(&mut self.connection_string);
        changes.api_key.apply(&mut self.api_key);
        changes.api_key_header.apply(&mut self.api_key_header);
        changes.api_key_query_param.apply(&mut self.api_key_query_param);
        let mut headers = Some(std::mem::take(&mut self.headers));
        changes.headers.apply(&mut headers);
        self.headers = headers.unwrap_or_default();
    }

    /// Refuses what could not be sent, or would change more of the request than it says.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(name) = &self.api_key_header {
            check_header_name("api_key_header", name)?;
        }
        if let Some(key) = &self.api_key {
            check_header_value("upstream_api_key", key)?;
        }
        if let Some(name) = &self.api_key_query_param
            && (name.is_empty() || name.len() > 100 || !name.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(Error::invalid("api_key_query_param", "must be 1 to 100 visible ASCII characters"));
        }
        if self.headers.len() > MOST_HEADERS {
            return Err(Error::invalid("api_headers", format!("must not have more than {MOST_HEADERS} entries")));
        }
        for (name, value) in &self.headers {
            check_header_name("api_headers", name)?;
            check_header_value("api_headers", value)?;
        }
        Ok(())
    }
}

impl Market {
    /// The blob for the column, `None` for an empty secret.
    pub(crate) fn seal(&self, id: ListingId, secret: &UpstreamSecret) -> Result<Option<Vec<u8>>> {
        if secret.is_empty() {
            return Ok(None);
        }
        let plain = serde_json::to_vec(secret).map_err(|e| Error::internal(format!("secret of {id}: {e}")))?;
        self.0.parts.vault.seal(&plain, &place(id)).map(Some)
    }

    pub(crate) fn open(&self, id: ListingId, sealed: Option<&[u8]>) -> Result<UpstreamSecret> {
        let Some(sealed) = sealed else { return Ok(UpstreamSecret::default()) };
        let plain = self.0.parts.vault.open(sealed, &place(id))?;
        // The parser's message may quote the secret, so it is not passed on.
        serde_json::from_slice(&plain).map_err(|_| Error::internal(format!("the secret of listing {id} is no JSON")))
    }
}

fn place(id: ListingId) -> Vec<u8> {
    Vault::place("listing.secret", &id.to_string())
}

fn check_header_name(field: &str, name: &str) -> Result<()> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
        return Err(Error::invalid(field, "must name a header: 1 to 100 letters, digits or hyphens"));
    }
    if HEADERS_OF_THE_CONNECTION.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
        return Err(Error::invalid(field, format!("must not name {name}, which belongs to the connection")));
    }
    Ok(())
}

fn check_header_value(field: &str, value: &str) -> Result<()> {
    let visible = |b: u8| b.is_ascii_graphic() || b == b' ' || b == b'\t';
    if value.is_empty() || value.len() > LONGEST_VALUE_BYTES || !value.bytes().all(visible) {
        return Err(Error::invalid(field, "must be 1 to 8192 visible ASCII characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> UpstreamSecret {
        UpstreamSecret {
            connection_string: Some("postgres://user:hunter2@db/x".to_owned()),
            api_key: Some("hunter2".to_owned()),
            api_key_header: Some("X-Api-Key".to_owned()),
            api_key_query_param: None,
            headers: vec![("X-Token".to_owned(), "hunter2".to_owned())],
        }
    }

    #[test]
    fn debug_never_shows_a_value() {
        assert!(!format!("{:?}", secret()).contains("hunter2"));
        let changes = SecretChanges { api_key: Change::Set("hunter2".to_owned()), ..SecretChanges::default() };
        assert!(!format!("{changes:?}").contains("hunter2"));
    }

    #[test]
    fn headers_that_cannot_be_sent_or_smuggle_others_are_refused() {
        assert!(secret().check().is_ok());
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("X", "a\r\nY: b"),
            ("Host", "x"),
            ("transfer-encoding", "x"),
            ("X", ""),
            ("X", "é"),
        ] {
            let bad = UpstreamSecret { headers: vec![(name.to_owned(), value.to_owned())], ..secret() };
            assert_eq!(bad.check().unwrap_err().field.as_deref(), Some("api_headers"), "{name:?}: {value:?}");
        }
        assert!(UpstreamSecret { api_key: Some("a\nb".to_owned()), ..secret() }.check().is_err());
    }

    #[test]
    fn changes_keep_clear_and_set() {
        let mut changed = secret();
        changed.apply(SecretChanges {
            api_key: Change::Clear,
            headers: Change::Set(vec![]),
            api_key_query_param: Change::Set("k".to_owned()),
            ..SecretChanges::default()
        });
        let expected =
            UpstreamSecret { api_key: None, headers: vec![], api_key_query_param: Some("k".to_owned()), ..secret() };
        assert!(changed == expected);
    }
}
