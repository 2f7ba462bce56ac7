//! A look through every value of a database file, for those that this program cannot read.
//!
//! SQLite takes a text for sound whatever bytes it has. Owns which value it is in which row; what is in the tables it
//! does not know.

use crate::DbError;
use crate::sqlite::unreadable;
use crate::sqlite_backup::open;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use std::path::Path;

/// How many places are told.
const PLACES_MAX: usize = 10;

/// What a look through a file has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadableValues {
    /// Rows that were looked at.
    pub rows: i64,
    /// How many values, or rests of tables, cannot be read.
    pub broken: i64,
    /// The first ten, each with its table, its row's key and its column.
    pub places: Vec<String>,
}

/// Reads every table of a file, also beside a process that writes to it.
///
/// # Errors
/// Where not even the list of tables can be read.
pub fn sqlite_unreadable_values(path: &Path) -> Result<UnreadableValues, DbError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut found = UnreadableValues::default();
    for table in tables {
        // A page that is broken hides the rest of its table, and of no other.
        if let Err(error) = look_through(&connection, &table, &mut found) {
            found.add(format!("{table}: {error}"));
        }
    }
    Ok(found)
}

impl UnreadableValues {
    fn add(&mut self, place: String) {
        self.broken += 1;
        if self.places.len() < PLACES_MAX {
            self.places.push(place);
        }
    }
}

fn look_through(connection: &Connection, table: &str, found: &mut UnreadableValues) -> rusqlite::Result<()> {
    let quoted = table.replace('"', "\"\"");
    let mut key = connection.prepare("SELECT cid, name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk")?;
    let key = key.query_map([table], |row| Ok((usize::from(row.get::<_, u16>(0)?), row.get(1)?)))?;
    let key = key.collect::<Result<Vec<_>, _>>()?;
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{quoted}\""))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.rows += 1;
        for (index, column) in columns.iter().enumerate() {
            if let Some(what) = unreadable(row.get_ref(index)?) {
                found.add(format!("{table}, row {}: column {column}: {what}", named(row, &key)));
            }
        }
    }
    Ok(())
}

/// A row by the columns of its table's key, with their places.
fn named(row: &Row<'_>, key: &[(usize, String)]) -> String {
    let part = |(place, column): &(usize, String)| match row.get_ref(*place) {
        Ok(ValueRef::Integer(number)) => format!("{column} {number}"),
        Ok(ValueRef::Text(text)) => format!("{column} {}", String::from_utf8_lossy(text).escape_debug()),
        _ => format!("{column} unknown"),
    };
    key.iter().map(part).collect::<Vec<_>>().join(" ")
}
