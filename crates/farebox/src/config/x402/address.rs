//! An address or `""`.

use alloy_primitives::Address;
use farebox_x402::evm::address::{checksummed, parse};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let address = parse(&text).filter(|address| !address.is_zero());
    address.map(Some).ok_or_else(|| D::Error::custom("must be an address: 40 hex digits after 0x, and not zero"))
}

pub fn serialize<S: Serializer>(address: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&address.map(checksummed).unwrap_or_default())
}
