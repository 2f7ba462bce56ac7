//! Sessions of a PostgreSQL server: time limits, callers who leave, reuse.

use std::sync::Arc;

use farebox_upstream::sql::{SqlConnector, SqlConnectors, SqlError, SqlLimits, SqlQuery, SqlTarget};
use futures_util::future::join_all;
use tokio_postgres::Client;

use crate::postgres_server::Database;
use crate::servers::{client, soon};

const LIMITS: SqlLimits =
    SqlLimits { timeout_ms: 5_000, max_rows: 100, max_bytes: 100_000, max_written_rows: 10, max_connections: 2 };

fn query(sql: &str) -> SqlQuery<'_> {
    SqlQuery { sql, params: &[], allow_writes: false }
}

/// How many of the connector's sessions there are, and how many of them run something.
async fn sessions(admin: &Client) -> (i64, i64) {
    let sql = "SELECT count(*), count(*) FILTER (WHERE state = 'active') FROM pg_stat_activity
               WHERE application_name = 'farebox_upstream' AND datname = current_database()";
    let row = admin.query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

async fn until_none_is_active(admin: &Client) {
    soon(async { while sessions(admin).await.1 > 0 {} }).await;
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped_in_the_database() {
    let Some(database) = Database::new() else { return };
    let admin = database.admin("").await;
    let connector = database.connector(SqlLimits { timeout_ms: 200, ..LIMITS }).await;
    for sql in ["SELECT pg_sleep(60)", "SELECT count(*) FROM generate_series(1, 1000000000000) n WHERE n % 7 = 0"] {
        let error = soon(connector.query(query(sql))).await.unwrap_err();
        assert_eq!(error, SqlError::Timeout, "{sql}");
        assert_eq!(error.to_error().kind.status(), 504);
    }
    until_none_is_active(&admin).await;
    assert!(soon(connector.query(query("SELECT 1"))).await.is_ok());
}

#[tokio::test]
async fn a_caller_who_leaves_stops_the_query_in_the_database() {
    let Some(database) = Database::new() else { return };
    let admin = database.admin("").await;
    let connector = database.connector(SqlLimits { timeout_ms: 600_000, ..LIMITS }).await;
    tokio::select! {
        outcome = connector.query(query("SELECT pg_sleep(600)")) => panic!("{outcome:?}"),
        () = async { while sessions(&admin).await.1 == 0 {} } => {}
    }
    until_none_is_active(&admin).await;
    assert!(soon(connector.query(query("SELECT 1"))).await.is_ok());
}

#[tokio::test]
async fn sessions_are_bounded_and_used_again() {
    let Some(database) = Database::new() else { return };
    let admin = database.admin("").await;
    let connector = database.connector(LIMITS).await;
    let outcomes = soon(join_all((0..20).map(|_| connector.query(query("SELECT no_such_function()"))))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(SqlError::Malformed(_)))), "{outcomes:?}");
    let outcomes = soon(join_all((0..20).map(|_| connector.query(query("SELECT pg_sleep(0.01)"))))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(sessions(&admin).await.0 <= 2);
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_replaced() {
    let Some(database) = Database::new() else { return };
    let admin = database.admin("").await;
    let connector = database.connector(LIMITS).await;
    for _ in 0..3 {
        assert!(soon(connector.query(query("SELECT 1"))).await.is_ok());
        let end =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'farebox_upstream'
                   AND datname = current_database()";
        admin.query(end, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_of_one_query_is_left_for_the_next() {
    let Some(database) = Database::new() else { return };
    database.admin("CREATE FUNCTION leave() RETURNS text LANGUAGE sql AS $$ SELECT set_config('statement_timeout', '0', true) $$").await;
    let connector = database.connector(SqlLimits { max_connections: 1, timeout_ms: 300, ..LIMITS }).await;
    assert!(soon(connector.query(query("SELECT leave()"))).await.is_ok());
    assert_eq!(soon(connector.query(query("SELECT pg_sleep(60)"))).await, Err(SqlError::Timeout));
    let shown = soon(connector.query(query("SELECT current_setting('transaction_read_only') AS r"))).await.unwrap();
    assert_eq!(shown.rows[0]["r"], "on");
}

#[tokio::test]
async fn a_ping_tells_version_and_role() {
    let Some(database) = Database::new() else { return };
    database.admin("").await;
    let connector = database.connector(LIMITS).await;
    let ping = soon(connector.ping()).await.unwrap();
    assert!(ping.version.starts_with("PostgreSQL ") && ping.is_superuser, "{ping:?}");
}

#[tokio::test]
async fn connectors_are_kept_by_target_and_the_oldest_is_forgotten() {
    let connectors = SqlConnectors::new(client(), LIMITS, 2);
    let target = |name: &str| SqlTarget::Postgres(format!("postgresql://u@{name}.example/d"));
    let first = connectors.get(&target("a")).unwrap();
    connectors.get(&target("b")).unwrap();
    assert!(Arc::ptr_eq(&first, &connectors.get(&target("a")).unwrap()));
    connectors.get(&target("c")).unwrap();
    assert!(Arc::ptr_eq(&first, &connectors.get(&target("a")).unwrap()));
    let forgotten: Arc<SqlConnector> = connectors.get(&target("b")).unwrap();
    assert_eq!(Arc::strong_count(&forgotten), 2);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unreachable() {
    let Some(database) = Database::new() else { return };
    let silent = crate::servers::tcp(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let policy = farebox_net::Policy { connect_timeout_ms: 100, ..crate::servers::loopback_policy() };
    let net = farebox_net::Client::new(policy).unwrap();
    let text = database.text("127.0.0.1", silent.port(), "prefer");
    let connector = crate::postgres_server::connector(net, &text, LIMITS);
    assert!(matches!(soon(connector.query(query("SELECT 1"))).await, Err(SqlError::Unreachable(_))));
}
