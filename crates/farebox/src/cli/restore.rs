//! `farebox restore`: a backup in place of the embedded database.
//!
//! Invariants: nothing in the data folder changes before the backup was copied there, checked and brought to this
//! program's schema; the database that was there is kept, with all that was committed to it.

use super::copying::{
    beside, books_balance, books_balance_deep, draft, folder_of, must_be_embedded, pages_are_sound, sync_folder,
    usable_age,
};
use super::new_folder::NewFolder;
use super::output::{explained, say};
use super::{CliResult, ConfigArgs};
use crate::config::Config;
use crate::secret_key::SecretKey;
use crate::wiring;
use clap::Args;
use farebox_base::{Clock as _, SystemClock};
use farebox_db::{Db, NoFaults, sqlite_claim, sqlite_fold_log};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tempfile::NamedTempFile;

const LONG: &str = "\
Put the backup FILE in place of the embedded database. Stop the server first.

The backup is copied into the data folder, checked (every page), brought to this program's schema where an earlier \
release made it, checked again (every invariant of the books, every value and every hash, as check-ledger --deep does), and only then put \
in place. The database that was there \
is kept beside it as farebox.db.before-restore-YYYYMMDD-HHMMSS (UTC). FILE itself is not touched.

What happened after the backup was made is not in it: calls that were paid, keys that were revoked, money that was \
credited. Calls that were open when it was made are closed, free of charge, when the server starts.

The secret key is not in a backup. The database knows which key it belongs to, and a server with another one does not \
start; restore says whether the key that is configured is the right one.

With PostgreSQL use psql or pg_restore.";

#[derive(Args, Debug)]
#[command(long_about = LONG)]
pub(crate) struct RestoreArgs {
    /// The backup.
    file: PathBuf,
    /// Put it in place without looking through it.
    #[arg(long)]
    no_check: bool,
    /// Check pages and invariants, but do not compute every hash again. For books so large that
    /// this takes longer than you can wait; `check-ledger --deep` does it later, beside the server.
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) async fn run(args: RestoreArgs) -> CliResult {
    let config = args.config.load(&[])?;
    must_be_embedded(&config, "restore", "psql or pg_restore")?;
    if !args.file.is_file() {
        return Err(format!("{} is no file", args.file.display()));
    }
    let book = wiring::book_file(&config);
    let folder = NewFolder::make(&config).map_err(explained)?;
    let claim = sqlite_claim(&book).map_err(|error| error.to_string())?;
    let draft = draft(&args.file, folder_of(&book)).await.map_err(|e| format!("{}: {e}", args.file.display()))?;
    let key = prepare(draft.path(), &args, &config).await;
    // The draft's own lock; SQLite has removed its log with the last connection.
    let _ = std::fs::remove_file(beside(draft.path(), ".lock"));
    let key = key?;
    let before = put_in_place(draft, &book)?;
    folder.keep();
    drop(claim);
    say(format!("{} is now the database {}", args.file.display(), book.display()));
    if let Some(before) = before {
        say(format!("the one before is kept as {}", before.display()));
    }
    say(key);
    Ok(ExitCode::SUCCESS)
}

/// Checks the copy and brings it to this program's schema; answers with a word on the secret key.
async fn prepare(copy: &Path, args: &RestoreArgs, config: &Config) -> Result<String, String> {
    if !args.no_check {
        pages_are_sound(copy)?;
    }
    let reading = Db::sqlite_read_only(copy).map_err(|error| error.to_string())?;
    usable_age(&reading, &args.file).await?;
    drop(reading);
    let db = Db::sqlite(copy, Arc::new(NoFaults)).map_err(|error| error.to_string())?;
    for name in db.migrate().await.map_err(|error| error.to_string())? {
        say(format!("applied {name}"));
    }
    match args {
        RestoreArgs { no_check: true, .. } => {}
        RestoreArgs { quick: true, .. } => books_balance(&db).await?,
        _ => books_balance_deep(&db, copy).await?,
    }
    Ok(match SecretKey::find(config).map_err(explained)? {
        None => {
            "no secret key is configured or in the data folder: put the one of this database there before you start"
                .to_owned()
        }
        Some(key) => match key.check(&db).await {
            Ok(()) => "the secret key is the one of this database".to_owned(),
            Err(error) => format!("the server will NOT start yet: {}", explained(error)),
        },
    })
}

/// Keeps the database that is there under another name and renames the new one; there is one or the other at any moment.
fn put_in_place(draft: NamedTempFile, book: &Path) -> Result<Option<PathBuf>, String> {
    let failed = |file: &Path, error: std::io::Error| format!("{}: {error}", file.display());
    draft.as_file().sync_all().map_err(|error| failed(draft.path(), error))?;
    let mut before = None;
    if book.exists() {
        let aside = aside(book);
        // Where its log can't be brought in, because it is damaged, the log goes along.
        if sqlite_fold_log(book).is_err() && beside(book, "-wal").exists() {
            let log = beside(book, "-wal");
            let log_aside = beside(&aside, "-wal");
            std::fs::rename(&log, &log_aside).map_err(|error| failed(&log, error))?;
            make_private(&log_aside).map_err(|error| failed(&log_aside, error))?;
        }
        let kept = std::fs::hard_link(book, &aside).or_else(|_| std::fs::copy(book, &aside).map(|_| ()));
        kept.and_then(|()| make_private(&aside)).map_err(|error| failed(&aside, error))?;
        before = Some(aside);
    }
    // A log that stayed would be applied to the new file.
    for end in ["-wal", "-shm"] {
        let stale = beside(book, end);
        if stale.exists() {
            std::fs::remove_file(&stale).map_err(|error| failed(&stale, error))?;
        }
    }
    draft.persist(book).map_err(|error| failed(book, error.error))?;
    sync_folder(folder_of(book))?;
    Ok(before)
}

/// A name for the database that was there, with the time (UTC, YYYYMMDD-HHMMSS); none that is taken.
fn aside(book: &Path) -> PathBuf {
    let time = SystemClock::default().now().rfc3339();
    let digits: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
    let (day, moment) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    let name = beside(book, &format!(".before-restore-{day}-{moment}"));
    let more = (2..u32::MAX).map(|count| beside(&name, &format!("-{count}")));
    std::iter::once(name.clone()).chain(more).find(|file| !file.exists()).unwrap_or(name)
}

/// Leaves the file to its owner; an earlier release made it with the rights of the umask.
fn make_private(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}
