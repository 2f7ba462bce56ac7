//! Which SQL passes, which is forbidden, and which is no SQL.

use farebox_upstream::sql::{MAX_OPERATORS, MAX_SQL_BYTES, SqlDialect, SqlRefusal, StatementKind, check};

fn postgres(sql: &str) -> Result<StatementKind, SqlRefusal> {
    check(sql, SqlDialect::Postgres, true).map(|parsed| parsed.kind)
}

fn is_forbidden(sql: &str, dialect: SqlDialect) -> bool {
    matches!(check(sql, dialect, true), Err(SqlRefusal::Forbidden(_)))
}

#[test]
fn reading_passes() {
    let reads = [
        "SELECT 1",
        "select * from users limit 10;",
        "SELECT count(*), sum(amount) FILTER (WHERE amount > 0) FROM orders GROUP BY 1 HAVING count(*) > 1 ORDER BY 2 DESC NULLS LAST",
        "WITH t AS (SELECT 1 AS x) SELECT x FROM t UNION ALL SELECT 2",
        "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t",
        "VALUES (1, 'a'), (2, 'b')",
        "EXPLAIN SELECT * FROM users",
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM users",
        "EXPLAIN DELETE FROM users WHERE id = 1",
        "SELECT pg_sleep(1), pg_typeof(x), pg_size_pretty(pg_relation_size('t'))",
        "SELECT relname FROM pg_catalog.pg_class JOIN pg_namespace n ON n.oid = relnamespace",
        "SELECT table_name FROM information_schema.tables",
        "SELECT a->>'x', b #>> '{a,b}', c @> '{\"k\":1}', d ? 'k', e::numeric(10,2), f::text[] FROM j",
        "SELECT DISTINCT ON (a) a, row_number() OVER (PARTITION BY b ORDER BY c) FROM t WHERE x = ANY($1) AND y ~* 'z'",
        "SELECT interval '1 day', date '2024-01-01', timestamp '2024-01-01 00:00', extract(epoch FROM now()) FROM t",
        "SELECT substring(a FROM 1 FOR 2), position('a' IN b), trim(both 'x' FROM c), overlay(a placing 'b' from 1) FROM t",
        "SELECT ARRAY[1,2,3], (ARRAY[1,2])[1], t.* FROM t, LATERAL (SELECT 1) l, generate_series(1, 3) AS g(i), unnest(ARRAY[1]) u",
        "SELECT E'it\\'s', 'it''s', $$it's$$, $tag$it's$tag$, U&'\\0041', X'ff' -- a comment\n FROM t /* another */",
        "SELECT CASE WHEN a THEN 1 ELSE 2 END, coalesce(a, b), a AT TIME ZONE 'UTC', a IS NOT DISTINCT FROM b FROM t TABLESAMPLE SYSTEM (10)",
        "SELECT 'drop table users; delete from users' AS text, \"select\" FROM \"Weird Table\" -- drop table x",
        "SELECT -1",
        "SELECT - (-1)",
        "SELECT 1 - -1",
        "SELECT 5 % 2",
        "SELECT |/ 4",
        "SELECT @ x",
        "SELECT ~1",
        "SELECT 1 << 2",
        "SELECT ||/ 27",
        "SELECT 2 ^ 3",
        "SELECT * FROM a LEFT JOIN b USING (id) NATURAL JOIN c CROSS JOIN d WHERE EXISTS (SELECT 1) AND (a.x, a.y) IN (SELECT 1, 2)",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t FETCH FIRST 5 ROWS ONLY",
        "SELECT json_agg(t ORDER BY t.id), array_agg(DISTINCT x), string_agg(x, ',' ORDER BY x) FROM t GROUP BY GROUPING SETS ((a), ())",
    ];
    for sql in reads {
        assert_eq!(postgres(sql), Ok(StatementKind::Read), "{sql}");
        assert!(check(sql, SqlDialect::Postgres, false).is_ok());
    }
}

#[test]
fn bounded_changes_pass_only_where_they_are_allowed() {
    let writes = [
        "INSERT INTO t (a) VALUES (1) RETURNING id",
        "INSERT INTO t SELECT * FROM s ON CONFLICT (id) DO UPDATE SET a = excluded.a",
        "UPDATE t SET a = 1 WHERE id = $1",
        "DELETE FROM t USING s WHERE t.id = s.id AND s.x < 3",
        "WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *) SELECT count(*) FROM d",
        "WITH i AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM i",
    ];
    for sql in writes {
        assert_eq!(postgres(sql), Ok(StatementKind::Write), "{sql}");
        assert!(matches!(check(sql, SqlDialect::Postgres, false), Err(SqlRefusal::Forbidden(_))), "{sql}");
    }
}

/// One statement a line.
const DANGEROUS: &str = r#"
    DROP TABLE users
    drop database x
    TRUNCATE users
    TRUNCATE TABLE ONLY users CASCADE
    ALTER TABLE t ADD c int
    CREATE TABLE t (a int)
    CREATE VIEW v AS SELECT 1
    CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql
    CREATE EXTENSION dblink
    GRANT ALL ON t TO PUBLIC
    REVOKE ALL ON t FROM x
    COPY t TO PROGRAM 'sh'
    COPY t FROM '/etc/passwd'
    COPY (SELECT 1) TO STDOUT
    SET statement_timeout = 0
    SET LOCAL ROLE postgres
    RESET ALL
    SHOW ALL
    DO $$ BEGIN DELETE FROM t; END $$
    CALL p()
    BEGIN
    START TRANSACTION READ WRITE
    COMMIT
    ROLLBACK
    SAVEPOINT a
    LOCK TABLE t
    VACUUM FULL
    ANALYZE t
    REINDEX TABLE t
    LISTEN x
    NOTIFY x
    PREPARE p AS SELECT 1
    EXECUTE p
    DEALLOCATE ALL
    DISCARD ALL
    DECLARE c CURSOR FOR SELECT 1
    CLUSTER t
    REFRESH MATERIALIZED VIEW v
    CHECKPOINT
    LOAD 'x'
    COMMENT ON TABLE t IS 'x'
    SECURITY LABEL ON TABLE t IS 'x'
    REASSIGN OWNED BY a TO b
    MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE
    DELETE FROM users
    UPDATE users SET admin = true
    DELETE FROM users WHERE true
    DELETE FROM users WHERE 1 = 1
    UPDATE t SET a = 1 WHERE 'a' = 'a'
    WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d
    WITH u AS (UPDATE t SET a = 1 RETURNING 1) SELECT 1
    EXPLAIN ANALYZE DELETE FROM users WHERE id = 1
    EXPLAIN (ANALYZE) INSERT INTO t VALUES (1)
    EXPLAIN DROP TABLE t
    EXPLAIN DELETE FROM t
    SELECT * INTO copy FROM users
    SELECT 1 UNION SELECT a INTO t FROM s
    SELECT * FROM users FOR UPDATE
    SELECT * FROM (SELECT * FROM t FOR SHARE) x
    SELECT 1; DROP TABLE users
    SELECT 1; SELECT 2
    SELECT 1 UNION TABLE pg_shadow
    SELECT pg_read_file('/etc/passwd')
    SELECT pg_catalog.pg_read_file('/etc/passwd')
    SELECT "pg_read_file"('/etc/passwd')
    SELECT PG_READ_FILE('x')
    SELECT * FROM pg_ls_dir('/')
    SELECT 1 WHERE EXISTS (SELECT pg_terminate_backend(1))
    SELECT lo_import('/etc/passwd')
    SELECT * FROM dblink('host=x', 'select 1') AS t(a int)
    SELECT dblink_exec('x')
    SELECT set_config('transaction_read_only', 'off', false)
    SELECT query_to_xml('select pg_read_file(''x'')', true, true, '')
    SELECT * FROM ts_stat('select 1')
    SELECT pg_advisory_lock(1)
    SELECT nextval('s')
    SELECT setval('s', 1)
    SELECT pg_notify('a', 'b')
    SELECT pg_reload_conf()
    SELECT count(pg_stat_file('x')) OVER () FROM t
    SELECT * FROM pg_authid
    SELECT * FROM pg_catalog.pg_shadow
    SELECT * FROM "pg_user_mapping"
    SELECT * FROM pg_stat_activity
    SELECT (SELECT passwd FROM pg_shadow LIMIT 1)
    SELECT 1 ORDER BY (SELECT pg_read_file('x'))
    SELECT 1 LIMIT (SELECT length(pg_read_file('x')))
    INSERT INTO t VALUES (pg_read_file('x'))
    UPDATE t SET a = pg_read_file('x') WHERE id = 1
    VALUES (pg_read_file('x'))
    SELECT a FROM t GROUP BY pg_read_file('x')
    SELECT sum(x) FILTER (WHERE pg_read_file('x') = '') FROM t
    SELECT f(x => pg_read_file('x'))
    SELECT * FROM a JOIN b ON pg_read_file('x') = ''
    SELECT ARRAY(SELECT pg_read_file('x'))
    SELECT rank() OVER (ORDER BY pg_read_file('x')) FROM t
"#;

#[test]
fn dangerous_statements_are_forbidden() {
    for sql in DANGEROUS.lines().map(str::trim).filter(|sql| !sql.is_empty()) {
        assert!(is_forbidden(sql, SqlDialect::Postgres), "{sql}: {:?}", check(sql, SqlDialect::Postgres, true));
    }
}

#[test]
fn what_does_not_parse_is_malformed() {
    for sql in [
        "",
        " ; ",
        "-- nothing",
        "hello",
        "SELEC 1",
        "TABLE pg_shadow",
        "SELECT 'open",
        "SELECT (1",
        "SELECT $$open",
        "/* open",
    ] {
        assert!(matches!(postgres(sql), Err(SqlRefusal::Malformed(_))), "{sql}: {:?}", postgres(sql));
    }
    let long = format!("SELECT '{}'", "x".repeat(MAX_SQL_BYTES));
    assert!(matches!(postgres(&long), Err(SqlRefusal::Malformed(_))));
}

#[test]
fn what_cannot_be_printed_safely_is_refused_with_a_hint() {
    for sql in ["SELECT - - 1", "SELECT @ -1"] {
        let Err(SqlRefusal::Malformed(reason)) = postgres(sql) else { panic!("{sql} must not pass") };
        assert!(reason.contains("plainly"), "{reason}");
    }
}

/// Texts that a server reads differently from a parser that is off its guard. They must be refused, or run
/// in a spelling in which nothing is hidden.
#[test]
fn nothing_hides_between_two_readings() {
    let tricks = [
        "SELECT U&\"\\0070g_read_file\"('/etc/passwd')",
        "SELECT 1 --\r, pg_read_file('/etc/passwd')",
        "SELECT /* /* */ 1 */, pg_read_file('x')",
        "SELECT E'a'\n'b\\' , ' , pg_read_file($$x$$) , 'c'",
        "SELECT 1 @-- 'a\n, pg_read_file($$x$$) --'",
        "SELECT 'a\\', pg_read_file($$x$$) --'",
        "SELECT $1$ , pg_read_file($$x$$) , $1$",
        "SELECT N'x'' , pg_read_file($$x$$) , '''",
        "SELECT 1 /*! , pg_read_file('x') */",
    ];
    for sql in tricks {
        if let Ok(parsed) = check(sql, SqlDialect::Postgres, true) {
            assert!(!parsed.text.contains("--") || parsed.text.contains("--'"), "{sql} became {}", parsed.text);
            assert!(
                !parsed.text.contains("/*") && !parsed.text.contains('\r') && !parsed.text.contains("U&\""),
                "{sql} became {}",
                parsed.text
            );
        }
    }
}

#[test]
fn a_print_says_what_was_written() {
    let same = [
        ("select 1 ;", "SELECT 1"),
        ("SELECT a -- note\nFROM t /* x */;", "SELECT a FROM t"),
        ("SELECT 'it''s', E'tab\\t', \"Odd\"\"Name\" FROM t", "SELECT 'it''s', E'tab\\t', \"Odd\"\"Name\" FROM t"),
    ];
    for (sql, text) in same {
        assert_eq!(check(sql, SqlDialect::Postgres, false).unwrap().text, text);
    }
}

#[test]
fn deep_and_long_statements_do_not_exhaust_the_stack() {
    let deepest = |piece: &str, per_piece: usize| format!("SELECT 1{}", piece.repeat((MAX_OPERATORS - 10) / per_piece));
    for (piece, per_piece) in
        [("+1", 1), (" AND 1", 1), ("::int", 2), (" UNION SELECT 1", 2), (" IS NULL", 2), (" || 'a'", 1)]
    {
        let sql = deepest(piece, per_piece);
        assert_eq!(postgres(&sql), Ok(StatementKind::Read), "{piece}");
    }
    let fill = |piece: &str, around: usize| piece.repeat((MAX_SQL_BYTES - around) / piece.len());
    let texts = [
        format!("SELECT 1{}", fill("+1", 8)),
        format!("SELECT {}1", fill("-", 8).replace("--", "- ")),
        format!("SELECT {}1", fill("NOT ", 8)),
        format!("SELECT {}", fill("(", 8)),
        format!("SELECT 1{}", fill("::int", 8)),
        format!("SELECT a{}", fill("[1]", 8)),
        format!("SELECT a{}", fill(".a", 8)),
        format!("SELECT 1{}", fill(" UNION SELECT 1", 8)),
        format!("SELECT 1{}", fill(" AND 1", 8)),
        format!("SELECT * FROM t{}", fill(" JOIN t", 20)),
        format!("SELECT {}1", fill("CASE WHEN 1 THEN ", 8)),
        format!("SELECT a{}", fill(" COLLATE x", 8)),
        format!("SELECT a{}", fill(" IS NULL", 8)),
        format!("SELECT f{}", fill("(f", 8)),
        format!("VALUES (1){}", fill(",(1)", 12)),
        format!("SELECT {}", fill("EXPLAIN ", 8)),
        fill("EXPLAIN ", 0),
        fill("(SELECT ", 0),
    ];
    for sql in texts {
        let _ = check(&sql, SqlDialect::Postgres, true);
        let _ = check(&sql, SqlDialect::Sqlite, true);
    }
}

#[test]
fn sqlite_has_its_own_dangers() {
    for sql in [
        "SELECT 1",
        "SELECT `a`, [b] FROM t WHERE x GLOB 'a*' LIMIT 3, 2",
        "SELECT json_extract(a, '$.x') FROM t",
        "SELECT * FROM sqlite_master",
    ] {
        assert!(check(sql, SqlDialect::Sqlite, false).is_ok(), "{sql}: {:?}", check(sql, SqlDialect::Sqlite, false));
    }
    for sql in [
        "PRAGMA journal_mode = DELETE",
        "ATTACH DATABASE 'x' AS y",
        "DETACH y",
        "SELECT load_extension('x')",
        "SELECT writefile('a', 'b')",
        "VACUUM",
        "SELECT * FROM pragma_database_list",
        "DELETE FROM t",
        "REINDEX",
        "CREATE TABLE t (a)",
        "DROP TABLE t",
        "SELECT 1; SELECT 2",
    ] {
        assert!(is_forbidden(sql, SqlDialect::Sqlite), "{sql}: {:?}", check(sql, SqlDialect::Sqlite, true));
    }
}
