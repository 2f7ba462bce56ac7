//! Whose schema a database has: this program's, an earlier one's, a later one's, or nobody's.
//!
//! Only looks; bringing a schema forward is the migrations' work.

use crate::{Db, DbError, Engine, migrations, sql};
use std::collections::HashMap;

/// How a database's schema stands to this program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaAge {
    /// The same.
    Current,
    /// So many migrations are still to be applied.
    Older(usize),
    /// Migrations that this program does not know were applied; the first of them.
    Newer(String),
    /// A migration of the same name was another one then.
    Other(String),
    /// No database of this program.
    Foreign,
    /// The record of migrations is there and cannot be read; why. The other tables may be whole.
    Unreadable(String),
}

impl Db {
    /// Compares the migrations that were applied with this program's.
    ///
    /// # Errors
    /// Those of the engine, where no table can be looked at: it is away, its schema is damaged, the file is no database.
    pub async fn schema_age(&self) -> Result<SchemaAge, DbError> {
        let rows = match self.query(sql!("SELECT name, checksum FROM schema_migration ORDER BY name"), &[]).await {
            Ok(rows) => rows,
            Err(DbError::Other(text)) if lacks_record(&text) => return Ok(SchemaAge::Foreign),
            Err(DbError::Other(text)) if self.has_record_in_file().await => return Ok(SchemaAge::Unreadable(text)),
            Err(error) => return Err(error),
        };
        let mut applied = HashMap::new();
        for row in &rows {
            applied.insert(row.get::<String>(0)?, row.get::<String>(1)?);
        }
        Ok(age(applied))
    }

    /// Whether the embedded database's schema is sound and has the record. On a server that a table cannot be read may
    /// be a matter of rights.
    async fn has_record_in_file(&self) -> bool {
        self.engine() == Engine::Sqlite && self.prepare("SELECT name FROM schema_migration").await.is_ok()
    }
}

/// Whether the engine says that there is no such table, and not something else about it.
fn lacks_record(text: &str) -> bool {
    text.starts_with("no such table: schema_migration") || text.contains("(42P01)")
}

fn age(mut applied: HashMap<String, String>) -> SchemaAge {
    let mut missing = 0;
    if applied.is_empty() {
        return SchemaAge::Foreign;
    }
    for (name, text) in migrations() {
        match applied.remove(*name) {
            None => missing += 1,
            Some(checksum) if checksum == blake3::hash(text.as_bytes()).to_hex().as_str() => {}
            Some(_) => return SchemaAge::Other((*name).to_owned()),
        }
    }
    match applied.into_keys().min() {
        Some(unknown) => SchemaAge::Newer(unknown),
        None if missing == 0 => SchemaAge::Current,
        None => SchemaAge::Older(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(count: usize) -> HashMap<String, String> {
        let all = migrations().iter().take(count);
        all.map(|(name, text)| ((*name).to_owned(), blake3::hash(text.as_bytes()).to_hex().to_string())).collect()
    }

    #[test]
    fn older_newer_other_and_foreign_schemas_are_told_apart() {
        let all = migrations().len();
        assert_eq!(age(first(all)), SchemaAge::Current);
        assert_eq!(age(first(all - 1)), SchemaAge::Older(1));
        assert_eq!(age(HashMap::new()), SchemaAge::Foreign);
        let mut newer = first(all);
        newer.insert("9999_later.sql".to_owned(), "any".to_owned());
        assert_eq!(age(newer), SchemaAge::Newer("9999_later.sql".to_owned()));
        let mut other = first(all);
        other.insert(migrations()[0].0.to_owned(), "any".to_owned());
        assert_eq!(age(other), SchemaAge::Other(migrations()[0].0.to_owned()));
    }
}
