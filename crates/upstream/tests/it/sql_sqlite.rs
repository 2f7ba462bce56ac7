//! Queries on an SQLite file.

use farebox_upstream::sql::{
    QueryResult, SqlConnector, SqlError, SqlLimits, SqlQuery, SqlRefusal, SqliteConnector, make_sample,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::servers::soon;

const LIMITS: SqlLimits =
    SqlLimits { timeout_ms: 300, max_rows: 10, max_bytes: 10_000, max_written_rows: 0, max_connections: 2 };

struct Sample {
    connector: SqlConnector,
    folder: TempDir,
}

fn sample() -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cities.db");
    make_sample(&path).unwrap();
    make_sample(&path).unwrap();
    Sample { connector: SqlConnector::Sqlite(SqliteConnector::new(path, LIMITS)), folder }
}

impl Sample {
    async fn run(&self, sql: &str, params: &[Value]) -> Result<QueryResult, SqlError> {
        soon(self.connector.query(SqlQuery { sql, params, allow_writes: true })).await
    }
}

#[tokio::test]
async fn rows_come_with_their_types_and_within_their_limits() {
    let sample = sample();
    let few = sample.run("SELECT name, inhabitants FROM city ORDER BY inhabitants DESC LIMIT 2", &[]).await.unwrap();
    assert_eq!(few.rows[0], *json!({"name": "Stockholm", "inhabitants": 988_000}).as_object().unwrap());
    assert_eq!((few.row_count, few.truncated), (2, false));
    let all = sample.run("SELECT * FROM city", &[]).await.unwrap();
    assert_eq!((all.row_count, all.truncated), (10, true));
    let types = sample.run("SELECT 1 AS i, 1.5 AS f, 'ü' AS t, x'00ff' AS b, NULL AS n, 2 AS i", &[]).await.unwrap();
    assert_eq!(
        Value::Object(types.rows[0].clone()),
        json!({"i": 1, "f": 1.5, "t": "ü", "b": "\\x00ff", "n": null, "i_2": 2})
    );
    let found = sample
        .run(
            "SELECT name FROM city WHERE country = $1 AND inhabitants > $2 ORDER BY 1",
            &[json!("Norway"), json!(500_000)],
        )
        .await
        .unwrap();
    assert_eq!(found.rows, [json!({"name": "Oslo"}).as_object().unwrap().clone()]);
}

#[tokio::test]
async fn nothing_can_be_changed_or_reached_outside() {
    let sample = sample();
    std::fs::write(sample.folder.path().join("other.db"), "").unwrap();
    for sql in [
        "DELETE FROM city WHERE name = 'Oslo'",
        "INSERT INTO city VALUES ('a', 'b', 1, 1, 1)",
        "DROP TABLE city",
        "PRAGMA writable_schema = 1",
        "ATTACH 'other.db' AS o",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_database_list()",
        "VACUUM INTO 'x'",
    ] {
        let error = sample.run(sql, &[]).await.unwrap_err();
        assert!(matches!(error, SqlError::Refused(SqlRefusal::Forbidden(_))), "{sql}: {error}");
    }
    assert_eq!(sample.run("SELECT count(*) AS n FROM city", &[]).await.unwrap().rows[0]["n"], 27);
}

#[tokio::test]
async fn mistakes_are_the_callers() {
    let sample = sample();
    for sql in ["SELECT nowhere FROM city", "SELECT * FROM nowhere", "SELECT nofunction(1)", "SELECT $1"] {
        let error = sample.run(sql, &[]).await.unwrap_err();
        assert!(matches!(error, SqlError::Malformed(_)), "{sql}: {error}");
    }
}

#[tokio::test]
async fn time_and_size_are_limited() {
    let sample = sample();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    assert_eq!(sample.run(endless, &[]).await, Err(SqlError::Timeout));
    for huge in [
        "SELECT zeroblob(1000000000)",
        "SELECT hex(randomblob(6000))",
        "SELECT group_concat(a.name) FROM city a, city b, city c",
    ] {
        let error = sample.run(huge, &[]).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge(_)), "{huge}: {error}");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_frees_the_thread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cities.db");
    make_sample(&path).unwrap();
    let limits = SqlLimits { timeout_ms: 600_000, max_connections: 1, ..LIMITS };
    let connector = SqlConnector::Sqlite(SqliteConnector::new(path, limits));
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let query = |sql| SqlQuery { sql, params: &[], allow_writes: false };
    let left = tokio::time::timeout(std::time::Duration::from_millis(50), connector.query(query(endless))).await;
    assert!(left.is_err());
    assert!(soon(connector.query(query("SELECT 1"))).await.is_ok());
}

#[tokio::test]
async fn estimates_count_up_to_the_limit() {
    let sample = sample();
    for (sql, rows) in [
        ("SELECT * FROM city WHERE country = 'Denmark'", 3),
        ("SELECT * FROM city", 10),
        ("EXPLAIN QUERY PLAN SELECT 1", 0),
    ] {
        let estimate = soon(sample.connector.estimate(SqlQuery { sql, params: &[], allow_writes: false })).await;
        assert_eq!(estimate, Ok(rows), "{sql}");
    }
    assert!(soon(sample.connector.ping()).await.unwrap().version.starts_with("SQLite 3"));
}

#[tokio::test]
async fn a_file_that_is_none_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let no_database = folder.path().join("text.db");
    std::fs::write(&no_database, "this is no database, and long enough to be looked at as one").unwrap();
    for path in [folder.path().join("missing.db"), no_database] {
        let connector = SqlConnector::Sqlite(SqliteConnector::new(path, LIMITS));
        let outcome =
            soon(connector.query(SqlQuery { sql: "SELECT * FROM city", params: &[], allow_writes: false })).await;
        assert!(matches!(outcome, Err(SqlError::Unreachable(_))), "{outcome:?}");
    }
}
