//! Where a backup may be put: nowhere that a file of the installation, or what is no backup, would be lost.
//!
//! Invariant: with --force too a backup replaces nothing but another SQLite database, and never a file that the database
//! in use consists of, nor the secret key.

use super::copying::{beside, folder_of};
use crate::config::Config;
use crate::{secret_key, wiring};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What a database in use consists of, behind its name.
const COMPANIONS: [&str; 6] = ["", "-wal", "-shm", "-journal", ".lock", ".room"];
/// What each SQLite database begins with.
const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Refuses a place for a backup before the work is done.
///
/// # Errors
/// Names the file and what stands against it.
pub(super) fn refuse(file: &Path, force: bool, config: &Config) -> Result<(), String> {
    let shown = file.display();
    if file.is_dir() {
        return Err(format!("{shown} is a folder; name a file"));
    }
    let book = wiring::book_file(config);
    if same_place(file, &book) || is_same_file(file, &book) {
        return Err(format!("{shown} is the database itself"));
    }
    if COMPANIONS.iter().map(|end| beside(&book, end)).any(|own| same_place(file, &own) || is_same_file(file, &own)) {
        return Err(format!("{shown} belongs to the database itself; name another file"));
    }
    let key = secret_key::file_of(config);
    if same_place(file, &key) || is_same_file(file, &key) {
        return Err(format!("{shown} is the file of the secret key; name another file"));
    }
    if file.symlink_metadata().is_err() {
        return Ok(());
    }
    if !force {
        return Err(format!("{shown} is there already; --force replaces it"));
    }
    if begins_as_database(file) {
        Ok(())
    } else {
        Err(format!("{shown} is no SQLite database; --force replaces backups only"))
    }
}

/// Whether two paths lead to one place, also where nothing is there yet.
fn same_place(one: &Path, other: &Path) -> bool {
    one == other || place(one).is_some_and(|place_of_one| Some(place_of_one) == place(other))
}

fn place(file: &Path) -> Option<PathBuf> {
    let real = file.canonicalize().ok();
    real.or_else(|| Some(folder_of(file).canonicalize().ok()?.join(file.file_name()?)))
}

/// Whether two names lead to one file, hard links among them.
fn is_same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let about = |file: &Path| std::fs::metadata(file).ok().map(|about| (about.dev(), about.ino()));
        about(one).is_some_and(|about_one| Some(about_one) == about(other))
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        false
    }
}

fn begins_as_database(file: &Path) -> bool {
    let mut start = [0; SQLITE_HEADER.len()];
    File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *SQLITE_HEADER
}
