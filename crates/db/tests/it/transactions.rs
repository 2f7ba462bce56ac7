//! Commit, rollback, what a failed statement means, and the rerun after a lost race.

use farebox_base::{Kind, Result};
use farebox_db::{DB_CONFLICT, Db, DbError, Isolation, LOST_RACE, Tx, tx};
use farebox_testkit::engines;
use futures_util::FutureExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const TABLES: &str = "CREATE TABLE counter (id TEXT PRIMARY KEY, n BIGINT NOT NULL, CHECK (n >= 0)) /*STRICT*/;
CREATE TABLE child (id TEXT PRIMARY KEY REFERENCES counter (id)) /*STRICT*/;";
const INSERT: &str = "INSERT INTO counter (id, n) VALUES ($1, $2)";

async fn each(test: impl AsyncFn(Db)) {
    engines::each_empty(async |db| {
        db.migrate_with(&[("counter.sql", TABLES)]).await.unwrap();
        test(db).await;
    })
    .await;
}

async fn insert_in(tx: &mut Tx, id: &str, n: i64) -> Result<()> {
    tx.execute_one(INSERT, &[id.into(), n.into()]).await?;
    Ok(())
}

async fn count(db: &Db) -> i64 {
    db.one("SELECT COUNT(*) FROM counter", &[]).await.unwrap().unwrap().get(0).unwrap()
}

async fn value(db: &Db, id: &str) -> i64 {
    db.one("SELECT n FROM counter WHERE id = $1", &[id.into()]).await.unwrap().unwrap().get(0).unwrap()
}

#[tokio::test]
async fn what_is_committed_stays_and_nobody_sees_it_before() {
    each(async |db| {
        let mut tx = db.begin(Isolation::Serializable).await.unwrap();
        insert_in(&mut tx, "a", 1).await.unwrap();
        assert_eq!(count(&db).await, 0);
        tx.commit().await.unwrap();
        assert_eq!(count(&db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_fails_and_a_dropped_transaction_leave_nothing() {
    each(async |db| {
        let failed: Result<()> = tx!(db, Isolation::ReadCommitted, tx => {
            insert_in(tx, "a", 1).await?;
            Err(farebox_base::Error::forbidden("no"))
        });
        assert_eq!(failed.unwrap_err().kind, Kind::Forbidden);
        for _ in 0..20 {
            let mut tx = db.begin(Isolation::Serializable).await.unwrap();
            insert_in(&mut tx, "a", 1).await.unwrap();
            drop(tx);
        }
        let mut tx = db.begin(Isolation::Serializable).await.unwrap();
        insert_in(&mut tx, "a", 1).await.unwrap();
        tx.rollback().await;
        assert_eq!(count(&db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn broken_constraints_of_every_sort_are_conflicts() {
    each(async |db| {
        tx!(db, tx => { insert_in(tx, "a", 1).await }).unwrap();
        let duplicate = tx!(db, tx => { insert_in(tx, "a", 1).await });
        let check = tx!(db, tx => { insert_in(tx, "b", -1).await });
        let reference = tx!(db, tx => { Ok(tx.execute("INSERT INTO child (id) VALUES ($1)", &["z".into()]).await?) });
        let missing = tx!(db, tx => {
            Ok(tx.execute("INSERT INTO counter (id, n) VALUES ($1, $2)", &["c".into(), None::<i64>.into()]).await?)
        });
        for error in [duplicate.err(), check.err(), reference.err(), missing.err()] {
            let error = error.unwrap();
            assert_eq!((error.kind, error.code), (Kind::Conflict, DB_CONFLICT), "{error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_transaction_is_over_after_its_first_error_even_if_the_body_swallows_it() {
    each(async |db| {
        tx!(db, tx => { insert_in(tx, "a", 1).await }).unwrap();
        let outcome = tx!(db, tx => {
            insert_in(tx, "b", 1).await?;
            let swallowed = insert_in(tx, "a", 1).await;
            assert_eq!(swallowed.unwrap_err().code, DB_CONFLICT);
            let later = insert_in(tx, "c", 1).await;
            assert_eq!(later.unwrap_err().code, DB_CONFLICT);
            Ok(())
        });
        assert_eq!(outcome.unwrap_err().code, DB_CONFLICT);
        assert_eq!(count(&db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn changed_rows_are_counted_and_returned() {
    each(async |db| {
        tx!(db, tx => {
            insert_in(tx, "a", 1).await?;
            insert_in(tx, "b", 2).await?;
            assert_eq!(tx.execute("UPDATE counter SET n = n + 1", &[]).await?, 2);
            assert_eq!(tx.execute("DELETE FROM counter WHERE id = $1", &["z".into()]).await?, 0);
            let rows = tx.query("DELETE FROM counter WHERE n > $1 RETURNING id", &[2.into()]).await?;
            assert_eq!(rows[0].get::<&str>(0)?, "b");
            let upsert = "INSERT INTO counter (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = counter.n + $2 RETURNING n";
            let row = tx.one(upsert, &["a".into(), 5.into()]).await?;
            assert_eq!(row.map(|row| row.get::<i64>(0)), Some(Ok(7)));
            let ignored = "INSERT INTO counter (id, n) VALUES ($1, 0) ON CONFLICT (id) DO NOTHING";
            assert_eq!(tx.execute(ignored, &["a".into()]).await?, 0);
            Ok(())
        })
        .unwrap();
        let none = tx!(db, tx => { Ok(tx.execute_one("UPDATE counter SET n = 0 WHERE id = $1", &["z".into()]).await?) });
        assert_eq!(none.unwrap_err().code, "internal");
        assert_eq!(value(&db, "a").await, 7);
    })
    .await;
}

async fn read_and_add_one_in(tx: &mut Tx, runs: &AtomicU32) -> Result<()> {
    runs.fetch_add(1, Ordering::SeqCst);
    let n: i64 = tx.one("SELECT n FROM counter WHERE id = 'a'", &[]).await?.unwrap().get(0)?;
    tx.execute_one("UPDATE counter SET n = $1 WHERE id = 'a'", &[(n + 1).into()]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_races_run_again_until_every_increment_counts() {
    each(async |db| {
        tx!(db, tx => { insert_in(tx, "a", 0).await }).unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (db, runs) = (db.clone(), runs.clone());
                tokio::spawn(async move {
                    for _ in 0..10 {
                        // Ten reruns may not be enough on a slow machine; the caller then knows that nothing happened.
                        while let Err(error) = tx!(db, tx => { read_and_add_one_in(tx, &runs).await }) {
                            assert_eq!(error.code, LOST_RACE);
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(value(&db, "a").await, 40);
        assert!(runs.load(Ordering::SeqCst) >= 40);
    })
    .await;
}

#[tokio::test]
async fn a_race_that_is_lost_for_certain_is_rerun_once_the_other_has_committed() {
    let Some(place) = engines::TestDb::postgres() else { return };
    let db = place.open(Arc::new(farebox_db::NoFaults));
    db.migrate_with(&[("counter.sql", TABLES)]).await.unwrap();
    tx!(db, tx => { insert_in(tx, "a", 0).await }).unwrap();
    let runs = AtomicU32::new(0);
    tx!(db, tx => {
        let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
        let n: i64 = tx.one("SELECT n FROM counter WHERE id = 'a'", &[]).await?.unwrap().get(0)?;
        if first {
            tx!(db, other => { read_and_add_one_in(other, &AtomicU32::new(0)).await })?;
        }
        Ok(tx.execute_one("UPDATE counter SET n = $1 WHERE id = 'a'", &[(n + 1).into()]).await?)
    })
    .unwrap();
    assert_eq!((runs.load(Ordering::SeqCst), value(&db, "a").await), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_wait_for_each_other_both_commit_once_the_server_has_found_out() {
    let Some(place) = engines::TestDb::postgres() else { return };
    let db = place.open(Arc::new(farebox_db::NoFaults));
    db.migrate_with(&[("counter.sql", TABLES)]).await.unwrap();
    tx!(db, tx => {
        insert_in(tx, "a", 0).await?;
        insert_in(tx, "b", 0).await
    })
    .unwrap();
    let both_hold_one = Arc::new(tokio::sync::Barrier::new(2));
    let runs = Arc::new(AtomicU32::new(0));
    let tasks = [["a", "b"], ["b", "a"]].map(|order| {
        let (db, both_hold_one, runs) = (db.clone(), both_hold_one.clone(), runs.clone());
        tokio::spawn(async move {
            let first_run = std::sync::atomic::AtomicBool::new(true);
            tx!(db, Isolation::ReadCommitted, tx => {
                runs.fetch_add(1, Ordering::SeqCst);
                let add = "UPDATE counter SET n = n + 1 WHERE id = $1";
                tx.execute_one(add, &[order[0].into()]).await?;
                if first_run.swap(false, Ordering::SeqCst) {
                    both_hold_one.wait().await;
                }
                Ok(tx.execute_one(add, &[order[1].into()]).await?)
            })
        })
    });
    let start = tokio::time::Instant::now();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!((value(&db, "a").await, value(&db, "b").await), (2, 2));
    assert!(runs.load(Ordering::SeqCst) >= 3, "one of them was undone and made again");
    assert!(start.elapsed() < std::time::Duration::from_secs(4), "the server's own wait is one second");
}

#[tokio::test]
async fn an_abandoned_statement_keeps_the_transaction_from_committing() {
    let Some(place) = engines::TestDb::postgres() else { return };
    let db = place.open(Arc::new(farebox_db::NoFaults));
    db.migrate_with(&[("counter.sql", TABLES)]).await.unwrap();
    let mut tx = db.begin(Isolation::Serializable).await.unwrap();
    insert_in(&mut tx, "a", 1).await.unwrap();
    assert!(insert_in(&mut tx, "b", 1).now_or_never().is_none());
    assert!(insert_in(&mut tx, "c", 1).await.is_err());
    assert!(matches!(tx.commit().await, Err(DbError::Other(_))));
    for _ in 0..40 {
        let isolation = db.one("SELECT current_setting('transaction_isolation')", &[]).await.unwrap().unwrap();
        assert_eq!(isolation.get::<&str>(0), Ok("read committed"), "a connection came back with its transaction open");
        assert!(db.begin(Isolation::Serializable).now_or_never().is_none());
    }
    tx!(db, tx => { insert_in(tx, "d", 1).await }).unwrap();
    assert_eq!(count(&db).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_simulation_on_one_thread_with_a_paused_clock_runs_without_waiting() {
    let place = engines::TestDb::sqlite().await;
    let db = place.open(Arc::new(farebox_db::NoFaults));
    db.migrate_with(&[("counter.sql", TABLES)]).await.unwrap();
    tx!(db, tx => { insert_in(tx, "a", 1).await }).unwrap();
    assert_eq!(value(&db, "a").await, 1);
}
