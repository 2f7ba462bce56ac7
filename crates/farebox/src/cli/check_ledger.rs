//! `farebox check-ledger`: every invariant with its count, also beside a running server.

use super::output::{explained, say};
use super::{CliResult, ConfigArgs};
use crate::wiring;
use farebox_base::Result;
use farebox_db::Db;
use farebox_ledger::check::Finding;
use std::process::ExitCode;

pub(super) async fn run(args: ConfigArgs) -> CliResult {
    let config = args.load(&[])?;
    let db = wiring::database_to_read(&config).map_err(explained)?;
    let findings = findings(&db).await.map_err(explained)?;
    for finding in &findings {
        say(line(finding));
    }
    let broken: i64 = findings.iter().map(|finding| finding.broken).sum();
    if broken == 0 {
        say(format!("the books balance: {} invariants hold", findings.len()));
        return Ok(ExitCode::SUCCESS);
    }
    say(format!("the books do NOT balance: {broken} breaches"));
    Ok(ExitCode::FAILURE)
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
