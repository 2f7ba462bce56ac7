//! Sessions and servers that are lost: what is done again by itself, what the caller learns, and within what time.

use farebox_base::Kind;
use farebox_db::{Db, DbError, Isolation, NoFaults, PostgresSettings, Tx, tx};
use farebox_testkit::engines::TestDb;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const INSERT: &str = "INSERT INTO change_counter (scope, version) VALUES ('x', 1)";
const COUNT: &str = "SELECT COUNT(*) FROM change_counter";

fn open(settings: &PostgresSettings) -> Db {
    Db::postgres_with(settings, Arc::new(NoFaults)).unwrap()
}

/// Ends all sessions of the database but the one that says so.
async fn end_sessions(by: &Db) {
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    by.query(end, &[]).await.unwrap();
}

async fn count(db: &Db) -> i64 {
    db.one(COUNT, &[]).await.unwrap().unwrap().get(0).unwrap()
}

#[tokio::test]
async fn sessions_that_died_while_idle_are_replaced_without_an_error() {
    let Some(place) = TestDb::postgres() else { return };
    let (db, other) = (place.open(Arc::new(NoFaults)), place.open(Arc::new(NoFaults)));
    for _ in 0..10 {
        let (mut one, mut two) =
            (db.begin(Isolation::Serializable).await.unwrap(), db.begin(Isolation::Serializable).await.unwrap());
        one.query(COUNT, &[]).await.unwrap();
        two.query(COUNT, &[]).await.unwrap();
        one.rollback().await;
        two.rollback().await;
        end_sessions(&other).await;
        let mut open = db.begin(Isolation::Serializable).await.unwrap();
        open.query(COUNT, &[]).await.unwrap();
        open.commit().await.unwrap();
        end_sessions(&other).await;
        assert_eq!(count(&db).await, 0);
    }
}

async fn end_own_session_in(tx: &mut Tx, by: &Db) {
    let pid: i64 = tx.one("SELECT pg_backend_pid()", &[]).await.unwrap().unwrap().get(0).unwrap();
    let end = "SELECT pg_terminate_backend(CAST(CAST($1 AS BIGINT) AS INTEGER), 10000)";
    by.one(end, &[pid.into()]).await.unwrap();
}

#[tokio::test]
async fn a_transaction_whose_session_dies_before_commit_runs_again_a_few_times() {
    let Some(place) = TestDb::postgres() else { return };
    let (db, other) = (place.open(Arc::new(NoFaults)), place.open(Arc::new(NoFaults)));
    for (deaths, expected_runs) in [(1, 2), (3, 4), (100, 4)] {
        let runs = AtomicU32::new(0);
        let outcome = tx!(db, tx => {
            if runs.fetch_add(1, Ordering::SeqCst) < deaths {
                end_own_session_in(tx, &other).await;
            }
            tx.execute_one(INSERT, &[]).await?;
            Ok(tx.execute_one("DELETE FROM change_counter", &[]).await?)
        });
        assert_eq!(runs.into_inner(), expected_runs);
        match outcome {
            Ok(()) => assert!(deaths < 4),
            Err(error) => assert_eq!((error.kind, error.code, deaths), (Kind::Unavailable, "unavailable", 100)),
        }
        assert_eq!(count(&other).await, 0);
    }
}

#[tokio::test]
async fn a_server_that_only_reads_is_unavailable_until_it_writes_and_never_an_error_of_ours() {
    let Some(place) = TestDb::postgres() else { return };
    let other = place.open(Arc::new(NoFaults));
    let name: String = other.one("SELECT current_database()", &[]).await.unwrap().unwrap().get(0).unwrap();
    let db = place.open(Arc::new(NoFaults));
    let write = async || tx!(db, Isolation::ReadCommitted, tx => { Ok(tx.execute_one(INSERT, &[]).await?) });
    let mut admin = other.begin(Isolation::ReadCommitted).await.unwrap();
    let read_only: &'static str = format!("ALTER DATABASE {name} SET default_transaction_read_only = on").leak();
    admin.execute(read_only, &[]).await.unwrap();
    admin.commit().await.unwrap();
    let refused = write().await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (Kind::Unavailable, "unavailable"), "{refused:?}");
    let mut admin = other.begin(Isolation::ReadCommitted).await.unwrap();
    let writable: &'static str = format!("ALTER DATABASE {name} SET default_transaction_read_only = off").leak();
    admin.execute(writable, &[]).await.unwrap();
    admin.commit().await.unwrap();
    // The sessions that only read were forgotten, or this would be refused for ever.
    write().await.unwrap();
}

/// The URL with another server in front of the real one, which is on a socket in a folder.
fn behind(place: &TestDb, first: &str, options: &str) -> Option<String> {
    let url = place.url().filter(|url| !url.contains('?'))?;
    let (login, server) = url.split_once('@')?;
    Some(format!("{login}@{first},{server}?{options}"))
}

#[tokio::test]
async fn a_dead_or_silent_server_in_front_costs_its_time_limit_once() {
    let Some(place) = TestDb::postgres() else { return };
    // The system takes connections for it, and nobody ever reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for (first, least) in [("127.0.0.1:1", 0), (address.as_str(), 900)] {
        let Some(url) = behind(&place, first, "connect_timeout=1") else { return };
        let db = open(&PostgresSettings::new(url));
        let start = Instant::now();
        let mut held = db.begin(Isolation::Serializable).await.unwrap();
        held.query(COUNT, &[]).await.unwrap();
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(least) && took < Duration::from_millis(2_500), "{first}: {took:?}");
        let start = Instant::now();
        db.begin(Isolation::Serializable).await.unwrap().rollback().await;
        assert!(start.elapsed() < Duration::from_millis(800), "the server that works is asked first");
        held.rollback().await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_given_up() {
    let Some(place) = TestDb::postgres() else { return };
    let url = place.url().unwrap();
    let limit = Some(Duration::from_millis(300));
    let db = open(&PostgresSettings { answer_timeout: limit, ..PostgresSettings::new(url) });
    let start = Instant::now();
    let mut open = db.begin(Isolation::ReadCommitted).await.unwrap();
    let slow = open.query("SELECT CAST(pg_sleep(20) AS TEXT)", &[]).await;
    assert!(matches!(slow, Err(DbError::Unavailable(_))), "{slow:?}");
    assert!(matches!(open.commit().await, Err(DbError::Unavailable(_))));
    assert_eq!(count(&db).await, 0);
    let runs = AtomicU32::new(0);
    let outcome = tx!(db, tx => {
        runs.fetch_add(1, Ordering::SeqCst);
        Ok(tx.query("SELECT CAST(pg_sleep(20) AS TEXT)", &[]).await.map(|_| ())?)
    });
    assert_eq!(
        (outcome.unwrap_err().kind, runs.into_inner()),
        (Kind::Unavailable, 1),
        "what is slow is not asked again"
    );
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
