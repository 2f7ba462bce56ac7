//! The closed set of values: what a statement takes (`Param`, borrowed) and what a row holds (`Value`, owned).
//!
//! Booleans are BIGINT 0 and 1, amounts BIGINT micros, times BIGINT microseconds; ids are TEXT.

use farebox_base::{Micros, Timestamp};

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    I64(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// One parameter of a statement. Text must not contain NUL characters: PostgreSQL cannot store them, so both engines
/// refuse them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param<'a> {
    Null,
    I64(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl Value {
    /// The name of the value's type in SQL, for error texts.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "NULL",
            Value::I64(_) => "BIGINT",
            Value::Text(_) => "TEXT",
            Value::Blob(_) => "BYTEA",
        }
    }
}

impl From<i64> for Param<'_> {
    fn from(number: i64) -> Self {
        Param::I64(number)
    }
}

impl From<bool> for Param<'_> {
    fn from(yes: bool) -> Self {
        Param::I64(i64::from(yes))
    }
}

impl From<Micros> for Param<'_> {
    fn from(amount: Micros) -> Self {
        Param::I64(amount.get())
    }
}

impl From<Timestamp> for Param<'_> {
    fn from(at: Timestamp) -> Self {
        Param::I64(at.micros())
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Param::Text(text)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Self {
        Param::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Param::Blob(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Param::Blob(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Param::Blob(bytes)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}
