//! `[database]`: where the books are.

use super::check::{Broken, at_least, at_most, broken};
use super::text::{self, REDACTED};
use farebox_api_types::Secret;
use farebox_db::PostgresSettings;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::PathBuf;
use std::time::Duration;

/// More than any PostgreSQL server takes.
const CONNECTIONS_MOST: usize = 10_000;

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Of PostgreSQL, with its password; none for the embedded database.
    #[serde(deserialize_with = "read_url", serialize_with = "write_url")]
    pub url: Option<Secret>,
    pub data_dir: PathBuf,
    pub max_connections: usize,
    pub prepared_statements: bool,
    pub answer_timeout_ms: u64,
    #[serde(with = "text::optional_path")]
    pub ca_file: Option<PathBuf>,
}

impl Database {
    pub(super) fn check(&self) -> Result<(), Broken> {
        at_least("database.max_connections", self.max_connections, 1)?;
        at_most("database.max_connections", self.max_connections, CONNECTIONS_MOST)?;
        at_least("database.answer_timeout_ms", self.answer_timeout_ms, 100)?;
        if self.data_dir.as_os_str().is_empty() {
            return broken("database.data_dir", "must name a folder");
        }
        if let Some(file) = self.ca_file.as_ref().filter(|file| !file.is_file()) {
            return broken("database.ca_file", format!("must name a file; there is none at {}", file.display()));
        }
        match self.server().map(|server| server.place()) {
            Some(Err(rule)) => broken("database.url", rule),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    /// How PostgreSQL is reached; none for the embedded database.
    pub(crate) fn server(&self) -> Option<PostgresSettings> {
        self.url.as_ref().map(|url| PostgresSettings {
            url: url.expose().to_owned(),
            max_connections: self.max_connections,
            prepared_statements: self.prepared_statements,
            answer_timeout: Some(Duration::from_millis(self.answer_timeout_ms)),
            ca_file: self.ca_file.clone(),
        })
    }
}

pub(super) fn read_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    super::text::optional_secret::deserialize(deserializer)
}

pub(super) fn write_url<S: Serializer>(url: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&url.as_ref().map(|url| without_password(url.expose())).unwrap_or_default())
}

/// The URL with its password replaced; nothing of it where a password may stand elsewhere too.
fn without_password(url: &str) -> String {
    if url.to_ascii_lowercase().contains("password") {
        return REDACTED.to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else { return REDACTED.to_owned() };
    let Some((user, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    match user.split_once(':') {
        Some((name, _)) => format!("{scheme}://{name}:…@{place}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        let shown = |url| without_password(url);
        assert_eq!(shown("postgres://me:p@ss:w@db:5432/books"), "postgres://me:…@db:5432/books");
        assert_eq!(shown("postgres://me@db/books"), "postgres://me@db/books");
        assert_eq!(shown("postgres://db/books?sslmode=require"), "postgres://db/books?sslmode=require");
        assert_eq!(shown("postgres://db/books?user=me&password=hunter2"), REDACTED);
    }
}
