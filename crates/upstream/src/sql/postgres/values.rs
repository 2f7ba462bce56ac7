//! PostgreSQL's binary values as JSON.
//!
//! Owns the types that are read as they come; the statement is asked to turn all others into text.

use std::error::Error;

use serde_json::{Number, Value};
use tokio_postgres::types::{FromSql, Kind, Type};

use super::numeric;
use super::times;
use crate::sql::rows::hex;

/// A value as it came.
pub(super) struct Raw<'a>(pub(super) Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// True where `json` can read the type.
pub(super) fn is_readable(of: &Type) -> bool {
    match of.kind() {
        Kind::Enum(_) => true,
        Kind::Domain(base) => is_readable(base),
        Kind::Array(item) => !matches!(item.kind(), Kind::Array(_)) && is_readable(item),
        _ => is_scalar(of),
    }
}

fn is_scalar(of: &Type) -> bool {
    let numbers =
        [Type::BOOL, Type::INT2, Type::INT4, Type::INT8, Type::OID, Type::FLOAT4, Type::FLOAT8, Type::NUMERIC];
    let times = [Type::TIMESTAMP, Type::TIMESTAMPTZ, Type::DATE];
    let others = [Type::UUID, Type::BYTEA, Type::JSON, Type::JSONB];
    numbers.contains(of) || times.contains(of) || others.contains(of) || is_text(of)
}

fn is_text(of: &Type) -> bool {
    [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME, Type::UNKNOWN].contains(of)
        || of.name() == "citext"
        || matches!(of.kind(), Kind::Enum(_))
}

/// Reads a value of a readable type; `None` where the bytes are none.
pub(super) fn json(of: &Type, raw: Option<&[u8]>) -> Option<Value> {
    let Some(raw) = raw else { return Some(Value::Null) };
    match of.kind() {
        Kind::Domain(base) => return json(base, Some(raw)),
        Kind::Array(item) => return array(item, raw),
        _ if is_text(of) => return Some(Value::from(std::str::from_utf8(raw).ok()?)),
        _ => {}
    }
    Some(match *of {
        Type::BOOL => Value::from(*raw.first()? != 0),
        Type::INT2 => Value::from(i16::from_be_bytes(raw.try_into().ok()?)),
        Type::INT4 => Value::from(i32::from_be_bytes(raw.try_into().ok()?)),
        Type::INT8 => Value::from(i64::from_be_bytes(raw.try_into().ok()?)),
        Type::OID => Value::from(u32::from_be_bytes(raw.try_into().ok()?)),
        // The shortest decimal of a single-precision number is not that of the double nearest to it.
        Type::FLOAT4 => float(&f32::from_be_bytes(raw.try_into().ok()?).to_string()),
        Type::FLOAT8 => float(&f64::from_be_bytes(raw.try_into().ok()?).to_string()),
        Type::NUMERIC => Value::from(numeric::text(raw)?),
        Type::TIMESTAMP => Value::from(times::timestamp(i64::from_be_bytes(raw.try_into().ok()?), "")),
        Type::TIMESTAMPTZ => Value::from(times::timestamp(i64::from_be_bytes(raw.try_into().ok()?), "+00:00")),
        Type::DATE => Value::from(times::date(i32::from_be_bytes(raw.try_into().ok()?))),
        Type::UUID => Value::from(uuid(raw)?),
        Type::BYTEA => Value::from(hex(raw)),
        Type::JSON => serde_json::from_slice(raw).ok()?,
        Type::JSONB => serde_json::from_slice(raw.strip_prefix(&[1])?).ok()?,
        _ => return None,
    })
}

/// A finite number is a number, the others are words: `NaN`, `inf`.
fn float(text: &str) -> Value {
    let number = text.parse().ok().and_then(Number::from_f64);
    number.map_or_else(|| Value::from(text), Value::Number)
}

fn uuid(raw: &[u8]) -> Option<String> {
    let digits = hex(raw);
    let digits = digits.strip_prefix("\\x").filter(|digits| digits.len() == 32)?;
    Some([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}

/// An array of any number of dimensions: their count, a flag, the type, each length and first index, items.
fn array(item: &Type, raw: &[u8]) -> Option<Value> {
    let mut input = Input(raw);
    let dimensions = usize::try_from(input.int()?).ok()?;
    input.int()?;
    input.int()?;
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(usize::try_from(input.int()?).ok()?);
        input.int()?;
    }
    if lengths.is_empty() { Some(Value::Array(Vec::new())) } else { items(item, &lengths, &mut input) }
}

fn items(item: &Type, lengths: &[usize], input: &mut Input<'_>) -> Option<Value> {
    let Some((length, inner)) = lengths.split_first() else {
        let bytes = match input.int()? {
            -1 => None,
            length => Some(input.take(usize::try_from(length).ok()?)?),
        };
        return json(item, bytes);
    };
    (0..*length).map(|_| items(item, inner, input)).collect::<Option<Vec<_>>>().map(Value::Array)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn int(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }
}
