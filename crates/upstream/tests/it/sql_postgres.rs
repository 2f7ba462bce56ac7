//! Queries on a real PostgreSQL server: values, limits, mistakes, changes.

use farebox_net::{Client as Net, Policy};
use farebox_upstream::sql::{PostgresConnector, QueryResult, SqlConnector, SqlError, SqlLimits, SqlQuery, SqlRefusal};
use serde_json::{Value, json};

use crate::postgres_server::{Bridge, Database, certificate, connector};
use crate::servers::{client, loopback_policy, soon};

const LIMITS: SqlLimits =
    SqlLimits { timeout_ms: 5_000, max_rows: 100, max_bytes: 100_000, max_written_rows: 10, max_connections: 2 };

async fn run(connector: &SqlConnector, sql: &str) -> Result<QueryResult, SqlError> {
    soon(connector.query(SqlQuery { sql, params: &[], allow_writes: false })).await
}

async fn write(connector: &SqlConnector, sql: &str) -> Result<QueryResult, SqlError> {
    soon(connector.query(SqlQuery { sql, params: &[], allow_writes: true })).await
}

/// The one value of a query.
async fn value(connector: &SqlConnector, sql: &str, params: &[Value]) -> Value {
    let result = soon(connector.query(SqlQuery { sql, params, allow_writes: false })).await.unwrap();
    let mut row = result.rows.into_iter().next().unwrap();
    row.remove(&row.keys().next().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn values_of_all_types_become_json() {
    let Some(database) = Database::new() else { return };
    database.admin("CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN cents AS bigint CHECK (value >= 0); CREATE TYPE pair AS (a int, b text)").await;
    let connector = database.connector(LIMITS).await;
    let cases = [
        ("NULL::int", Value::Null),
        ("true", json!(true)),
        ("1::int2", json!(1)),
        ("-2147483648", json!(-2147483648_i64)),
        ("9223372036854775807", json!(9223372036854775807_i64)),
        ("1.10::numeric", json!("1.10")),
        ("123456789012345678901234567890.000000001", json!("123456789012345678901234567890.000000001")),
        ("-0.000001::numeric", json!("-0.000001")),
        ("1e20::numeric", json!("100000000000000000000")),
        ("'NaN'::numeric", json!("NaN")),
        ("0.1::float4", json!(0.1)),
        ("1e300::float8", json!(1e300)),
        ("'NaN'::float8", json!("NaN")),
        ("'it''s'::varchar", json!("it's")),
        ("'x'::char(3)", json!("x  ")),
        ("'{\"b\": [1, 2.5, null]}'::json", json!({"b": [1, 2.5, null]})),
        ("'{\"b\": \"ü\"}'::jsonb", json!({"b": "ü"})),
        ("'00112233-4455-6677-8899-aabbccddeeff'::uuid", json!("00112233-4455-6677-8899-aabbccddeeff")),
        ("'\\x00ff'::bytea", json!("\\x00ff")),
        ("'2024-02-29'::date", json!("2024-02-29")),
        ("'0044-03-15 BC'::date", json!("-0043-03-15")),
        ("'infinity'::timestamptz", json!("infinity")),
        ("'2024-02-29 12:34:56.789'::timestamp", json!("2024-02-29T12:34:56.789000")),
        ("'2024-02-29 12:34:56+02'::timestamptz", json!("2024-02-29T10:34:56+00:00")),
        ("ARRAY[[1,NULL],[3,4]]", json!([[1, null], [3, 4]])),
        ("'{}'::text[]", json!([])),
        ("ARRAY['a','b']::text[]", json!(["a", "b"])),
        ("ARRAY[1.50]::numeric[]", json!(["1.50"])),
        ("'glad'::mood", json!("glad")),
        ("ARRAY['sad']::mood[]", json!(["sad"])),
        ("5::cents", json!(5)),
        ("'1 day 02:00'::interval", json!("P1DT2H")),
        ("'12:34:56'::time", json!("12:34:56")),
        ("'10.0.0.0/8'::cidr", json!("10.0.0.0/8")),
        ("'[1,5)'::int4range", json!("[1,5)")),
        ("ROW(1,'x')::pair", json!("(1,x)")),
        ("'(1,2)'::point", json!("(1,2)")),
        ("to_tsvector('simple', 'a b')", json!("'a':1 'b':2")),
    ];
    for (expression, expected) in cases {
        assert_eq!(value(&connector, &format!("SELECT {expression} AS v"), &[]).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn rows_keep_their_order_and_columns_their_names() {
    let Some(database) = Database::new() else { return };
    let connector = database.connector(LIMITS).await;
    let result = run(
        &connector,
        "SELECT n AS b, n * n AS a, n AS b, interval '1 s' AS i FROM generate_series(1, 3) n ORDER BY n DESC",
    )
    .await
    .unwrap();
    let keys: Vec<&str> = result.rows[0].keys().map(String::as_str).collect();
    assert_eq!(keys, ["b", "a", "b_2", "i"]);
    assert_eq!(result.rows.iter().map(|row| row["a"].clone()).collect::<Vec<_>>(), [9, 4, 1]);
    assert_eq!((result.row_count, result.truncated), (3, false));
    let plan = run(&connector, "EXPLAIN SELECT 1").await.unwrap();
    assert!(plan.rows[0]["QUERY PLAN"].as_str().unwrap().contains("Result"));
    assert_eq!(run(&connector, "VALUES (1, 'a'), (2, 'b')").await.unwrap().rows[1]["column2"], "b");
}

#[tokio::test]
async fn parameters_take_the_type_that_the_statement_wants() {
    let Some(database) = Database::new() else { return };
    let connector = database.connector(LIMITS).await;
    let cases = [
        ("SELECT $1::int + 1", json!(41), json!(42)),
        ("SELECT $1::numeric * 2", json!("0.1"), json!("0.2")),
        ("SELECT $1::bool", json!(true), json!(true)),
        ("SELECT $1::text", json!("'; DROP TABLE x --"), json!("'; DROP TABLE x --")),
        ("SELECT $1::jsonb -> 'a'", json!({"a": [1]}), json!([1])),
        ("SELECT $1::date + 1", json!("2024-02-28"), json!("2024-02-29")),
        ("SELECT 2 = ANY($1::int[])", json!([1, 2]), json!(true)),
        ("SELECT $1::text[]", json!(["a \"b\" \\", null, ""]), json!(["a \"b\" \\", null, ""])),
        ("SELECT $1::int IS NULL", Value::Null, json!(true)),
    ];
    for (sql, param, expected) in cases {
        assert_eq!(value(&connector, sql, &[param]).await, expected, "{sql}");
    }
    let wrong =
        soon(connector.query(SqlQuery { sql: "SELECT $1::int", params: &[json!("x")], allow_writes: false })).await;
    assert!(matches!(wrong, Err(SqlError::Malformed(_))), "{wrong:?}");
    assert!(matches!(run(&connector, "SELECT $1::int").await, Err(SqlError::Malformed(_))));
}

#[tokio::test]
async fn rows_and_bytes_are_limited_and_the_next_query_runs() {
    let Some(database) = Database::new() else { return };
    let connector = database.connector(LIMITS).await;
    let many = run(&connector, "SELECT generate_series(1, 100000000)").await.unwrap();
    assert_eq!((many.row_count, many.truncated), (100, true));
    let exact = run(&connector, "SELECT * FROM generate_series(1, 100)").await.unwrap();
    assert_eq!((exact.row_count, exact.truncated), (100, false));
    let wide = run(&connector, "SELECT repeat('x', 30000) AS v FROM generate_series(1, 50)").await.unwrap();
    assert_eq!((wide.row_count, wide.truncated), (3, true));
    for huge in [
        "SELECT repeat('x', 100001)",
        "SELECT repeat('x', 20000000)",
        "SELECT ARRAY(SELECT repeat('x', 1000) FROM generate_series(1, 20000))",
    ] {
        let error = run(&connector, huge).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge(_)), "{huge}: {error}");
        assert_eq!(error.to_error().kind.status(), 400);
    }
    assert_eq!(value(&connector, "SELECT 1", &[]).await, json!(1));
}

#[tokio::test]
async fn mistakes_are_told_from_refusals_and_failures() {
    let Some(database) = Database::new() else { return };
    database
        .admin(
            "CREATE TABLE t (a int); CREATE FUNCTION sneaky() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING a';
             CREATE FUNCTION grumpy() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'secret of the seller'; END $$",
        )
        .await;
    let connector = database.connector(LIMITS).await;
    for sql in [
        "SELECT nothing FROM nowhere",
        "SELECT 1 / 0",
        "SELECT 'x'::int",
        "SELECT now(now())",
        "SELECT a.b FROM t",
        "SELECT sum(sum(a)) FROM t",
    ] {
        let error = run(&connector, sql).await.unwrap_err();
        assert!(matches!(error, SqlError::Malformed(_)), "{sql}: {error}");
        assert_eq!((error.to_error().kind.status(), error.is_providers_fault()), (400, false));
    }
    for sql in ["SELECT sneaky()", "DROP TABLE t", "INSERT INTO t VALUES (1)", "DELETE FROM t"] {
        let error = run(&connector, sql).await.unwrap_err();
        assert!(matches!(error, SqlError::Refused(SqlRefusal::Forbidden(_))), "{sql}: {error}");
        assert_eq!(error.to_error().kind.status(), 403);
    }
    let error = run(&connector, "SELECT grumpy()").await.unwrap_err();
    assert!(matches!(error, SqlError::Failed(_)), "{error}");
    assert!(!error.to_error().message.contains("secret"));
    assert_eq!(value(&connector, "SELECT count(*) FROM t", &[]).await, json!(0));
}

#[tokio::test]
async fn bounded_changes_are_made_and_others_undone() {
    let Some(database) = Database::new() else { return };
    let admin = database
        .admin(
            "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 50) n;
             CREATE TABLE child (t int REFERENCES t ON DELETE CASCADE); INSERT INTO child SELECT 1 FROM generate_series(1, 30)",
        )
        .await;
    let connector = database.connector(LIMITS).await;
    let changed = write(&connector, "UPDATE t SET a = 'y' WHERE id <= 10").await.unwrap();
    assert_eq!((changed.row_count, changed.rows.len()), (10, 0));
    let returned = write(&connector, "INSERT INTO t VALUES (51, 'z'), (52, 'z') RETURNING id").await.unwrap();
    assert_eq!((returned.row_count, &returned.rows[1]["id"]), (2, &json!(52)));
    let counted = write(&connector, "WITH d AS (DELETE FROM t WHERE id > 50 RETURNING id) SELECT count(*) AS n FROM d")
        .await
        .unwrap();
    assert_eq!(counted.rows[0]["n"], 2);
    for sql in [
        "UPDATE t SET a = 'q' WHERE id > 0",
        "WITH u AS (UPDATE t SET a = 'q' WHERE id > 20 RETURNING id) SELECT 1",
        "INSERT INTO t SELECT n, 'q' FROM generate_series(100, 200) n",
        "DELETE FROM t WHERE id = 1",
    ] {
        let error = write(&connector, sql).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge(_)), "{sql}: {error}");
    }
    assert!(matches!(write(&connector, "INSERT INTO t VALUES (1, 'dup')").await, Err(SqlError::Malformed(_))));
    assert!(matches!(write(&connector, "DELETE FROM t").await, Err(SqlError::Refused(SqlRefusal::Forbidden(_)))));
    assert!(matches!(
        run(&connector, "UPDATE t SET a = 'q' WHERE id = 1").await,
        Err(SqlError::Refused(SqlRefusal::Forbidden(_)))
    ));
    let row = admin
        .query_one("SELECT count(*), count(*) FILTER (WHERE a = 'q'), count(*) FILTER (WHERE a = 'y') FROM t", &[])
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (50, 0, 10));
}

#[tokio::test]
async fn an_estimate_comes_from_the_plan() {
    let Some(database) = Database::new() else { return };
    database.admin("CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 40) n; ANALYZE t").await;
    let connector = database.connector(LIMITS).await;
    let estimate =
        async |sql: &str, params: &[Value]| connector.estimate(SqlQuery { sql, params, allow_writes: true }).await;
    assert_eq!(estimate("SELECT * FROM t", &[]).await, Ok(40));
    assert_eq!(estimate("SELECT * FROM t LIMIT 7", &[]).await, Ok(7));
    assert_eq!(estimate("SELECT count(*) FROM t", &[]).await, Ok(1));
    assert_eq!(estimate("SELECT * FROM t a, t b", &[]).await, Ok(100));
    assert_eq!(estimate("SELECT * FROM t WHERE id = $1", &[json!(3)]).await, Ok(1));
    assert_eq!(estimate("DELETE FROM t WHERE id > 0", &[]).await, Ok(40));
    assert!(matches!(estimate("SELECT nothing", &[]).await, Err(SqlError::Malformed(_))));
    assert!(matches!(estimate("DROP TABLE t", &[]).await, Err(SqlError::Refused(_))));
    assert_eq!(value(&connector, "SELECT count(*) FROM t", &[]).await, json!(40));
}

#[tokio::test]
async fn tls_is_used_as_the_connection_string_says() {
    let Some(database) = Database::new() else { return };
    let (acceptor, root, _folder) = certificate();
    let trusting = Net::new(Policy { extra_root_certificates: Some(root), ..loopback_policy() }).unwrap();
    let secure = database.bridge(Bridge::Accepts(acceptor)).await.port();
    let plain = database.bridge(Bridge::Refuses).await.port();
    let cases = [
        (&trusting, "localhost", secure, "require", true),
        (&trusting, "localhost", secure, "verify-full", true),
        (&trusting, "127.0.0.1", secure, "require", false),
        (&client(), "localhost", secure, "require", false),
        (&client(), "localhost", secure, "prefer", true),
        (&client(), "127.0.0.1", secure, "prefer", true),
        (&client(), "localhost", plain, "prefer", true),
        (&client(), "localhost", plain, "disable", true),
        (&client(), "localhost", plain, "require", false),
    ];
    for (net, host, port, mode, works) in cases {
        let connector = connector(net.clone(), &database.text(host, port, mode), LIMITS);
        let outcome = run(&connector, "SELECT repeat('x', 50000) AS v FROM generate_series(1, 2)").await;
        match outcome {
            Ok(_) => assert!(works, "{host} {mode}"),
            Err(error) => assert!(!works && matches!(error, SqlError::Unreachable(_)), "{host} {mode}: {error}"),
        }
    }
    let connector = connector(trusting, &database.text("localhost", secure, "require"), LIMITS);
    assert!(matches!(run(&connector, "SELECT repeat('x', 5000000)").await, Err(SqlError::TooLarge(_))));
}

#[tokio::test]
async fn a_database_obeys_the_address_rules_and_a_string_must_make_sense() {
    let strict = Net::new(Policy::default()).unwrap();
    let connector = connector(strict.clone(), "postgresql://u:p@127.0.0.1:5432/d", LIMITS);
    let error = run(&connector, "SELECT 1").await.unwrap_err();
    assert!(matches!(error, SqlError::Blocked(_)), "{error}");
    assert_eq!(error.to_error().kind.status(), 502);
    for text in [
        "",
        "nonsense",
        "postgresql://u:hunter2@/d",
        "postgresql://u:hunter2@%2Fvar%2Frun/d",
        "host=example.com dbname=d password=hunter2",
        "host=example.com hostaddr=10.0.0.1 user=u password=hunter2",
        "postgresql://u:hunter2@example.com/d?sslmode=hunter3",
        "mysql://u:hunter2@example.com/d",
    ] {
        let Err(SqlError::BadTarget(reason)) = PostgresConnector::new(strict.clone(), text, LIMITS) else {
            panic!("{text}")
        };
        assert!(!reason.contains("hunter"), "{reason}");
    }
}
