//! `[limits]`: sizes of bodies, requests per address.

use super::check::{Broken, at_least};
use serde::{Deserialize, Serialize};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub json_body_bytes: usize,
    pub marketplace_enabled: bool,
    pub marketplace_per_minute: u32,
    pub marketplace_burst: u32,
    pub sql_gateway_enabled: bool,
    pub sql_gateway_per_15_minutes: u32,
    pub sql_gateway_queries_per_15_minutes: u32,
    pub sql_gateway_deposits_per_15_minutes: u32,
    pub audited_refusals_per_minute: u32,
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), Broken> {
        at_least("limits.json_body_bytes", self.json_body_bytes, 1)?;
        at_least("limits.marketplace_per_minute", self.marketplace_per_minute, 1)?;
        at_least("limits.marketplace_burst", self.marketplace_burst, self.marketplace_per_minute)?;
        at_least("limits.sql_gateway_per_15_minutes", self.sql_gateway_per_15_minutes, 1)?;
        at_least("limits.sql_gateway_queries_per_15_minutes", self.sql_gateway_queries_per_15_minutes, 1)?;
        at_least("limits.sql_gateway_deposits_per_15_minutes", self.sql_gateway_deposits_per_15_minutes, 1)?;
        at_least("limits.audited_refusals_per_minute", self.audited_refusals_per_minute, 1)
    }
}
