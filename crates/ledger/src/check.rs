//! The invariants of the book as SQL, in one place: run by tests, by a job and by `farebox check-ledger`.

mod deep;
mod invariants;

pub use deep::{Deep, Head, check_deep};
pub use invariants::INVARIANTS;

use farebox_base::{Error, Kind, Result};
use farebox_db::Db;

/// One invariant, how many things it was checked on, and those that break it.
#[derive(Debug, Clone)]
pub struct Finding {
    pub invariant: &'static str,
    pub checked: i64,
    pub broken: i64,
    /// Ids of up to ten breaches.
    pub examples: Vec<String>,
}

/// An invariant: `count` counts what is checked, `breaches` lists the ids that break it.
pub struct Invariant {
    pub name: &'static str,
    pub count: &'static str,
    pub breaches: &'static str,
}

/// Runs every invariant of the ledger.
pub async fn check(db: &Db) -> Result<Vec<Finding>> {
    run(db, INVARIANTS).await
}

/// Runs a list of invariants; other crates bring the ones that join their tables with the ledger's.
pub async fn run(db: &Db, invariants: &[Invariant]) -> Result<Vec<Finding>> {
    let mut findings = Vec::with_capacity(invariants.len());
    for invariant in invariants {
        findings.push(match look(db, invariant).await {
            Err(error) if error.kind != Kind::Unavailable => unreadable(invariant.name, error),
            looked => looked?,
        });
    }
    Ok(findings)
}

async fn look(db: &Db, invariant: &Invariant) -> Result<Finding> {
    let checked = match db.one(invariant.count, &[]).await? {
        Some(row) => row.get(0)?,
        None => 0,
    };
    let rows = db.query(invariant.breaches, &[]).await?;
    let mut examples = Vec::new();
    for row in rows.iter().take(10) {
        examples.push(row.get(0)?);
    }
    let broken = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(Finding { invariant: invariant.name, checked, broken, examples })
}

/// What cannot be read is no reason to look no further.
fn unreadable(invariant: &'static str, error: Error) -> Finding {
    Finding { invariant, checked: 0, broken: 1, examples: vec![format!("cannot be read: {}", why(error))] }
}

/// Why something cannot be read, for the operator.
fn why(error: Error) -> String {
    error.internal.unwrap_or(error.message)
}
