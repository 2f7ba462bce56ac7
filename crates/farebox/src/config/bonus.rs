//! `[bonus]`: what is given away. Any amount that can be read is a legal one.

use super::text;
use farebox_base::Micros;
use serde::{Deserialize, Serialize};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bonus {
    #[serde(with = "text::amount")]
    pub signup_usdc: Micros,
}
