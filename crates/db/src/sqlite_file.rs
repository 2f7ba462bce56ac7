//! The embedded database as a file: who may open it, with which rights, and what is told where that fails.
//!
//! Owns the lock beside the file, which keeps a second process out and holds its holder's process id for that one's
//! message. Knows nothing of what is in the database. Invariant: a database that is made here is readable by its owner
//! alone, and so are its logs, which SQLite makes with the rights of the file.

use crate::DbError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The most that is read of a lock file; a process id has fewer digits.
const PID_BYTES: u64 = 20;

/// The file's own path, so that two spellings of it meet at one lock.
pub(crate) fn resolved(path: &Path) -> Result<PathBuf, DbError> {
    if let Ok(existing) = path.canonicalize() {
        return Ok(existing);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => Ok(folder.join(name)),
        (Err(error), _) => Err(DbError::Unavailable(format!("{}: {error}", folder.display()))),
        (_, None) => Err(DbError::Unavailable(format!("{}: not a file name", path.display()))),
    }
}

/// The own path of a database that must be there.
pub(crate) fn existing(path: &Path) -> Result<PathBuf, DbError> {
    path.canonicalize().map_err(|error| {
        DbError::Unavailable(match error.kind() {
            ErrorKind::NotFound => format!("there is no database at {}", path.display()),
            _ => format!("{}: {error}", path.display()),
        })
    })
}

/// Takes the operating system's lock that keeps a second process out; it ends with the process, however that ends.
pub(crate) fn lock_file(path: &Path) -> Result<File, DbError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let failed = |error: std::io::Error| DbError::Unavailable(format!("{}: {error}", lock_path.display()));
    let mut options = private();
    let mut file = options.create(true).truncate(false).read(true).open(&lock_path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            // Only for the message of whoever comes second: a full disk is no reason to stay out.
            let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(DbError::Unavailable(in_use(path, &lock_path, &mut file))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn in_use(path: &Path, lock_path: &Path, lock: &mut File) -> String {
    let mut text = String::new();
    let read = lock.take(PID_BYTES).read_to_string(&mut text);
    let pid: Option<u32> = read.ok().and_then(|_| text.trim().parse().ok());
    let holder = pid.map_or_else(|| format!("which holds {}", lock_path.display()), |pid| format!("pid {pid}"));
    format!(
        "{} is in use by another process ({holder}); stop that process first, or use PostgreSQL, which several \
         processes may share",
        path.display()
    )
}

/// Makes the file, empty, where it is not there; one that is there keeps its rights.
pub(crate) fn ensure(path: &Path) -> Result<(), DbError> {
    match private().create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(DbError::Unavailable(format!("{}: {error}", path.display()))),
    }
}

/// Says so where the file has further names: the lock knows it by one of them.
pub(crate) fn warn_of_other_names(path: &Path) {
    #[cfg(unix)]
    if let Ok(about) = std::fs::metadata(path)
        && let links @ 2.. = std::os::unix::fs::MetadataExt::nlink(&about)
    {
        tracing::warn!(
            file = %path.display(), links,
            "the database's file has several names (hard links); a second process that opens it by another one is not \
             kept out, and would damage the books"
        );
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// What is wrong with a file that SQLite cannot open: the system says it better.
pub(crate) fn cannot_open(path: &Path, error: &rusqlite::Error) -> DbError {
    DbError::Unavailable(match File::open(path) {
        Err(system) => format!("{}: {system}", path.display()),
        Ok(_) => format!("{}: {error}", path.display()),
    })
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
