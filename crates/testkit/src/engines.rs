//! Runs a test on every engine: on SQLite always, on PostgreSQL where one can be had.
//!
//! PostgreSQL is the server of `FAREBOX_TEST_PG_URL` or, without it, a private one per test process, which ends with
//! the process. Without either, one line `SKIPPED on PostgreSQL: <reason>` is printed per process. Each test has a
//! database of its own, made from a migrated template and dropped with its [`TestDb`].
//!
//! Not for a paused clock: timeouts of connections would fire at once. A simulation uses [`TestDb::sqlite`].

mod cluster;
mod databases;
mod pooler;
mod server;

use farebox_db::{Db, Engine, Faults, NoFaults, PostgresSettings};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use cluster::{Cluster, SecureServer};
pub use pooler::Pooler;
pub use server::server_url;

const MAX_CONNECTIONS: usize = 16;
/// Where set, statements are not kept prepared on PostgreSQL.
pub const UNNAMED_VARIABLE: &str = "FAREBOX_TEST_PG_UNNAMED";
/// `HOST:PORT` of a pooler in front of the tests' PostgreSQL, through which databases are opened.
pub const POOLER_VARIABLE: &str = "FAREBOX_TEST_PG_POOLER";

/// A database for one test, gone when dropped. Outlives every [`Db`] that the test keeps.
pub struct TestDb {
    place: Place,
}

enum Place {
    File { path: PathBuf, _folder: tempfile::TempDir },
    Server { url: String },
}

/// Runs the test on each engine with a migrated database and no faults.
pub async fn each(test: impl AsyncFn(Db)) {
    each_with(Arc::new(NoFaults), test).await;
}

/// As [`each`], with a fault hook, which is in force after the migrations.
pub async fn each_with(faults: Arc<dyn Faults>, test: impl AsyncFn(Db)) {
    for place in TestDb::all().await {
        let _name = NameOnPanic(place.engine());
        test(place.open(faults.clone())).await;
    }
}

/// As [`each`], with databases that have no tables.
pub async fn each_empty(test: impl AsyncFn(Db)) {
    for place in TestDb::all_empty() {
        let _name = NameOnPanic(place.engine());
        test(place.open(Arc::new(NoFaults))).await;
    }
}

impl TestDb {
    /// A migrated database on each engine.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await];
        all.extend(Self::postgres());
        all
    }

    /// A database without tables on each engine.
    pub fn all_empty() -> Vec<Self> {
        let mut all = vec![Self::sqlite_file()];
        all.extend(server_url().map(|url| Self::on_server(databases::create_empty(url))));
        all
    }

    /// A migrated SQLite file.
    pub async fn sqlite() -> Self {
        let place = Self::sqlite_file();
        place.open(Arc::new(NoFaults)).migrate().await.expect("the migrations fit SQLite");
        place
    }

    /// A migrated PostgreSQL database, where a server can be had.
    pub fn postgres() -> Option<Self> {
        server_url().map(|url| Self::on_server(databases::create_migrated(url)))
    }

    /// The database of a URL, for servers that a test has started itself.
    pub fn at(url: String) -> Self {
        Self::on_server(url)
    }

    fn sqlite_file() -> Self {
        let folder = tempfile::Builder::new().prefix("farebox-test-").tempdir().expect("a temporary folder");
        Self { place: Place::File { path: folder.path().join("farebox.db"), _folder: folder } }
    }

    fn on_server(url: String) -> Self {
        Self { place: Place::Server { url } }
    }

    pub fn engine(&self) -> Engine {
        match &self.place {
            Place::File { .. } => Engine::Sqlite,
            Place::Server { .. } => Engine::Postgres,
        }
    }

    /// Opens the database. A SQLite file takes one open [`Db`] at a time.
    pub fn open(&self, faults: Arc<dyn Faults>) -> Db {
        match &self.place {
            Place::File { path, .. } => Db::sqlite(path, faults),
            Place::Server { url } => {
                let url = match std::env::var(POOLER_VARIABLE) {
                    Ok(pooler) => pooler::through(&pooler, url),
                    Err(_) => url.clone(),
                };
                let prepared_statements = std::env::var_os(UNNAMED_VARIABLE).is_none();
                let settings = PostgresSettings {
                    max_connections: MAX_CONNECTIONS,
                    prepared_statements,
                    ..PostgresSettings::new(url)
                };
                Db::postgres_with(&settings, faults)
            }
        }
        .expect("the test's database opens")
    }

    /// The file, on SQLite.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File { path, .. } => Some(path),
            Place::Server { .. } => None,
        }
    }

    /// The database's URL, on PostgreSQL.
    pub fn url(&self) -> Option<&str> {
        match &self.place {
            Place::File { .. } => None,
            Place::Server { url } => Some(url),
        }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Place::Server { url } = &self.place {
            databases::remove(url);
        }
    }
}

/// Says which engine a failing test was on.
struct NameOnPanic(Engine);

impl Drop for NameOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test failed on {:?}", self.0);
        }
    }
}
