//! One SQL text, two engines: SQLite in a file, or PostgreSQL. The only crate with database drivers.
//!
//! Owns connections, transactions, their rerun after a lost race, migrations and the fault hook. Knows no table except
//! its own record of migrations. Invariants: values are BIGINT, TEXT, BYTEA or NULL and nothing else; a transaction
//! whose statement failed never commits; an error after COMMIT was sent is `CommitUnknown`, never "failed".
//!
//! Statements follow the common dialect: parameters `$1..`, written inside [`sql!`] so that a test prepares each one on
//! both engines. Functions that take part in a caller's transaction are named `thing_verb_in(tx: &mut Tx, ..)`, the
//! public ones open it with [`tx!`].

mod db;
mod dialect;
mod error;
mod faults;
mod filter;
mod group;
mod many;
mod migrate;
mod postgres;
mod row;
mod schema_age;
mod sqlite;
mod sqlite_backup;
mod sqlite_checkpoint;
mod sqlite_file;
mod sqlite_room;
mod sqlite_values;
mod tx;
mod value;

pub use db::{Db, Engine, Isolation};
pub use error::{COMMIT_UNKNOWN, DB_CONFLICT, DB_FULL, DbError, LOST_RACE};
pub use faults::{Faults, NoFaults, Point};
pub use filter::{Statement, Where};
pub use group::{GroupCommit, GroupLimits, GroupWriter};
pub use many::Rows;
pub use migrate::migrations;
pub use postgres::PostgresSettings;
pub use row::{Column, Row};
pub use schema_age::SchemaAge;
pub use sqlite_backup::{CopyProgress, FileClaim, sqlite_claim, sqlite_copy, sqlite_defects, sqlite_fold_log};
pub use sqlite_values::{UnreadableValues, sqlite_unreadable_values};
pub use tx::Tx;
pub use value::{Param, Value};

/// What [`tx!`] expands to needs; no part of the interface.
#[doc(hidden)]
pub mod macro_support {
    pub use crate::tx::{may_rerun, wait_before_rerun};
    pub use farebox_base::Result;
}
