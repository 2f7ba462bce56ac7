//! What checkpoints cost the commits of the embedded database: `cargo run -p farebox-db --example checkpoints [SECONDS]`.
//!
//! Commits without pause, in groups as the paid calls make them, first with SQLite's own checkpoints inside the COMMIT,
//! then with Farebox's; prints how long the COMMITs took and how large the log became. Then the same beside a reader
//! that stays in one state of the database, as a backup does.

use farebox_base::{Rng as _, SystemRng};
use farebox_db::{Db, DbError, Isolation, NoFaults, sql};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const TABLES: &str = "CREATE TABLE change_counter (scope TEXT PRIMARY KEY, version BIGINT NOT NULL) /*STRICT*/;\n\
                      CREATE INDEX version ON change_counter (version);";
/// As a release without this crate's checkpoints had it.
const SQLITES_OWN: &str = "PRAGMA wal_autocheckpoint = 1000";
const GROUP: usize = 40;
const ROWS_BEFORE: usize = 100_000;

#[tokio::main]
async fn main() -> Result<(), DbError> {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(8);
    for with_reader in [false, true] {
        for own in [true, false] {
            measure(own, with_reader, Duration::from_secs(seconds)).await?;
        }
    }
    Ok(())
}

async fn measure(own: bool, with_reader: bool, time: Duration) -> Result<(), DbError> {
    let folder = tempfile::tempdir().map_err(|error| DbError::Other(error.to_string()))?;
    let path = folder.path().join("book.db");
    let db = Db::sqlite(&path, Arc::new(NoFaults))?;
    db.migrate_with(&[("tables.sql", TABLES)]).await?;
    if own {
        let mut tx = db.begin(Isolation::Serializable).await?;
        tx.query(SQLITES_OWN, &[]).await?;
        tx.commit().await?;
    }
    let mut number = 0;
    while number < ROWS_BEFORE {
        commit(&db, &mut number, 1_000).await?;
    }
    let reader = Db::sqlite_read_only(&path)?;
    let mut snapshot = reader.begin(Isolation::Serializable).await?;
    if with_reader {
        snapshot.query(sql!("SELECT COUNT(*) FROM change_counter"), &[]).await?;
    }
    let (begun, mut took) = (Instant::now(), vec![]);
    let mut largest = 0;
    while begun.elapsed() < time {
        took.push(commit(&db, &mut number, GROUP).await?);
        largest = largest.max(log_bytes(&path));
    }
    took.sort();
    let at = |share: usize| took[(took.len() * share / 1_000).min(took.len() - 1)].as_secs_f64() * 1_000.0;
    let line = format!(
        "{:<9} {:<12} {:>6} commits  p50 {:>6.2}  p99 {:>6.2}  p99.9 {:>6.2}  longest {:>6.2} ms  log {:>4} MiB",
        if own { "SQLite's" } else { "Farebox's" },
        if with_reader { "with reader" } else { "alone" },
        took.len(),
        at(500),
        at(990),
        at(999),
        at(1_000),
        largest >> 20
    );
    writeln!(std::io::stdout(), "{line}").map_err(|error| DbError::Other(error.to_string()))
}

/// One group: rows in order, an index out of order. Answers how long the COMMIT took.
async fn commit(db: &Db, number: &mut usize, rows: usize) -> Result<Duration, DbError> {
    let mut tx = db.begin(Isolation::Serializable).await?;
    for _ in 0..rows {
        let (scope, chance) = (format!("{number:0>120}"), i64::try_from(SystemRng.below(1 << 62)).unwrap_or(0));
        let insert = sql!("INSERT INTO change_counter (scope, version) VALUES ($1, $2)");
        tx.execute(insert, &[scope.as_str().into(), chance.into()]).await?;
        *number += 1;
    }
    let begun = Instant::now();
    tx.commit().await?;
    Ok(begun.elapsed())
}

fn log_bytes(path: &Path) -> u64 {
    std::fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len())
}
