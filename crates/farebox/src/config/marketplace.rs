//! `[marketplace]`: who may sell, and for how much.

use super::check::{Broken, broken};
use super::text;
use farebox_base::Micros;
use serde::{Deserialize, Serialize};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marketplace {
    pub open_provider_registration: bool,
    #[serde(with = "text::amount")]
    pub price_cap_usdc: Micros,
}

impl Marketplace {
    pub(super) fn check(&self) -> Result<(), Broken> {
        if self.price_cap_usdc.is_zero() {
            return broken("marketplace.price_cap_usdc", "must be more than 0");
        }
        Ok(())
    }
}
