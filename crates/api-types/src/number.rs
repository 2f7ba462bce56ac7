//! Numbers that must not pass through a float: decimal JSON numbers whose literal text is kept, and integers
//! that some clients send as text.

use farebox_base::Micros;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// A decimal number that is a JSON number on the wire and text inside, so that `1.10` stays `1.10`.
///
/// Read from a JSON number or from a string that spells one (`2.0`, `"2.0"`); the literal is kept to the last
/// digit. Exponents, `NaN`, a leading `+`, `.5` and `01` are refused. Written as a JSON number with that literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalNumber(String);

/// The text is no plain decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a plain decimal number such as 2.0, without an exponent")
    }
}

impl std::error::Error for NotANumber {}

impl DecimalNumber {
    /// # Errors
    /// `NotANumber` where the text is not digits with at most one point between them and at most one leading `-`.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if digits(whole) && digits(fraction) && !leading_zero { Ok(Self(text.to_owned())) } else { Err(NotANumber) }
    }

    /// The literal, for the domain to parse.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Micros> for DecimalNumber {
    fn from(amount: Micros) -> Self {
        Self(amount.to_string())
    }
}

impl<'de> Deserialize<'de> for DecimalNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let literal = raw.get();
        let text = if literal.starts_with('"') {
            Cow::Owned(serde_json::from_str::<String>(literal).map_err(D::Error::custom)?)
        } else {
            Cow::Borrowed(literal)
        };
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl Serialize for DecimalNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl JsonSchema for DecimalNumber {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DecimalNumber".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"], "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "examples": [2.0] })
    }
}

/// The schema of a `DecimalNumber` in a reply, where it is always a number.
pub(crate) fn number_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "number", "examples": [2.0] })
}

/// Reads an integer from a JSON integer or from text that spells one: some clients quote their counts.
pub(crate) fn integer_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Integer;

    impl Visitor<'_> for Integer {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an integer")
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<i64, E> {
            Ok(value)
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<i64, E> {
            i64::try_from(value).map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
            text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_any(Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<String> {
        serde_json::from_str::<DecimalNumber>(json).ok().map(|number| number.as_str().to_owned())
    }

    #[test]
    fn a_literal_is_kept_to_the_last_digit_from_number_or_text() {
        assert_eq!(read("1.10").as_deref(), Some("1.10"));
        assert_eq!(read("\"1.10\"").as_deref(), Some("1.10"));
        assert_eq!(read(" 0.1234567890123456789 ").as_deref(), Some("0.1234567890123456789"));
        assert_eq!(read("-3").as_deref(), Some("-3"), "the domain says that a price is not negative");
        let number = DecimalNumber::parse("0.1234567890123456789").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "0.1234567890123456789");
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for json in ["1e3", "\"1E3\"", "\"NaN\"", "\".5\"", "\"1.\"", "\"+1\"", "\"01\"", "\"\"", "null", "true", "[1]"]
        {
            assert_eq!(read(json), None, "{json}");
        }
        let error = serde_json::from_str::<DecimalNumber>("1e3").unwrap_err().to_string();
        assert!(error.contains("plain decimal number"), "{error}");
    }

    #[test]
    fn the_literal_of_a_parsed_value_survives_where_it_can() {
        let value: serde_json::Value = serde_json::from_str("2.5").unwrap();
        assert_eq!(serde_json::from_value::<DecimalNumber>(value).unwrap().as_str(), "2.5");
        assert_eq!(serde_json::to_value(DecimalNumber::from(Micros::new(1_500_000))).unwrap(), serde_json::json!(1.5));
    }

    #[test]
    fn an_integer_is_read_from_a_number_or_from_text() {
        let read = |json: &str| integer_or_text(&mut serde_json::Deserializer::from_str(json)).ok();
        assert_eq!(read("60"), Some(60));
        assert_eq!(read("\"60\""), Some(60));
        assert_eq!(read("-1"), Some(-1));
        for json in ["1.5", "\"x\"", "null", "18446744073709551615"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
