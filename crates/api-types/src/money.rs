//! The three spellings of an amount in replies. Each is made from `Micros`, so a handler cannot mix them up.

use farebox_base::Micros;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// An integer of the asset's smallest unit, one millionth: `50000` is five cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtomicAmount(pub Micros);

/// Exact decimal text with at least two digits after the point: `"0.05"`, `"0.000125"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecimalAmount(pub Micros);

/// Decimal text with exactly six digits after the point: `"0.050000"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SixDecimals(pub Micros);

impl Serialize for AtomicAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.get())
    }
}

impl Serialize for DecimalAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_cents_text())
    }
}

impl Serialize for SixDecimals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_fixed6())
    }
}

macro_rules! amount_schema {
    ($name:ident, $schema:tt) => {
        impl From<Micros> for $name {
            fn from(amount: Micros) -> Self {
                Self(amount)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

amount_schema!(AtomicAmount, { "type": "integer", "format": "int64", "examples": [50_000] });
amount_schema!(DecimalAmount, { "type": "string", "pattern": "^-?[0-9]+\\.[0-9]{2,6}$", "examples": ["0.05"] });
amount_schema!(SixDecimals, { "type": "string", "pattern": "^-?[0-9]+\\.[0-9]{6}$", "examples": ["0.050000"] });

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_spelling_writes_the_same_amount_its_own_way() {
        let amount = Micros::new(-1_500_000);
        assert_eq!(json!(AtomicAmount(amount)), json!(-1_500_000));
        assert_eq!(json!(DecimalAmount(amount)), json!("-1.50"));
        assert_eq!(json!(SixDecimals(amount)), json!("-1.500000"));
    }
}
