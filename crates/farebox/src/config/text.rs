//! How values that are more than text, numbers and switches are spelled in TOML: `""` is "not set", amounts are
//! decimal text, secrets are never written.

use farebox_api_types::Secret;
use farebox_base::Micros;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// Stands for a secret that is set, where values are shown.
pub(super) const REDACTED: &str = "(set, not shown)";

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(text).filter(|text| !text.is_empty()))
}

/// Text or `""`.
pub(super) mod optional_text {
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
        not_empty(deserializer)
    }

    pub fn serialize<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.as_deref().unwrap_or_default())
    }
}

/// A path or `""`.
pub(super) mod optional_path {
    use super::*;
    use std::path::PathBuf;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        not_empty(deserializer).map(|text| text.map(PathBuf::from))
    }

    pub fn serialize<S: Serializer>(value: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default())
    }
}

/// A secret or `""`.
pub(super) mod optional_secret {
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
        not_empty(deserializer).map(|text| text.map(Secret::new))
    }

    pub fn serialize<S: Serializer>(value: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.as_ref().map(|_| REDACTED).unwrap_or_default())
    }
}

/// An amount of USDC.
pub(super) mod amount {
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Micros, D::Error> {
        Micros::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    pub fn serialize<S: Serializer>(amount: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&amount.to_cents_text())
    }
}
