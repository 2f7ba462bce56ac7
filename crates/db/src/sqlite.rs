//! The SQLite engine: one writer connection, a few read-only ones, one process per file.
//!
//! Statements run inline, where the caller is: they take microseconds. COMMIT waits for the disk and so leaves the
//! async worker first where it can. Invariant: a connection that nobody holds has no open transaction.

mod many;
mod rows;

use crate::filter::Sql;
use crate::sqlite_checkpoint::Checkpointer;
use crate::sqlite_file::{cannot_open, ensure, existing, lock_file, resolved, warn_of_other_names};
use crate::sqlite_room::Room;
use crate::{DbError, Param, Row, dialect};
use parking_lot::Mutex;
use rows::read_into;
pub(crate) use rows::unreadable;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

const READERS: usize = 4;
const CACHED_STATEMENTS: usize = 256;
/// The balances and newest pages of a busy book, 8 MiB.
const WRITER_CACHE: &str = "PRAGMA cache_size = -8192;";
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Sqlite {
    writer: Option<Arc<tokio::sync::Mutex<Lite>>>,
    readers: Arc<Readers>,
    room: Arc<Room>,
    // Ends before the lock: it has the file open.
    _checkpointer: Option<Checkpointer>,
    _lock: Option<File>,
}

/// A connection and the SQLite texts of the statements that it has seen.
pub(crate) struct Lite {
    connection: Connection,
    texts: Texts,
    room: Arc<Room>,
}

struct Readers {
    path: PathBuf,
    room: Arc<Room>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Lite>>,
}

/// A read-only connection; goes back to its pool when dropped.
pub(crate) struct Reader {
    lite: Option<Lite>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self, DbError> {
        let path = resolved(path)?;
        let lock = lock_file(&path)?;
        ensure(&path)?;
        warn_of_other_names(&path);
        // Without SQLite's own lock: whoever uses the connection has it alone.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(|e| cannot_open(&path, &e))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(DbError::Other(format!("{}: cannot use a write-ahead log here", path.display())));
        }
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
        connection.execute_batch(WRITER_CACHE)?;
        let checkpointer = Checkpointer::start(&path, &mut connection)?;
        let room = Arc::new(Room::beside(&path));
        let writer = Some(Arc::new(tokio::sync::Mutex::new(Lite::new(connection, room.clone()))));
        let readers = Readers::new(path, room.clone());
        Ok(Self { writer, readers, room, _checkpointer: Some(checkpointer), _lock: Some(lock) })
    }

    pub(crate) fn open_read_only(path: &Path) -> Result<Self, DbError> {
        let path = existing(path)?;
        let room = Arc::new(Room::beside(&path));
        let readers = Readers::new(path, room.clone());
        readers.idle.lock().push(readers.connect()?);
        Ok(Self { writer: None, readers, room, _checkpointer: None, _lock: None })
    }

    /// The writer with its transaction begun, or `None` where there is no writer.
    pub(crate) async fn begin(&self) -> Result<Option<OwnedMutexGuard<Lite>>, DbError> {
        let Some(writer) = &self.writer else { return Ok(None) };
        self.can_write()?;
        let mut lite = writer.clone().lock_owned().await;
        lite.rollback();
        lite.control("BEGIN IMMEDIATE").map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => DbError::Unavailable(format!("another program holds a lock: {error}")),
            _ => error.into(),
        })?;
        Ok(Some(lite))
    }

    /// Whether there is room to write, as far as is known; looks again where the last look is a while ago.
    pub(crate) fn can_write(&self) -> Result<(), DbError> {
        off_the_worker_if(self.room.is_full(), || self.room.admit())
    }

    pub(crate) async fn reader(&self) -> Result<Reader, DbError> {
        self.readers.lease().await
    }
}

impl Readers {
    fn new(path: PathBuf, room: Arc<Room>) -> Arc<Self> {
        Arc::new(Self { path, room, permits: Arc::new(Semaphore::new(READERS)), idle: Mutex::default() })
    }

    fn connect(&self) -> Result<Lite, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|error| cannot_open(&self.path, &error))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch("PRAGMA temp_store = MEMORY;")?;
        Ok(Lite::new(connection, self.room.clone()))
    }

    async fn lease(self: &Arc<Self>) -> Result<Reader, DbError> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| DbError::Unavailable("the database was closed".to_owned()))?;
        let idle = self.idle.lock().pop();
        let lite = match idle {
            Some(lite) => lite,
            None => self.connect()?,
        };
        Ok(Reader { lite: Some(lite), readers: self.clone(), _permit: permit })
    }
}

impl Reader {
    /// Begins a transaction that sees one state of the database throughout.
    pub(crate) fn begin(&mut self) -> Result<(), DbError> {
        Ok(self.lite()?.control("BEGIN DEFERRED")?)
    }

    pub(crate) fn lite(&mut self) -> Result<&mut Lite, DbError> {
        self.lite.as_mut().ok_or_else(|| DbError::Other("the reader was given back".to_owned()))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(mut lite) = self.lite.take() {
            lite.rollback();
            self.readers.idle.lock().push(lite);
        }
    }
}

impl Lite {
    fn new(connection: Connection, room: Arc<Room>) -> Self {
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        Self { connection, texts: HashMap::default(), room }
    }

    pub(crate) fn query(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        match sql {
            Sql::Fixed(text) => query(&self.connection, fixed(&mut self.texts, text), params),
            Sql::Built(_) => query(&self.connection, &dialect::sqlite_parameters(sql.text()), params),
        }
        .map_err(|error| self.room.note(error).of_statement(sql.text()))
    }

    pub(crate) fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let text = fixed(&mut self.texts, sql);
        let changed = self
            .connection
            .prepare_cached(text)
            .and_then(|mut statement| statement.execute(rusqlite::params_from_iter(params)))
            .map_err(|error| self.room.note(error.into()).of_statement(sql))?;
        Ok(changed as u64)
    }

    /// Checks that a statement is one of this engine and of the current schema.
    pub(crate) fn prepare(&self, sql: &str) -> Result<(), DbError> {
        self.connection.prepare(&dialect::sqlite_parameters(sql))?;
        Ok(())
    }

    /// Runs a migration's text, translated.
    pub(crate) fn script(&self, text: &str) -> Result<(), DbError> {
        Ok(self.connection.execute_batch(&dialect::sqlite_schema(text))?)
    }

    pub(crate) fn commit(&mut self) -> Result<(), DbError> {
        let Err(error) = off_the_worker(|| self.control("COMMIT")) else { return Ok(()) };
        self.rollback();
        // The disk failed while it was told to keep the transaction: a restart may or may not find it.
        if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
            return Err(self.room.note(DbError::CommitUnknown(error.to_string())));
        }
        Err(self.room.note(error.into()))
    }

    /// Ends an open transaction, if there is one.
    pub(crate) fn rollback(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.control("ROLLBACK")
        {
            tracing::warn!(%error, "rollback failed");
        }
    }

    fn control(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }
}

fn query(connection: &Connection, text: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
    let mut out = vec![];
    read_into(&mut out, &mut *connection.prepare_cached(text)?, params)?;
    Ok(out)
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Null => ValueRef::Null,
            Param::I64(number) => ValueRef::Integer(*number),
            Param::Text(text) if has_nul(text) => {
                return Err(rusqlite::Error::ToSqlConversionFailure("a text parameter contains NUL".into()));
            }
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Looks at every byte, which a processor does many at a time; stopping at the first would cost short texts more.
fn has_nul(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte == 0))
}

/// Statements are literals: where they lie says which one it is, without reading them.
#[derive(Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

type Texts = HashMap<(usize, usize), String, BuildHasherDefault<AddressHasher>>;

fn fixed<'t>(texts: &'t mut Texts, sql: &'static str) -> &'t str {
    texts.entry((sql.as_ptr() as usize, sql.len())).or_insert_with(|| dialect::sqlite_parameters(sql))
}

/// Runs what waits for the disk so that the worker's other tasks go on; inline where there is no other worker.
fn off_the_worker<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn off_the_worker_if<T>(wait: bool, work: impl FnOnce() -> T) -> T {
    if wait { off_the_worker(work) } else { work() }
}
