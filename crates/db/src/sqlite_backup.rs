//! Copies of the embedded database: made beside a running server, looked through, and claimed for being replaced.
//!
//! Knows no names of folders and asks nobody anything; the command line does. Invariant: a copy is the state of one
//! moment, in one file that needs no log beside it.

use crate::DbError;
use crate::sqlite_file::{cannot_open, lock_file};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Pages of 4 KiB between two looks at whether to go on.
const STEP_PAGES: i32 = 1_024;
const BUSY_PAUSE: Duration = Duration::from_millis(10);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many defects of a file are told.
const DEFECTS_MAX: usize = 10;

/// How far a copy is, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    pub done: u64,
    pub total: u64,
}

/// Keeps every process from opening a database file for as long as it lives.
#[derive(Debug)]
pub struct FileClaim {
    _lock: File,
}

/// Copies the database `from` as it is now into the file `to`, which is empty or not there yet, and waits until the copy
/// is on disk. Another process may write to `from` meanwhile.
///
/// The source is read in one transaction. SQLite would begin anew whenever the writer commits between two steps, and
/// beside a busy server never come to an end. The writer does not wait for it, but its log grows until the copy is made.
///
/// # Errors
/// `Unavailable` naming the file that cannot be opened; `Other` where `on_step` breaks off, or what is copied is no
/// database; `Full` where there is no room.
pub fn sqlite_copy(
    from: &Path,
    to: &Path,
    mut on_step: impl FnMut(CopyProgress) -> ControlFlow<()>,
) -> Result<(), DbError> {
    let source = open(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let mut target = open(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // A copy that breaks off is thrown away, so it needs no journal; it is flushed once, at its end.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        let step = backup.step(STEP_PAGES)?;
        if matches!(step, StepResult::Busy | StepResult::Locked) {
            std::thread::sleep(BUSY_PAUSE);
        }
        let (left, total) = (pages(backup.progress().remaining), pages(backup.progress().pagecount));
        if on_step(CopyProgress { done: total.saturating_sub(left), total }).is_break() {
            return Err(DbError::Other("the copy was broken off".to_owned()));
        }
        if step == StepResult::Done {
            break;
        }
    }
    drop(backup);
    // The source's mode came along with its first page; with a log the copy would be more than one file.
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(DbError::Other(format!("{}: the copy stayed in the mode {mode}", to.display())));
    }
    target.close().map_err(|(_, error)| error)?;
    let synced = File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| DbError::Unavailable(format!("{}: {error}", to.display())))
}

/// Looks through every page and row of a file; answers what is wrong with it, nothing where all is well. Sees broken
/// pages and rows out of order, not a changed value in a sound row.
///
/// # Errors
/// `Unavailable` or `Other` where the file cannot be read at all.
pub fn sqlite_defects(path: &Path) -> Result<Vec<String>, DbError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({DEFECTS_MAX})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Claims a database file, there or not, as a server does.
///
/// # Errors
/// `Unavailable` where another process has it open.
pub fn sqlite_claim(path: &Path) -> Result<FileClaim, DbError> {
    Ok(FileClaim { _lock: lock_file(path)? })
}

/// Brings what stands only in the log of a database into its file, so that the file can be moved alone. The caller has
/// claimed it.
///
/// # Errors
/// Those of the engine, where the file is broken or there is no room.
pub fn sqlite_fold_log(path: &Path) -> Result<(), DbError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(DbError::Unavailable(format!("{}: another program reads it", path.display())));
    }
    connection.close().map_err(|(_, error)| error.into())
}

pub(crate) fn open(path: &Path, flags: OpenFlags) -> Result<Connection, DbError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn pages(count: i32) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
