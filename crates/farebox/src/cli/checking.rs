//! What is looked at where books are checked: by `check-ledger`, in a backup, before a restore.
//!
//! Only looks and words what was found; what follows from it is the subcommands' matter.

use farebox_audit::AuditFinding;
use farebox_base::Result;
use farebox_db::{Db, sqlite_defects, sqlite_unreadable_values};
use farebox_ledger::check::{Finding, Head, check_deep};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

/// How often the progress of a deep check is shown, in entries.
const PROGRESS_ENTRIES: i64 = 100_000;

/// A part of a check: what it found, and where the chains that it read end.
pub(super) struct Part {
    pub findings: Vec<Finding>,
    pub ends: Vec<String>,
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

/// The hashes of all batches, from all transfers and entries.
///
/// # Errors
/// Where the database is away.
pub(super) async fn chains(db: &Db) -> Result<Part> {
    let deep = check_deep(db, shown_progress("entries")).await?;
    let ends = deep.heads.iter().filter(|head| head.seq > 0).map(head_line).collect();
    Ok(Part { findings: deep.findings, ends })
}

/// The chain of the audit log, and the lists of its lines.
///
/// # Errors
/// Where the database is away.
pub(super) async fn audit_log(db: &Db) -> Result<Part> {
    let checked = farebox_audit::check_deep(db, shown_progress("audit lines")).await?;
    let finding =
        |AuditFinding { invariant, checked, broken, examples }| Finding { invariant, checked, broken, examples };
    let end = format!("the audit log ends with line {}, hash {}", checked.lines, checked.hash);
    let ends = (checked.lines > 0).then_some(end).into_iter().collect();
    Ok(Part { findings: checked.findings.into_iter().map(finding).collect(), ends })
}

/// The file's pages and indexes, which statements may not come by.
pub(super) fn pages(book: &Path) -> Finding {
    let found = sqlite_defects(book).unwrap_or_else(|error| vec![error.to_string()]);
    let broken = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Finding { invariant: "the file's pages and indexes are sound", checked: 1, broken, examples: found }
}

/// Every value of every table of the file: which table, row and column cannot be read.
pub(super) fn values(book: &Path) -> Finding {
    let invariant = "the values of each row can be read";
    match sqlite_unreadable_values(book) {
        Ok(found) => Finding { invariant, checked: found.rows, broken: found.broken, examples: found.places },
        Err(error) => Finding { invariant, checked: 0, broken: 1, examples: vec![error.to_string()] },
    }
}

/// Counts up on a terminal and is silent elsewhere.
fn shown_progress(what: &'static str) -> impl FnMut(i64) {
    let (shown, mut next) = (std::io::stderr().is_terminal(), PROGRESS_ENTRIES);
    move |done| {
        if shown && done >= next {
            let _ = write!(std::io::stderr(), "\r{done} {what} read ");
            next = done.saturating_add(PROGRESS_ENTRIES);
        }
    }
}

/// Kept somewhere else, these lines show later whether the end of a chain was cut off.
fn head_line(head: &Head) -> String {
    let Head { chain, seq, entries, hash } = head;
    format!("chain {chain} ends with batch {seq}, entry {entries}, hash {hash}")
}
