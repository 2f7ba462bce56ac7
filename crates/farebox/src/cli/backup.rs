//! `farebox backup`: a copy of the embedded database, made beside a running server.
//!
//! Invariant: under the name that was asked for there is a whole, checked copy or nothing.

use super::copying::{books_balance, draft, folder_of, must_be_embedded, pages_are_sound, sync_folder, usable_age};
use super::output::{counted, say};
use super::target::refuse;
use super::{CliResult, ConfigArgs};
use crate::wiring;
use clap::Args;
use farebox_db::{Db, SchemaAge};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const LONG: &str = "\
Copy the embedded database into FILE, also while a server is writing to it.

The copy is the books of one moment, in one file. It is written under a temporary name, checked (every page, then every \
invariant of the books), flushed to disk and only then renamed to FILE. The server goes on meanwhile; its log \
(farebox.db-wal) grows until the copy is made.

The secret key is not in the copy. Keep a copy of it elsewhere: without it no API key is valid and no seller's secret \
can be read.

With PostgreSQL use pg_dump, or pg_basebackup and archived logs.";

#[derive(Args, Debug)]
#[command(long_about = LONG)]
pub(crate) struct BackupArgs {
    /// Where to put the copy.
    file: PathBuf,
    /// Replace FILE where it is there already and is a database, but not the one in use.
    #[arg(long)]
    force: bool,
    /// Do not look through the copy; the next restore does.
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) async fn run(args: BackupArgs) -> CliResult {
    let config = args.config.load(&[])?;
    must_be_embedded(&config, "backup", "pg_dump, or pg_basebackup and archived logs")?;
    let book = wiring::book_file(&config);
    if !book.exists() {
        return Err(format!("there is no database at {}", book.display()));
    }
    refuse(&args.file, args.force, &config)?;
    let folder = folder_of(&args.file);
    let draft = draft(&book, folder).await?;
    if !args.no_check {
        check(draft.path(), &book).await?;
    }
    let bytes = draft.as_file().metadata().map_err(|error| error.to_string())?.len();
    let placed = if args.force { draft.persist(&args.file) } else { draft.persist_noclobber(&args.file) };
    placed.map_err(|error| format!("{}: {}", args.file.display(), error.error))?;
    sync_folder(folder)?;
    say(format!("backup of {} in {} ({} KiB)", book.display(), args.file.display(), bytes.div_ceil(1024)));
    say("the secret key is not in it: keep a copy of that elsewhere");
    Ok(ExitCode::SUCCESS)
}

async fn check(copy: &Path, book: &Path) -> Result<(), String> {
    pages_are_sound(copy)?;
    let db = Db::sqlite_read_only(copy).map_err(|error| error.to_string())?;
    match usable_age(&db, book).await? {
        SchemaAge::Older(count) => {
            let behind = counted(count, "migration", "migrations");
            say(format!("not checked: the books are {behind} behind this program; a restore brings them on"));
            Ok(())
        }
        _ => books_balance(&db).await,
    }
}
