//! `farebox check-ledger`: every invariant with its count, also beside a running server.

use super::output::{explained, say};
use super::{CliResult, ConfigArgs};
use crate::wiring;
use clap::Args;
use farebox_audit::AuditFinding;
use farebox_base::Result;
use farebox_db::{Db, SchemaAge, sqlite_defects};
use farebox_ledger::check::{Finding, Head, check_deep};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// How often the progress of a deep check is shown, in entries.
const PROGRESS_ENTRIES: i64 = 100_000;

const AFTER: &str = "\
Exit status: 0 where every invariant holds; 1 where one is broken; 2 where nothing could be checked, because the database \
could not be opened or read, or has not this program's schema.";

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

pub(super) async fn run(args: CheckArgs) -> CliResult {
    let config = args.config.load(&[])?;
    let db = wiring::database_to_read(&config).map_err(explained)?;
    must_have_schema(&db, &wiring::books_place(&config)).await?;
    let mut findings = findings(&db).await.map_err(explained)?;
    findings.iter().for_each(|finding| say(line(finding)));
    if args.deep {
        if config.database.server().is_none() {
            let pages = pages(&wiring::book_file(&config));
            say(line(&pages));
            findings.push(pages);
        }
        let deep = check_deep(&db, shown_progress("entries")).await.map_err(explained)?;
        deep.findings.iter().for_each(|finding| say(line(finding)));
        deep.heads.iter().filter(|head| head.seq > 0).for_each(|head| say(head_line(head)));
        findings.extend(deep.findings);
        findings.extend(audit_log(&db).await.map_err(explained)?);
    }
    let broken: i64 = findings.iter().map(|finding| finding.broken).sum();
    if broken == 0 {
        say(format!("the books balance: {} invariants hold", findings.len()));
        return Ok(ExitCode::SUCCESS);
    }
    say(format!("the books do NOT balance: {broken} breaches"));
    Ok(ExitCode::FAILURE)
}

/// The chain of the audit log, and the lists of its lines.
async fn audit_log(db: &Db) -> Result<Vec<Finding>> {
    let checked = farebox_audit::check_deep(db, shown_progress("audit lines")).await?;
    let finding =
        |AuditFinding { invariant, checked, broken, examples }| Finding { invariant, checked, broken, examples };
    let findings: Vec<Finding> = checked.findings.into_iter().map(finding).collect();
    findings.iter().for_each(|finding| say(line(finding)));
    if checked.lines > 0 {
        say(format!("the audit log ends with line {}, hash {}", checked.lines, checked.hash));
    }
    Ok(findings)
}

/// The file's pages and indexes, which the statements above may not have come by.
fn pages(book: &Path) -> Finding {
    let found = sqlite_defects(book).unwrap_or_else(|error| vec![error.to_string()]);
    Finding {
        invariant: "the file's pages and indexes are sound",
        checked: 1,
        broken: i64::try_from(found.len()).unwrap_or(i64::MAX),
        examples: found,
    }
}

/// Whether what is to be checked is there at all.
async fn must_have_schema(db: &Db, place: &str) -> Result<(), String> {
    match db.schema_age().await.map_err(|error| error.to_string())? {
        SchemaAge::Foreign => {
            Err(format!("no Farebox schema ({place}); run `farebox migrate` where this is the database that you mean"))
        }
        SchemaAge::Older(count) => {
            Err(format!("the schema is {count} migrations behind this program ({place}); run `farebox migrate`"))
        }
        SchemaAge::Current | SchemaAge::Newer(_) | SchemaAge::Other(_) => Ok(()),
    }
}

/// Counts up on a terminal and is silent elsewhere.
fn shown_progress(what: &'static str) -> impl FnMut(i64) {
    let (shown, mut next) = (std::io::stderr().is_terminal(), PROGRESS_ENTRIES);
    move |done| {
        if shown && done >= next {
            let _ = write!(std::io::stderr(), "\r{done} {what} read ");
            next = done + PROGRESS_ENTRIES;
        }
    }
}

/// Kept somewhere else, these lines show later whether the end of a chain was cut off.
fn head_line(head: &Head) -> String {
    let Head { chain, seq, entries, hash } = head;
    format!("chain {chain} ends with batch {seq}, entry {entries}, hash {hash}")
}

/// The ledger's invariants and those that join it with the calls.
///
/// # Errors
/// Those of the database.
pub(crate) async fn findings(db: &Db) -> Result<Vec<Finding>> {
    let mut findings = farebox_ledger::check::check(db).await?;
    findings.extend(farebox_calls::check(db).await?);
    Ok(findings)
}

pub(crate) fn line(finding: &Finding) -> String {
    let verdict = if finding.broken == 0 { "ok    " } else { "BROKEN" };
    let mut line = format!("{verdict} {:>9} checked  {}", finding.checked, finding.invariant);
    if finding.broken != 0 {
        line.push_str(&format!(": {} broken, first {}", finding.broken, finding.examples.join(", ")));
    }
    line
}
