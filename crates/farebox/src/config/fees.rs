//! `[fees]`: what the gateway earns.

use super::check::{Broken, at_least, at_most};
use serde::{Deserialize, Serialize};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// Hundredths of a percent, 0 to 10,000.
    pub gateway_fee_basis_points: i64,
}

impl Fees {
    pub(super) fn check(&self) -> Result<(), Broken> {
        at_least("fees.gateway_fee_basis_points", self.gateway_fee_basis_points, 0)?;
        at_most("fees.gateway_fee_basis_points", self.gateway_fee_basis_points, 10_000)
    }
}
