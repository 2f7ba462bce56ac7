//! `Db`: a handle on either engine, and reads outside of transactions.

use crate::faults::{Faults, NoFaults, Point};
use crate::filter::{Sql, Statement};
use crate::postgres::{self, Postgres, PostgresSettings};
use crate::sqlite::Sqlite;
use crate::tx::FRESH_TRIES;
use crate::{DbError, Param, Row, Tx};
use farebox_base::{Rng, SeededRng};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Which engine is behind a [`Db`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// What a transaction may see of others that run at the same time. On SQLite transactions run one after another
/// whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// As if alone; may lose a race and run again. For ordinary code.
    Serializable,
    /// Each statement sees what is committed; safe only with guarded updates. For the ledger.
    ReadCommitted,
}

/// A database; clones share it. Closed when the last clone and the last transaction are gone.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) driver: Driver,
    faults: Arc<dyn Faults>,
    jitter: SeededRng,
}

pub(crate) enum Driver {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Db {
    /// Opens, and where needed creates, a database file, and keeps every other process from opening it.
    ///
    /// # Errors
    /// `Unavailable` naming the file where it cannot be opened or another process, or another `Db`, has it open.
    pub fn sqlite(path: &Path, faults: Arc<dyn Faults>) -> Result<Self, DbError> {
        Ok(Self::new(Driver::Sqlite(Sqlite::open(path)?), 0, faults))
    }

    /// Opens an existing database file for reading only, also while another process writes to it. A transaction of it
    /// sees one state throughout and cannot write.
    ///
    /// # Errors
    /// `Unavailable` naming the file where it cannot be opened.
    pub fn sqlite_read_only(path: &Path) -> Result<Self, DbError> {
        Ok(Self::new(Driver::Sqlite(Sqlite::open_read_only(path)?), 0, Arc::new(NoFaults)))
    }

    /// A pool of at most `max_connections` connections to a server; see [`Db::postgres_with`].
    ///
    /// # Errors
    /// `Other` where the URL cannot be read.
    pub fn postgres(url: &str, max_connections: usize, faults: Arc<dyn Faults>) -> Result<Self, DbError> {
        Self::postgres_with(&PostgresSettings { max_connections, ..PostgresSettings::new(url) }, faults)
    }

    /// A pool of connections, made when they are first needed. Of several servers in the URL the one that takes writes
    /// is used. `sslmode=require` checks the server's certificate against the settings' authorities, else the web's;
    /// `prefer`, the default, connects without TLS.
    ///
    /// # Errors
    /// `Other` where the URL or the file of authorities cannot be used.
    pub fn postgres_with(settings: &PostgresSettings, faults: Arc<dyn Faults>) -> Result<Self, DbError> {
        let driver = Driver::Postgres(Postgres::new(settings)?);
        Ok(Self::new(driver, u64::from(std::process::id()), faults))
    }

    fn new(driver: Driver, jitter_seed: u64, faults: Arc<dyn Faults>) -> Self {
        Self { shared: Arc::new(Shared { driver, faults, jitter: SeededRng::new(jitter_seed) }) }
    }

    pub fn engine(&self) -> Engine {
        match &self.shared.driver {
            Driver::Sqlite(_) => Engine::Sqlite,
            Driver::Postgres(_) => Engine::Postgres,
        }
    }

    /// Asks the database for anything at all.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.one(crate::sql!("SELECT COUNT(*) FROM schema_migration"), &[]).await.map(|_| ())
    }

    /// Whether what is written now would be kept, as far as is known. On the embedded database a full disk is looked at
    /// again, at most once a second; PostgreSQL decides with each transaction.
    ///
    /// # Errors
    /// `Full` where there is no room.
    pub fn can_write(&self) -> Result<(), DbError> {
        match &self.shared.driver {
            Driver::Sqlite(sqlite) => sqlite.can_write(),
            Driver::Postgres(_) => Ok(()),
        }
    }

    /// Opens a transaction. Prefer [`tx!`](crate::tx!), which also ends it and reruns it after a lost race.
    ///
    /// # Errors
    /// `Unavailable` where no connection can be had.
    pub async fn begin(&self, isolation: Isolation) -> Result<Tx, DbError> {
        Tx::begin(self.shared.clone(), isolation).await
    }

    /// Reads outside of a transaction: all rows, as of the last commit.
    ///
    /// # Errors
    /// Those of the engine; a statement that writes fails.
    pub async fn query(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        self.read(Sql::Fixed(sql), params).await
    }

    /// As [`Db::query`], for a statement that [`Where`](crate::Where) built.
    ///
    /// # Errors
    /// Those of the engine; a statement that writes fails.
    pub async fn query_built(&self, statement: &Statement, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        self.read(Sql::Built(statement), params).await
    }

    /// As [`Db::query`], for at most one row.
    ///
    /// # Errors
    /// Those of [`Db::query`]; `Other` where there is more than one row.
    pub async fn one(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Option<Row>, DbError> {
        at_most_one(self.query(sql, params).await?, sql)
    }

    /// Checks a statement against the engine and its present schema without running it.
    ///
    /// # Errors
    /// What the engine finds wrong with it.
    pub async fn prepare(&self, sql: &str) -> Result<(), DbError> {
        match &self.shared.driver {
            Driver::Sqlite(sqlite) => sqlite.reader().await?.lite()?.prepare(sql),
            Driver::Postgres(pool) => Box::pin(async { postgres::prepare(&pool.link().await?, sql).await }).await,
        }
    }

    async fn read(&self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        self.shared.fault(Point::Statement)?;
        match &self.shared.driver {
            Driver::Sqlite(sqlite) => sqlite.reader().await?.lite()?.query(sql, params),
            Driver::Postgres(pool) => Box::pin(read_from(pool, sql, params)).await,
        }
    }

    /// How long to wait before run number `reruns + 1` of a transaction: about 1 ms, doubled each time up to 64 ms, and
    /// never the same for two that met.
    pub(crate) fn backoff(&self, reruns: u32) -> Duration {
        let middle_us = 1_000_u64 << reruns.min(6);
        Duration::from_micros(middle_us / 2 + self.shared.jitter.below(middle_us))
    }
}

async fn read_from(pool: &Postgres, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
    let mut tries = 0;
    loop {
        let link = pool.link().await?;
        match postgres::query(&link, sql, params).await {
            // What only reads may be asked again.
            Err(DbError::Unavailable(_)) if tries < FRESH_TRIES && !link.timed_out() => tries += 1,
            done => return done,
        }
    }
}

impl Shared {
    pub(crate) fn fault(&self, point: Point) -> Result<(), DbError> {
        self.faults.at(point).map_or(Ok(()), Err)
    }
}

pub(crate) fn at_most_one(mut rows: Vec<Row>, sql: &str) -> Result<Option<Row>, DbError> {
    match rows.len() {
        0 | 1 => Ok(rows.pop()),
        many => Err(DbError::Other(format!("expected at most one row, found {many}")).of_statement(sql)),
    }
}
