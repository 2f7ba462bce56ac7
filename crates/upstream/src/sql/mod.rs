//! Queries against sellers' databases.
//!
//! Owns what a buyer's SQL may do (`guard`), running one statement within its limits, and turning rows into
//! JSON. One connector stands for one connection string; `SqlConnectors` keeps those in use.
//!
//! Values in rows: booleans, integers and finite floats are JSON's own; `numeric` is a string with all its
//! digits; `json` and `jsonb` are the value they hold; binary is a string `\x` and hexadecimal digits; times
//! are RFC 3339; an array is an array; whatever else is the text that the database makes of it. Of columns
//! with the same name the later ones are called `name_2`, `name_3`.

mod connectors;
mod error;
mod guard;
mod names;
mod postgres;
mod rows;
mod sample;
mod sqlite;
mod walk;

use std::path::PathBuf;

use serde_json::{Map, Value};

pub use connectors::SqlConnectors;
pub use error::SqlError;
pub use guard::{MAX_OPERATORS, MAX_SQL_BYTES, Parsed, SqlDialect, SqlRefusal, StatementKind, check};
pub use postgres::{NewRole, PostgresConnector, Provisioner};
pub use sample::make_sample;
pub use sqlite::SqliteConnector;

/// The limits of one query. All of them hold for each query by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlLimits {
    /// For running the statement; waiting for a connection may take as long again.
    pub timeout_ms: u64,
    pub max_rows: u64,
    /// Of the values and column names of all rows together, roughly as JSON. No single row may be larger.
    pub max_bytes: u64,
    /// A change of more rows is undone and refused.
    pub max_written_rows: u64,
    /// Connections to one database at once.
    pub max_connections: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self {
            timeout_ms: 10_000,
            max_rows: 10_000,
            max_bytes: 16 * 1024 * 1024,
            max_written_rows: 1_000,
            max_connections: 4,
        }
    }
}

/// One statement of a buyer.
#[derive(Debug, Clone, Copy)]
pub struct SqlQuery<'a> {
    pub sql: &'a str,
    /// The values of `$1`, `$2`, …; PostgreSQL reads each as the type that the statement wants there.
    pub params: &'a [Value],
    /// The seller lets this buyer change rows.
    pub allow_writes: bool,
}

/// What a query gave.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    /// Column names in the statement's order.
    pub rows: Vec<Map<String, Value>>,
    /// Rows returned, or changed where the statement returns none.
    pub row_count: u64,
    /// There were more rows than the limits allow.
    pub truncated: bool,
}

/// What a database says of itself when it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    pub version: String,
    /// The role may do anything, also outside its database. A seller should register a lesser one.
    pub is_superuser: bool,
}

/// Where a database is. Holds credentials; it has no `Debug` form on purpose.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum SqlTarget {
    /// A PostgreSQL connection string, as URL or as `key=value` words.
    Postgres(String),
    /// A file, opened for reading only.
    Sqlite(PathBuf),
}

/// One database, ready for queries.
pub enum SqlConnector {
    Postgres(PostgresConnector),
    Sqlite(SqliteConnector),
}

impl SqlConnector {
    /// Runs one statement. Dropping the future stops it in the database.
    pub async fn query(&self, query: SqlQuery<'_>) -> Result<QueryResult, SqlError> {
        match self {
            Self::Postgres(postgres) => postgres.query(query).await,
            Self::Sqlite(sqlite) => sqlite.query(query).await,
        }
    }

    /// How many rows the statement will give or change, without running it; never above the limit of rows.
    pub async fn estimate(&self, query: SqlQuery<'_>) -> Result<u64, SqlError> {
        match self {
            Self::Postgres(postgres) => postgres.estimate(query).await,
            Self::Sqlite(sqlite) => sqlite.estimate(query).await,
        }
    }

    /// Connects and asks who is there.
    pub async fn ping(&self) -> Result<Ping, SqlError> {
        match self {
            Self::Postgres(postgres) => postgres.ping().await,
            Self::Sqlite(sqlite) => sqlite.ping().await,
        }
    }
}
