//! Collecting rows within the limits, whatever database they come from.

use serde_json::{Map, Value};

use super::error::SqlError;
use super::{QueryResult, SqlLimits};

/// What a row costs beside its names and values: brackets and commas.
const ROW_BYTES: u64 = 2;

pub(super) struct Rows {
    names: Vec<String>,
    names_bytes: u64,
    rows: Vec<Map<String, Value>>,
    limits: SqlLimits,
    bytes: u64,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Kept,
    /// It is over a limit; no more rows are wanted.
    Full,
}

impl Rows {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>, limits: SqlLimits) -> Self {
        let names = distinct(names);
        let names_bytes = names.iter().map(|name| name.len() as u64 + 4).sum();
        Self { names, names_bytes, rows: Vec::new(), limits, bytes: 0 }
    }

    /// Adds a row of `bytes` bytes of values.
    pub(super) fn add(&mut self, values: Vec<Value>, bytes: u64) -> Result<Added, SqlError> {
        let cost = bytes + self.names_bytes + ROW_BYTES;
        if cost > self.limits.max_bytes {
            return Err(too_large(self.limits.max_bytes));
        }
        if self.rows.len() as u64 >= self.limits.max_rows || self.bytes + cost > self.limits.max_bytes {
            return Ok(Added::Full);
        }
        self.bytes += cost;
        self.rows.push(self.names.iter().cloned().zip(values).collect());
        Ok(Added::Kept)
    }

    pub(super) fn finish(self, truncated: bool) -> QueryResult {
        QueryResult { row_count: self.rows.len() as u64, rows: self.rows, truncated }
    }
}

pub(super) fn too_large(limit_bytes: u64) -> SqlError {
    SqlError::TooLarge(format!("A row is over the limit of {limit_bytes} bytes; select fewer or shorter columns"))
}

/// The names, with a number after those that were there before.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let mut candidate = name.to_owned();
        let mut number = 1;
        while taken.contains(&candidate) {
            number += 1;
            candidate = format!("{name}_{number}");
        }
        taken.push(candidate);
    }
    taken
}

/// Binary as text: `\x` and hexadecimal digits, as PostgreSQL writes it.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("\\x");
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
