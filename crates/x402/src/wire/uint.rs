//! A whole number that JSON carries as a decimal string.

use std::fmt;

use alloy_primitives::U256;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount or a time. Sent as a decimal string; taken as one, or as a whole JSON number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uint(pub U256);

impl Uint {
    /// As many digits as 2^256 has.
    const DIGITS_MAX: usize = 78;

    /// Decimal digits alone: no sign, space, prefix or separator. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = (1..=Self::DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain {
            return None;
        }
        if text.len() < 20 {
            return text.parse::<u64>().ok().map(|value| Self(U256::from(value)));
        }
        U256::from_str_radix(text, 10).ok().map(Self)
    }
}

impl fmt::Display for Uint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Uint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UintVisitor)
    }
}

struct UintVisitor;

impl Visitor<'_> for UintVisitor {
    type Value = Uint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number as a decimal string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Uint, E> {
        Uint::parse(text).ok_or_else(|| E::custom("must be a whole number as a decimal string"))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Uint, E> {
        Ok(Uint(U256::from(value)))
    }
}

/// For counts of seconds, which are JSON numbers but come as strings too.
pub(super) mod seconds {
    use super::{Deserialize, Deserializer, Error, Serializer, Uint};

    pub(in super::super) fn serialize<S: Serializer>(seconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*seconds)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let value = Uint::deserialize(deserializer)?;
        u64::try_from(value.0).map_err(|_| D::Error::custom("must be a count of seconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_strings_or_numbers_and_leave_as_strings() {
        for (json, value) in [("\"10000\"", 10_000_u64), ("10000", 10_000), ("\"0\"", 0), ("\"0007\"", 7)] {
            assert_eq!(serde_json::from_str::<Uint>(json).unwrap(), Uint(U256::from(value)));
        }
        assert_eq!(serde_json::to_string(&Uint(U256::MAX)).unwrap(), format!("\"{}\"", U256::MAX));
        assert_eq!(Uint::parse(&U256::MAX.to_string()), Some(Uint(U256::MAX)));
        for json in ["\"\"", "\"-1\"", "-1", "1.5", "\"1e3\"", "\"0x10\"", "null", "\" 1\"", "1e30"] {
            assert!(serde_json::from_str::<Uint>(json).is_err(), "{json}");
        }
        assert_eq!(Uint::parse(&"9".repeat(78)), None, "beyond 256 bits");
    }
}
