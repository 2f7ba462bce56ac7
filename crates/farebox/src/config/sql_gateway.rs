//! `[sql_gateway]`: queries of buyers.

use super::Database;
use super::check::{Broken, at_least, broken};
use serde::{Deserialize, Serialize};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlGateway {
    pub wallet_proof: WalletProof,
    pub max_rows: u64,
    pub timeout_ms: u64,
}

/// Whether a wallet that is only named in a request may pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WalletProof {
    /// Never: it takes a signature or a key.
    Required,
    /// Yes, as long as nobody has registered the wallet; for demonstrations.
    Optional,
}

impl SqlGateway {
    pub(super) fn check(&self, database: &Database) -> Result<(), Broken> {
        at_least("sql_gateway.max_rows", self.max_rows, 1)?;
        at_least("sql_gateway.timeout_ms", self.timeout_ms, 1)?;
        if self.wallet_proof == WalletProof::Optional && database.url.is_some() {
            return broken("sql_gateway.wallet_proof", "must be \"required\" where database.url is set");
        }
        Ok(())
    }
}
