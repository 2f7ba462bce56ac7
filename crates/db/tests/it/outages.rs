//! PostgreSQL that is not there, or goes away in the middle.

use farebox_db::{Db, DbError, Isolation, NoFaults, Tx};
use farebox_testkit::engines::TestDb;
use std::sync::Arc;

async fn end_session_of(tx: &mut Tx, db: &Db) {
    let pid: i64 = tx.one("SELECT pg_backend_pid()", &[]).await.unwrap().unwrap().get(0).unwrap();
    let end = "SELECT pg_terminate_backend(CAST(CAST($1 AS BIGINT) AS INTEGER), 10000)";
    let ended = db.one(end, &[pid.into()]).await.unwrap().unwrap();
    assert_eq!(ended.get::<bool>(0), Ok(true));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let db = Db::postgres("postgres://nobody@127.0.0.1:1/none", 2, Arc::new(NoFaults)).unwrap();
    assert!(matches!(db.begin(Isolation::Serializable).await.err(), Some(DbError::Unavailable(_))));
    assert!(matches!(db.query("SELECT 1", &[]).await, Err(DbError::Unavailable(_))));
    assert!(Db::postgres("not a url", 2, Arc::new(NoFaults)).is_err());
    assert!(Db::postgres("postgres://nobody@127.0.0.1:1/none?sslmode=require", 2, Arc::new(NoFaults)).is_ok());
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_named_with_what_to_do() {
    let Some(place) = TestDb::postgres() else { return };
    let url = place.url().unwrap();
    let (start, rest) = url.split_once("://").unwrap();
    let (servers, database) = rest.split_once('/').unwrap();
    let query = database.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
    let db = Db::postgres(&format!("{start}://{servers}/nowhere_to_be_found{query}"), 2, Arc::new(NoFaults)).unwrap();
    let Err(DbError::Unavailable(text)) = db.query("SELECT 1", &[]).await else { panic!("there is no such database") };
    assert!(text.contains("nowhere_to_be_found") && text.contains("make the database"), "{text}");
}

#[tokio::test]
async fn a_session_that_ends_before_commit_leaves_the_outcome_unknown_and_the_pool_well() {
    let Some(place) = TestDb::postgres() else { return };
    let db = place.open(Arc::new(NoFaults));
    let insert = "INSERT INTO change_counter (scope, version) VALUES ('x', 1)";
    for _ in 0..20 {
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        tx.execute_one(insert, &[]).await.unwrap();
        end_session_of(&mut tx, &db).await;
        assert!(matches!(tx.commit().await, Err(DbError::CommitUnknown(_))));
    }
    let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
    end_session_of(&mut tx, &db).await;
    assert!(matches!(tx.execute(insert, &[]).await, Err(DbError::Unavailable(_))));
    assert!(matches!(tx.commit().await, Err(DbError::Unavailable(_))), "nothing was sent, so nothing is unknown");
    let row = db.one("SELECT COUNT(*) FROM change_counter", &[]).await.unwrap().unwrap();
    assert_eq!(row.get::<i64>(0), Ok(0));
}

#[tokio::test]
async fn a_server_without_tls_refuses_a_login_that_requires_it() {
    let Some(place) = TestDb::postgres() else { return };
    let Some(url) = place.url().filter(|url| !url.contains('?')) else { return };
    let db = Db::postgres(&format!("{url}?sslmode=require"), 2, Arc::new(NoFaults)).unwrap();
    let Err(DbError::Unavailable(text)) = db.query("SELECT 1", &[]).await else { panic!("it logged in without TLS") };
    let advice = ["switch on `ssl`", "leave sslmode out"];
    assert!(advice.iter().any(|advice| text.contains(advice)), "{text}");
}
