//! `[databases]`: the server on which the operator makes databases for organisations.

use super::check::{Broken, broken};
use super::database::{read_url, write_url};
use farebox_api_types::Secret;
use serde::{Deserialize, Serialize};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Databases {
    /// With the password of a role that may make databases and roles.
    #[serde(deserialize_with = "read_url", serialize_with = "write_url")]
    pub admin_url: Option<Secret>,
}

impl Databases {
    pub(super) fn check(&self) -> Result<(), Broken> {
        if self.admin_url.is_none() {
            return Ok(());
        }
        match self.place() {
            Some(_) => Ok(()),
            None => broken("databases.admin_url", "must have the form postgres://user:password@host:port/postgres"),
        }
    }

    /// Host and port of the server.
    pub(crate) fn place(&self) -> Option<(String, u16)> {
        let url = url::Url::parse(self.admin_url.as_ref()?.expose()).ok()?;
        let is_postgres = matches!(url.scheme(), "postgres" | "postgresql") && !url.username().is_empty();
        let host = url.host_str().filter(|host| is_postgres && !host.is_empty())?.to_owned();
        Some((host, url.port().unwrap_or(5432)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_place_is_read_and_anything_else_is_refused() {
        let of = |url: &str| Databases { admin_url: Some(Secret::new(url.to_owned())) };
        assert_eq!(of("postgres://me:x@db.example:6432/postgres").place(), Some(("db.example".to_owned(), 6432)));
        assert_eq!(of("postgresql://me@db/postgres").place(), Some(("db".to_owned(), 5432)));
        for bad in ["postgres://db/postgres", "mysql://me@db/x", "host=db user=me", "postgres:///x"] {
            assert!(of(bad).check().is_err(), "{bad}");
        }
        assert!(Databases { admin_url: None }.check().is_ok());
    }
}
