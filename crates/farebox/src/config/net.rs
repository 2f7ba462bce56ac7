//! `[net]`: requests to upstreams.

use super::check::{Broken, at_least, at_most, broken};
use super::text;
use farebox_net::AllowRule;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Net {
    /// Each one a rule that `farebox_net::AllowRule` reads.
    pub allow: Vec<String>,
    pub connect_timeout_ms: u64,
    pub first_byte_timeout_ms: u64,
    pub idle_timeout_ms: u64,
    pub total_timeout_ms: u64,
    pub pool_max_idle_per_host: usize,
    pub pool_idle_timeout_ms: u64,
    pub prefer_http2: bool,
    #[serde(with = "text::optional_path")]
    pub extra_root_certificates: Option<PathBuf>,
}

impl Net {
    pub(super) fn check(&self) -> Result<(), Broken> {
        if let Some(wrong) = self.allow.iter().find(|rule| rule.parse::<AllowRule>().is_err()) {
            return broken("net.allow", format!("must hold HOST[:PORT] or ADDRESS[/PREFIX][:PORT], not {wrong:?}"));
        }
        at_least("net.total_timeout_ms", self.total_timeout_ms, 1)?;
        for (key, timeout_ms) in [
            ("net.connect_timeout_ms", self.connect_timeout_ms),
            ("net.first_byte_timeout_ms", self.first_byte_timeout_ms),
            ("net.idle_timeout_ms", self.idle_timeout_ms),
        ] {
            at_least(key, timeout_ms, 1)?;
            at_most(key, timeout_ms, self.total_timeout_ms)?;
        }
        Ok(())
    }
}
