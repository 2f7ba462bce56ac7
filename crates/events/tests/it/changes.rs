//! Counters as several processes see them.

use farebox_base::Result;
use farebox_db::{Db, Tx, tx};
use farebox_events::Changes;
use farebox_testkit::engines;

async fn bump(db: &Db, changes: &Changes, scope: &'static str) {
    let outcome: Result<()> = tx!(db, tx => { changes.bump_in(tx, scope).await });
    outcome.unwrap();
}

#[tokio::test]
async fn another_process_sees_a_change_after_its_refresh_and_nothing_without_one() {
    engines::each(async |db| {
        let (here, there) = (Changes::new(db.clone()), Changes::new(db.clone()));
        bump(&db, &here, "keys").await;
        there.refresh().await.unwrap();
        let (keys, listings) = (there.version("keys"), there.version("listings"));
        there.refresh().await.unwrap();
        assert_eq!(there.version("keys"), keys, "no change, no new version");
        bump(&db, &here, "keys").await;
        assert_eq!(there.version("keys"), keys, "not seen before the refresh");
        there.refresh().await.unwrap();
        assert_ne!(there.version("keys"), keys);
        assert_eq!(there.version("listings"), listings, "scopes are apart");
    })
    .await;
}

#[tokio::test]
async fn the_process_that_changes_sees_it_at_once_and_a_version_never_comes_back() {
    engines::each(async |db| {
        let changes = Changes::new(db.clone());
        let scope = changes.scope("keys");
        let mut versions = vec![scope.version()];
        for _ in 0..5 {
            bump(&db, &changes, "keys").await;
            changes.local("keys");
            versions.push(scope.version());
            changes.refresh().await.unwrap();
            versions.push(scope.version());
        }
        assert!(versions.is_sorted());
        versions.dedup();
        assert_eq!(versions.len(), 11, "each local change and each refresh after one advances: {versions:?}");
        assert_eq!(changes.version("keys"), scope.version());
    })
    .await;
}

#[tokio::test]
async fn a_change_that_is_rolled_back_is_not_counted() {
    engines::each(async |db| {
        let changes = Changes::new(db.clone());
        bump(&db, &changes, "keys").await;
        changes.refresh().await.unwrap();
        let before = changes.version("keys");
        let outcome: Result<()> = tx!(db, tx => { bump_and_fail_in(tx, &changes).await });
        assert!(outcome.is_err());
        changes.refresh().await.unwrap();
        assert_eq!(changes.version("keys"), before);
    })
    .await;
}

async fn bump_and_fail_in(tx: &mut Tx, changes: &Changes) -> Result<()> {
    changes.bump_in(tx, "keys").await?;
    Err(farebox_base::Error::not_found("Thing"))
}

#[tokio::test]
async fn bumps_at_the_same_time_are_all_counted() {
    engines::each(async |db| {
        let changes = Changes::new(db.clone());
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (db, changes) = (db.clone(), changes.clone());
                tokio::spawn(async move { bump(&db, &changes, "keys").await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let row = db.one("SELECT version FROM change_counter WHERE scope = 'keys'", &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0), Ok(8));
    })
    .await;
}
