//! SQLite files: one process at a time, readers beside it, and a disk that is full.

use farebox_db::{Db, DbError, Isolation, NoFaults, Param, sql};
use farebox_testkit::engines::TestDb;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const INSERT: &str = "INSERT INTO change_counter (scope, version) VALUES ($1, 1)";
const COUNT: &str = "SELECT COUNT(*) FROM change_counter";
const FILE_VARIABLE: &str = "FAREBOX_TEST_DB_FILE";

fn open(path: &Path) -> Result<Db, DbError> {
    Db::sqlite(path, Arc::new(NoFaults))
}

async fn insert(db: &Db, scope: &str) {
    let mut tx = db.begin(Isolation::Serializable).await.unwrap();
    tx.execute_one(INSERT, &[scope.into()]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(db: &Db) -> i64 {
    db.one(COUNT, &[]).await.unwrap().unwrap().get(0).unwrap()
}

fn assert_refused(result: Result<Db, DbError>, path: &Path) {
    let Err(DbError::Unavailable(text)) = result else { panic!("the file was opened twice") };
    assert!(text.contains(path.file_name().unwrap().to_str().unwrap()) && text.contains("in use"), "{text}");
    assert!(text.contains("(pid ") && text.contains("stop that process first"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_its_logs_and_its_lock_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let db = open(&path).unwrap();
    db.migrate().await.unwrap();
    for name in ["new.db", "new.db-wal", "new.db-shm", "new.db.lock"] {
        let about = std::fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&about) & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_file_has_one_owner_whatever_path_leads_to_it() {
    let place = TestDb::sqlite().await;
    let path = place.path().unwrap();
    let db = open(path).unwrap();
    assert_refused(open(path), path);
    let link = path.with_file_name("link.db");
    std::os::unix::fs::symlink(path, &link).unwrap();
    assert_refused(open(&link), path);

    let this_program = std::env::current_exe().unwrap();
    let child = Command::new(this_program)
        .args(["--exact", "files::second_process", "--ignored", "--nocapture"])
        .env(FILE_VARIABLE, path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));

    drop(db);
    open(path).unwrap();
}

#[test]
#[ignore = "the second process of `a_file_has_one_owner_whatever_path_leads_to_it`"]
fn second_process() {
    // Run without the first process there is nothing to check.
    let Some(path) = std::env::var_os(FILE_VARIABLE).map(PathBuf::from) else { return };
    assert_refused(open(&path), &path);
}

#[tokio::test]
async fn a_transaction_that_outlives_its_db_still_owns_the_file() {
    let place = TestDb::sqlite().await;
    let path = place.path().unwrap();
    let db = open(path).unwrap();
    let tx = db.begin(Isolation::Serializable).await.unwrap();
    drop(db);
    assert_refused(open(path), path);
    tx.rollback().await;
    open(path).unwrap();
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let place = TestDb::sqlite().await;
    let path = place.path().unwrap();
    insert(&open(path).unwrap(), "a").await;
    assert_eq!(count(&open(path).unwrap()).await, 1);
}

#[tokio::test]
async fn a_read_only_db_reads_beside_the_owner_and_cannot_write() {
    let place = TestDb::sqlite().await;
    let path = place.path().unwrap();
    let owner = open(path).unwrap();
    insert(&owner, "a").await;
    let reader = Db::sqlite_read_only(path).unwrap();
    let mut snapshot = reader.begin(Isolation::Serializable).await.unwrap();
    assert_eq!(snapshot.one(COUNT, &[]).await.unwrap().unwrap().get::<i64>(0), Ok(1));
    insert(&owner, "b").await;
    assert_eq!(snapshot.one(COUNT, &[]).await.unwrap().unwrap().get::<i64>(0), Ok(1), "one state throughout");
    drop(snapshot);
    assert_eq!(count(&reader).await, 2);

    let mut tx = reader.begin(Isolation::Serializable).await.unwrap();
    assert!(matches!(tx.execute(INSERT, &["c".into()]).await, Err(DbError::Other(_))));
    drop(tx);
    assert!(reader.query(INSERT, &["c".into()]).await.is_err());
    assert!(owner.query(INSERT, &["c".into()]).await.is_err(), "reads outside of a transaction cannot write either");
    assert!(reader.migrate_with(&[("x.sql", "CREATE TABLE x (id BIGINT) /*STRICT*/;")]).await.is_err());
    assert_eq!(count(&owner).await, 2);
}

#[tokio::test]
async fn a_read_only_db_of_a_file_that_nobody_owns_reads_it() {
    let place = TestDb::sqlite().await;
    assert_eq!(count(&Db::sqlite_read_only(place.path().unwrap()).unwrap()).await, 0);
    let missing = place.path().unwrap().with_file_name("missing.db");
    let Err(DbError::Unavailable(text)) = Db::sqlite_read_only(&missing) else { panic!("there is no such file") };
    assert!(text.contains("missing.db"), "{text}");
    assert!(!missing.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_readers_than_connections_take_turns_beside_the_writer() {
    let place = TestDb::sqlite().await;
    let db = open(place.path().unwrap()).unwrap();
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut last = 0;
                while last < 20 {
                    let now = count(&db).await;
                    assert!(now >= last);
                    last = now;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 0..20 {
        insert(&db, &number.to_string()).await;
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_apart_and_the_db_works_on_afterwards() {
    let place = TestDb::sqlite().await;
    let db = open(place.path().unwrap()).unwrap();
    let limit = "PRAGMA max_page_count = 100";
    let fill = sql!(
        "INSERT INTO idempotency (scope, key, digest, call_id, state, body, created_at, expires_at) VALUES ('s', 'k', $1, 'c', 'done', $1, 0, 0)"
    );
    let mut tx = db.begin(Isolation::Serializable).await.unwrap();
    tx.query(limit, &[]).await.unwrap();
    let full = tx.execute(fill, &[Param::Blob(&vec![7; 1_000_000])]).await;
    assert!(matches!(full, Err(DbError::Full(_))), "{full:?}");
    assert!(matches!(tx.commit().await, Err(DbError::Full(_))));
    insert(&db, "small").await;
    assert_eq!(count(&db).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_busy_writer_begins_anew_and_is_cut_once_a_long_reader_has_gone() {
    let place = TestDb::sqlite().await;
    let path = place.path().unwrap();
    let db = open(path).unwrap();
    let log_mib = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len() >> 20;
    let write = async |mib: usize| {
        let put = sql!(
            "INSERT INTO idempotency (scope, key, digest, call_id, state, body, created_at, expires_at) VALUES ('s', 'k', $1, 'c', 'done', $1, 0, 0)"
        );
        for _ in 0..mib {
            let mut tx = db.begin(Isolation::Serializable).await.unwrap();
            tx.execute(sql!("DELETE FROM idempotency WHERE scope = 's'"), &[]).await.unwrap();
            tx.execute(put, &[Param::Blob(&vec![7; 500_000])]).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    write(120).await;
    assert!(log_mib() < 60, "the log grew to {} MiB", log_mib());
    let reader = Db::sqlite_read_only(path).unwrap();
    let mut snapshot = reader.begin(Isolation::Serializable).await.unwrap();
    snapshot.query(COUNT, &[]).await.unwrap();
    write(120).await;
    assert!(log_mib() > 64, "a reader did not keep the log: {} MiB", log_mib());
    drop(snapshot);
    write(60).await;
    assert!(log_mib() <= 64, "the log stayed at {} MiB", log_mib());
}
