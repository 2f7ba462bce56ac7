//! The pattern of work that several workers share: a lease taken by one guarded update, without locks.

use farebox_db::{Db, Isolation, LOST_RACE, tx};
use farebox_testkit::engines;
use std::collections::BTreeMap;

const JOBS: i64 = 100;
const WORKERS: i64 = 8;
const TABLE: &str = "CREATE TABLE job (id BIGINT PRIMARY KEY, lease_until BIGINT NOT NULL, worker BIGINT) /*STRICT*/;";
const CLAIM: &str = "UPDATE job SET lease_until = $2, worker = $1
  WHERE id = (SELECT id FROM job WHERE lease_until <= $3 ORDER BY id LIMIT 1) AND lease_until <= $3
  RETURNING id";

async fn unclaimed(db: &Db) -> i64 {
    db.one("SELECT COUNT(*) FROM job WHERE worker IS NULL", &[]).await.unwrap().unwrap().get(0).unwrap()
}

/// Claims until nothing is left; a guard that failed means that another worker was faster.
async fn work(db: Db, worker: i64, isolation: Isolation) -> Vec<i64> {
    let mut claimed = vec![];
    while unclaimed(&db).await > 0 {
        match tx!(db, isolation, tx => { Ok(tx.one(CLAIM, &[worker.into(), 60.into(), 0.into()]).await?) }) {
            Ok(Some(row)) => claimed.push(row.get(0).unwrap()),
            Ok(None) => {}
            Err(error) => assert_eq!(error.code, LOST_RACE),
        }
    }
    claimed
}

async fn drive(db: &Db, isolation: Isolation) {
    tx!(db, tx => {
        tx.execute("DELETE FROM job", &[]).await?;
        for id in 0..JOBS {
            tx.execute_one("INSERT INTO job (id, lease_until) VALUES ($1, 0)", &[id.into()]).await?;
        }
        Ok(())
    })
    .unwrap();
    let tasks: Vec<_> = (0..WORKERS).map(|worker| tokio::spawn(work(db.clone(), worker, isolation))).collect();
    let mut claims = BTreeMap::new();
    for task in tasks {
        for id in task.await.unwrap() {
            *claims.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!(claims.len() as i64, JOBS, "{isolation:?}");
    assert!(claims.values().all(|times| *times == 1), "{isolation:?}: {claims:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_workers_claim_each_job_exactly_once() {
    engines::each_empty(async |db| {
        db.migrate_with(&[("job.sql", TABLE)]).await.unwrap();
        drive(&db, Isolation::Serializable).await;
        drive(&db, Isolation::ReadCommitted).await;
    })
    .await;
}
