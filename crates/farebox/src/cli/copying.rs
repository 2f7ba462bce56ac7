//! What backup and restore share: a copy that shows how far it is and can be broken off, and a look through one.

use super::checking::{audit_log, chains, findings, line, values};
use super::output::{counted, explained, say};
use crate::config::Config;
use crate::serve::stop_signal;
use farebox_db::{CopyProgress, Db, SchemaAge, sqlite_copy, sqlite_defects};
use farebox_ledger::check::Finding;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::NamedTempFile;

/// Says what to use where the books are not in a file.
pub(super) fn must_be_embedded(config: &Config, command: &str, instead: &str) -> Result<(), String> {
    match config.database.url {
        Some(_) => Err(format!(
            "`farebox {command}` is for the embedded database; this configuration uses PostgreSQL: use {instead}"
        )),
        None => Ok(()),
    }
}

/// The folder that a file lies in.
pub(super) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The file of the same name with something behind it.
pub(super) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A copy of a database under a temporary name in a folder, readable by its owner alone, gone when dropped.
pub(super) async fn draft(from: &Path, folder: &Path) -> Result<NamedTempFile, String> {
    let file = tempfile::Builder::new().prefix(".farebox-").suffix(".partial").tempfile_in(folder);
    let draft = file.map_err(|error| cannot_write(folder, error.kind()))?;
    let (from, to): (PathBuf, PathBuf) = (from.to_owned(), draft.path().to_owned());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let mut copying = tokio::task::spawn_blocking(move || {
        let mut shown = Shown::default();
        let copied = sqlite_copy(&from, &to, |progress| {
            shown.show(progress);
            if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        shown.end();
        copied
    });
    let copied = tokio::select! {
        copied = &mut copying => copied,
        () = stop_signal() => {
            stop.store(true, Ordering::Relaxed);
            copying.await
        }
    };
    copied.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok(draft)
}

/// The system's own text would name the temporary file.
fn cannot_write(folder: &Path, why: ErrorKind) -> String {
    let folder = folder.display();
    match why {
        ErrorKind::NotFound => format!("there is no folder {folder}; make it first, or name a file in another one"),
        _ => format!("can't write to the folder {folder}: {why}"),
    }
}

/// Whether the pages of a copy hang together.
pub(super) fn pages_are_sound(copy: &Path) -> Result<(), String> {
    match sqlite_defects(copy).map_err(|error| error.to_string())?.as_slice() {
        [] => Ok(()),
        defects => Err(format!("the copy is damaged: {}", defects.join("; "))),
    }
}

/// Whether the books in a copy balance; says so, or which invariants do not hold.
pub(super) async fn books_balance(db: &Db) -> Result<(), String> {
    verdict(&findings(db).await.map_err(explained)?)
}

/// As [`books_balance`], with every value read and every hash computed again, as the deep check does.
pub(super) async fn books_balance_deep(db: &Db, copy: &Path) -> Result<(), String> {
    let mut all = findings(db).await.map_err(explained)?;
    all.push(values(copy));
    all.extend(chains(db).await.map_err(explained)?.findings);
    all.extend(audit_log(db).await.map_err(explained)?.findings);
    verdict(&all)
}

fn verdict(findings: &[Finding]) -> Result<(), String> {
    let broken: Vec<_> = findings.iter().filter(|finding| finding.broken != 0).collect();
    if broken.is_empty() {
        say(format!("the copy's books balance: {} invariants hold", findings.len()));
        return Ok(());
    }
    broken.iter().for_each(|finding| say(line(finding)));
    let broken = counted(broken.len(), "invariant is", "invariants are");
    Err(format!("the copy's books do NOT balance: {broken} broken"))
}

/// The age of a file's schema; an error where it is nobody's or of a later release.
pub(super) async fn usable_age(db: &Db, file: &Path) -> Result<SchemaAge, String> {
    let file = file.display();
    match db.schema_age().await {
        Ok(age @ (SchemaAge::Current | SchemaAge::Older(_))) => Ok(age),
        Ok(SchemaAge::Newer(name)) => {
            Err(format!("{file} is of a later release: it knows the migration {name}, this program does not"))
        }
        Ok(SchemaAge::Other(name)) => Err(format!("{file} was made with another migration {name} than this program's")),
        Ok(SchemaAge::Foreign) => Err(format!("{file} is a database, but none of Farebox")),
        Ok(SchemaAge::Unreadable(why)) => Err(format!("{file} is damaged: {why}")),
        Err(error) => Err(format!("{file} can't be read as a Farebox database: {error}")),
    }
}

/// A moved file is there after a crash of the machine only once its folder is on disk too.
pub(super) fn sync_folder(folder: &Path) -> Result<(), String> {
    let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| format!("{}: {error}", folder.display()))
}

/// The line of progress on a terminal; short copies show none.
#[derive(Default)]
struct Shown {
    percent: Option<u64>,
}

impl Shown {
    fn show(&mut self, progress: CopyProgress) {
        let percent = progress.done * 100 / progress.total.max(1);
        let is_news = self.percent != Some(percent) && (percent < 100 || self.percent.is_some());
        if is_news && std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr(), "\r{percent:>3} % of {} pages", progress.total);
            self.percent = Some(percent);
        }
    }

    fn end(&self) {
        if self.percent.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}
