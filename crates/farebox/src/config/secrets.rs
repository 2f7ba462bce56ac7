//! `[secrets]`: the key that encrypts sellers' secrets.

use super::check::{Broken, broken};
use super::text;
use farebox_api_types::Secret;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    #[serde(with = "text::optional_path")]
    pub key_file: Option<PathBuf>,
    /// 64 hex digits.
    #[serde(with = "text::optional_secret")]
    pub key: Option<Secret>,
}

impl Secrets {
    pub(super) fn check(&self) -> Result<(), Broken> {
        let Some(key) = &self.key else { return Ok(()) };
        if self.key_file.is_some() {
            return broken("secrets.key_file", "must not be set together with secrets.key");
        }
        let is_key = key.expose().len() == 64 && key.expose().bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_key { Ok(()) } else { broken("secrets.key", "must be 64 hex digits") }
    }
}
