//! Faults at each point: what happened, what did not, and what the caller learns.

use farebox_base::{Kind, Result};
use farebox_db::{COMMIT_UNKNOWN, Db, DbError, LOST_RACE, Point, Tx, sql, tx};
use farebox_testkit::engines::TestDb;
use farebox_testkit::faults::Strikes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

async fn each(test: impl AsyncFn(&Db, &Strikes)) {
    for place in TestDb::all().await {
        let strikes = Arc::new(Strikes::default());
        test(&place.open(strikes.clone()), &strikes).await;
    }
}

async fn bump_in(tx: &mut Tx, runs: &AtomicU32) -> Result<()> {
    runs.fetch_add(1, Ordering::SeqCst);
    let upsert = sql!(
        "INSERT INTO change_counter (scope, version) VALUES ('test', 1)
         ON CONFLICT (scope) DO UPDATE SET version = change_counter.version + 1"
    );
    tx.execute_one(upsert, &[]).await?;
    Ok(())
}

/// Bumps once; returns the outcome and how often the body ran.
async fn bump(db: &Db) -> (Result<()>, u32) {
    let runs = AtomicU32::new(0);
    let outcome = tx!(db, tx => { bump_in(tx, &runs).await });
    (outcome, runs.into_inner())
}

async fn version(db: &Db) -> i64 {
    let row = db.one(sql!("SELECT version FROM change_counter WHERE scope = 'test'"), &[]).await.unwrap();
    row.map_or(0, |row| row.get(0).unwrap())
}

#[tokio::test]
async fn a_statement_or_commit_that_is_lost_changes_nothing() {
    each(async |db, strikes| {
        for point in [Point::Statement, Point::BeforeCommit] {
            strikes.plan(point, 1, DbError::Injected("crash"));
            let (outcome, runs) = bump(db).await;
            assert_eq!((outcome.unwrap_err().kind, runs), (Kind::Internal, 1), "{point:?}");
            assert_eq!(version(db).await, 0, "{point:?}");
        }
        strikes.plan(Point::Statement, 1, DbError::Unavailable("gone".to_owned()));
        let read = db.query("SELECT 1", &[]).await;
        assert_eq!(read, Err(DbError::Unavailable("gone".to_owned())));
    })
    .await;
}

#[tokio::test]
async fn an_answer_lost_after_commit_is_unknown_and_the_change_is_there() {
    each(async |db, strikes| {
        for (expected, error) in [
            (1, DbError::Injected("crash")),
            (2, DbError::CommitUnknown("lost".to_owned())),
            (3, DbError::Serialization),
        ] {
            strikes.plan(Point::AfterCommit, 1, error);
            let (outcome, runs) = bump(db).await;
            assert_eq!((outcome.unwrap_err().code, runs), (COMMIT_UNKNOWN, 1));
            assert_eq!(version(db).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_race_is_rerun_ten_times_and_then_told() {
    each(async |db, strikes| {
        for point in [Point::Statement, Point::BeforeCommit] {
            let before = version(db).await;
            strikes.plan(point, 10, DbError::Serialization);
            let (outcome, runs) = bump(db).await;
            assert_eq!((outcome.is_ok(), runs), (true, 11), "{point:?}");
            assert_eq!(version(db).await, before + 1, "{point:?}");
            strikes.plan(point, 11, DbError::Serialization);
            let (outcome, runs) = bump(db).await;
            assert_eq!((outcome.unwrap_err().code, runs), (LOST_RACE, 11), "{point:?}");
            assert_eq!(version(db).await, before + 1, "{point:?}");
        }
    })
    .await;
}
