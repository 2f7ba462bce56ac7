//! An address or `""`.

use alloy_primitives::Address;
use farebox_x402::evm::address::{checksummed, parse_checked};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    parse_checked(&text).map(Some).map_err(D::Error::custom)
}

pub fn serialize<S: Serializer>(address: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&address.map(checksummed).unwrap_or_default())
}
