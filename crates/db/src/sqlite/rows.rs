//! Rows as SQLite hands them over, and which of its values this program can read.
//!
//! Invariant: a value that cannot be read is an error that names its column, never a row with something else in it.

use crate::{DbError, Param, Row, Value};
use rusqlite::Statement;
use rusqlite::types::ValueRef;

/// Adds the statement's rows.
pub(super) fn read_into(
    out: &mut Vec<Row>,
    statement: &mut Statement<'_>,
    params: &[Param<'_>],
) -> Result<(), DbError> {
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns);
        for index in 0..columns {
            let read = value(row.get_ref(index)?);
            values.push(read.map_err(|what| DbError::Other(format!("column {}: {what}", name(row.as_ref(), index))))?);
        }
        out.push(Row::new(values));
    }
    Ok(())
}

fn name<'s>(statement: &'s Statement<'_>, index: usize) -> &'s str {
    statement.column_name(index).unwrap_or("without a name")
}

fn value(stored: ValueRef<'_>) -> Result<Value, &'static str> {
    match stored {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::I64(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err("a text that is not UTF-8"),
        },
        ValueRef::Blob(bytes) => Ok(Value::Blob(bytes.to_vec())),
        ValueRef::Real(_) => Err("a REAL, which is no type of the common dialect"),
    }
}

/// What keeps a value from being read; `None` where nothing does.
pub(crate) fn unreadable(stored: ValueRef<'_>) -> Option<&'static str> {
    value(stored).err()
}
