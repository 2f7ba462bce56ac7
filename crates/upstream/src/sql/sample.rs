//! A small database of cities, for demonstrations and tests.

use super::SqlError;
use std::path::Path;

const SCHEMA: &str = "CREATE TABLE city (name TEXT PRIMARY KEY, country TEXT NOT NULL, inhabitants INTEGER NOT NULL) STRICT;
INSERT INTO city (name, country, inhabitants) VALUES
  ('Oslo', 'Norway', 717710), ('Bergen', 'Norway', 291940), ('Trondheim', 'Norway', 214565),
  ('Tromso', 'Norway', 78745), ('Reykjavik', 'Iceland', 139875), ('Akureyri', 'Iceland', 19893),
  ('Stockholm', 'Sweden', 988943), ('Uppsala', 'Sweden', 245329), ('Kiruna', 'Sweden', 22423),
  ('Helsinki', 'Finland', 674500), ('Oulu', 'Finland', 214633), ('Rovaniemi', 'Finland', 65286),
  ('Copenhagen', 'Denmark', 660842), ('Aarhus', 'Denmark', 295688), ('Nuuk', 'Greenland', 19872);";

/// Makes the file, unless it is there.
///
/// # Errors
/// `Failed` where it can't be written.
pub fn make_sample(path: &Path) -> Result<(), SqlError> {
    if path.exists() {
        return Ok(());
    }
    let failed = |error: rusqlite::Error| SqlError::Failed(error.to_string());
    rusqlite::Connection::open(path).map_err(failed)?.execute_batch(SCHEMA).map_err(failed)
}
