//! One statement for many rows on SQLite: row by row, because several rows at once would save it little.
//!
//! Invariants: rows are taken in order; a value that a row has in common with the row before is not given to the
//! statement again. Most of what rows of one moment hold is the same: kinds, states, times, whose they are.

use super::rows::read_into;
use super::{Lite, fixed};
use crate::{DbError, Param, Row, Rows};
use rusqlite::Statement;

impl Lite {
    pub(crate) fn execute_many(&mut self, sql: &'static str, rows: &Rows<'_>) -> Result<u64, DbError> {
        let text = fixed(&mut self.texts, sql);
        let failed = |error: rusqlite::Error| self.room.note(error.into()).of_statement(sql);
        let mut statement = self.connection.prepare_cached(text).map_err(failed)?;
        execute(&mut statement, rows).map_err(failed)
    }

    pub(crate) fn query_many(&mut self, sql: &'static str, rows: &Rows<'_>) -> Result<Vec<Row>, DbError> {
        let text = fixed(&mut self.texts, sql);
        let failed = |error: DbError| self.room.note(error).of_statement(sql);
        let mut statement = self.connection.prepare_cached(text).map_err(|error| failed(error.into()))?;
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.rows() {
            read_into(&mut out, &mut statement, row).map_err(failed)?;
        }
        Ok(out)
    }
}

/// Answers how many rows of the table were changed.
fn execute(statement: &mut Statement<'_>, rows: &Rows<'_>) -> rusqlite::Result<u64> {
    let wanted = statement.parameter_count();
    let (mut bound, mut changed) = (None, 0);
    for row in rows.rows() {
        if row.len() != wanted {
            return Err(rusqlite::Error::InvalidParameterCount(row.len(), wanted));
        }
        bind(statement, bound, row)?;
        changed += statement.raw_execute()? as u64;
        bound = Some(row);
    }
    Ok(changed)
}

/// Gives a statement the values of a row; `bound` is the row whose values it has.
fn bind(statement: &mut Statement<'_>, bound: Option<&[Param<'_>]>, row: &[Param<'_>]) -> rusqlite::Result<()> {
    for (index, param) in row.iter().enumerate() {
        if bound.is_none_or(|bound| bound[index] != *param) {
            statement.raw_bind_parameter(index + 1, param)?;
        }
    }
    Ok(())
}
