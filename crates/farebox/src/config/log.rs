//! `[log]`: what is written and how.

use super::check::{Broken, broken};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    /// Directives that `EnvFilter` reads.
    pub filter: String,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Log {
    pub(super) fn check(&self) -> Result<(), Broken> {
        match EnvFilter::builder().parse(&self.filter) {
            Ok(_) => Ok(()),
            Err(error) => broken("log.filter", format!("must be a level or levels per module: {error}")),
        }
    }
}
