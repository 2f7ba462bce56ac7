//! `farebox check-ledger`: every invariant with its count, also beside a running server.
//!
//! Invariant: what is broken or cannot be read is told and keeps nothing else from being checked.

use super::checking::{Part, audit_log, chains, findings, line, pages, values};
use super::output::{counted, explained, say};
use super::{CliResult, ConfigArgs};
use crate::wiring;
use clap::Args;
use farebox_base::Result;
use farebox_db::{Db, DbError, Engine, SchemaAge};
use farebox_ledger::check::Finding;
use std::path::Path;
use std::process::ExitCode;

const AFTER: &str = "\
Exit status: 0 where every invariant holds; 1 where one is broken, or something cannot be read; 2 where the check could \
not be made, or not to its end: the database could not be opened, went away, has not this program's schema, or one that \
is damaged.";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Also compute the hash of every batch again, from all transfers and entries, and of every
    /// line of the audit log, and print where each chain ends.
    #[arg(long)]
    deep: bool,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    invariants: usize,
    broken: i64,
}

pub(super) async fn run(args: CheckArgs) -> CliResult {
    let config = args.config.load(&[])?;
    let db = wiring::database_to_read(&config).map_err(explained)?;
    let book = (db.engine() == Engine::Sqlite).then(|| wiring::book_file(&config));
    let mut told = Told::default();
    told.findings(schema(&db, &wiring::books_place(&config)).await?);
    let stopped = look(&db, book.as_deref(), args.deep, &mut told).await.err().map(explained);
    match (stopped, told.broken) {
        (Some(why), 0) => return Err(why),
        (Some(why), _) => say(format!("not everything was checked: {why}")),
        (None, 0) => {
            say(format!("the books balance: {} invariants hold", told.invariants));
            return Ok(ExitCode::SUCCESS);
        }
        (None, _) => {}
    }
    say(format!("the books do NOT balance: {}", counted(told.broken, "breach", "breaches")));
    Ok(ExitCode::FAILURE)
}

/// Tells each part as soon as it is looked at; `book` is the file of the embedded database.
async fn look(db: &Db, book: Option<&Path>, deep: bool, told: &mut Told) -> Result<()> {
    told.findings(findings(db).await?);
    // The invariants only run into a value that cannot be read; this says in which row it stands.
    if let Some(book) = book.filter(|_| deep || told.broken > 0) {
        told.findings([values(book)]);
    }
    if let Some(book) = book.filter(|_| deep) {
        told.findings([pages(book)]);
    }
    if deep {
        told.part(chains(db).await?);
        told.part(audit_log(db).await?);
    }
    Ok(())
}

impl Told {
    fn findings(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            say(line(&finding));
            self.invariants += 1;
            self.broken = self.broken.saturating_add(finding.broken);
        }
    }

    fn part(&mut self, part: Part) {
        self.findings(part.findings);
        part.ends.iter().for_each(say);
    }
}

/// Whether what is to be checked is there at all; a finding where no more than the record of its migrations is damaged.
async fn schema(db: &Db, place: &str) -> Result<Option<Finding>, String> {
    match db.schema_age().await {
        Ok(SchemaAge::Current | SchemaAge::Newer(_) | SchemaAge::Other(_)) => Ok(None),
        Ok(SchemaAge::Unreadable(why)) => {
            let invariant = "the record of migrations can be read";
            Ok(Some(Finding { invariant, checked: 1, broken: 1, examples: vec![why] }))
        }
        Ok(SchemaAge::Foreign) => {
            Err(format!("no Farebox schema ({place}); run `farebox migrate` where this is the database that you mean"))
        }
        Ok(SchemaAge::Older(count)) => {
            let behind = counted(count, "migration", "migrations");
            Err(format!("the schema is {behind} behind this program ({place}); run `farebox migrate`"))
        }
        Err(DbError::Other(why)) if db.engine() == Engine::Sqlite => Err(format!(
            "the database is damaged, so that nothing in it can be checked ({place}): {why}; put the last backup in its \
             place with `farebox restore`"
        )),
        Err(error) => Err(error.to_string()),
    }
}
