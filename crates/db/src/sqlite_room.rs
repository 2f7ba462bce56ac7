//! Whether the embedded database can be written: what is known of a full disk, and when to look again.
//!
//! After a write that found no room whoever would write next looks whether there is any, by writing a file beside the
//! database. Where there is none, transactions are refused at once instead of failing one by one at the disk, and the
//! next look comes a second later; where there is, all goes on as if nothing had been. Invariant: nothing is refused
//! but what would have found no room a second ago.

use crate::DbError;
use parking_lot::Mutex;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What a look writes: more than most transactions need.
const PROBE_BYTES: usize = 1 << 20;
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is known of the room on the database's disk.
#[derive(Debug)]
pub(crate) struct Room {
    probe: PathBuf,
    is_full: AtomicBool,
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    since: Instant,
    looked: Option<Instant>,
    why: String,
}

impl Room {
    pub(crate) fn beside(path: &Path) -> Self {
        let mut probe = path.as_os_str().to_owned();
        probe.push(".room");
        Self { probe: PathBuf::from(probe), is_full: AtomicBool::new(false), trouble: Mutex::default() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// Learns from a write that failed; passes the error on.
    pub(crate) fn note(&self, error: DbError) -> DbError {
        let (DbError::Full(why) | DbError::CommitUnknown(why)) = &error else { return error };
        let mut trouble = self.trouble.lock();
        if trouble.is_none() {
            tracing::error!(%why, "the database cannot be written; nothing more is recorded until it can");
            let now = Instant::now();
            *trouble = Some(Trouble { since: now, looked: None, why: why.clone() });
            self.is_full.store(true, Ordering::Release);
        }
        error
    }

    /// Lets a transaction begin, or says why not; looks for room where it is time to.
    pub(crate) fn admit(&self) -> Result<(), DbError> {
        if !self.is_full() {
            return Ok(());
        }
        let mut trouble = self.trouble.lock();
        let Some(known) = trouble.as_mut() else { return Ok(()) };
        if known.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Err(DbError::Full(known.why.clone()));
        }
        if let Err(error) = self.look() {
            known.looked = Some(Instant::now());
            return Err(DbError::Full(format!("{} ({error})", known.why)));
        }
        tracing::warn!(seconds = known.since.elapsed().as_secs(), "there is room again; the database is written again");
        *trouble = None;
        self.is_full.store(false, Ordering::Release);
        Ok(())
    }

    fn look(&self) -> std::io::Result<()> {
        let written = self.write_probe();
        let removed = std::fs::remove_file(&self.probe);
        written.and(removed)
    }

    /// Of bytes that no file system can store in less.
    fn write_probe(&self) -> std::io::Result<()> {
        let mut bytes = vec![0; PROBE_BYTES];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        let mut file = File::create(&self.probe)?;
        file.write_all(&bytes)?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_takes_nothing_is_looked_at_once_a_second_until_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later/book.db");
        let room = Room::beside(&path);
        assert_eq!(room.admit(), Ok(()));
        room.note(DbError::Full("full".to_owned()));
        assert!(matches!(room.admit(), Err(DbError::Full(_))));
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        assert!(matches!(room.admit(), Err(DbError::Full(_))), "looked again within the second");
        tokio::time::advance(LOOK_EVERY).await;
        assert_eq!(room.admit(), Ok(()));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 0, "the probe is left behind");
    }

    #[tokio::test(start_paused = true)]
    async fn one_write_that_was_too_large_refuses_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::beside(&folder.path().join("book.db"));
        room.note(DbError::Full("full".to_owned()));
        assert_eq!(room.admit(), Ok(()));
        room.note(DbError::Conflict("no matter of room".to_owned()));
        assert!(!room.is_full());
    }
}
