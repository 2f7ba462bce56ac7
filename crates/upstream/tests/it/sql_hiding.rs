//! Random spellings, run on a real server: whatever passes the guard must not call what the guard refuses.
//!
//! The call that hides is one of a sequence's functions, because the sequence tells whether it was made.

use farebox_base::{Rng as _, SeededRng};
use farebox_upstream::sql::{SqlDialect, check};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::postgres_server::Database;

const SEED: u64 = 7;
const TRIES: u32 = 6_000;

/// Calls that are refused when they stand in the open.
const CALLS: &[&str] = &[
    "nextval('s')",
    "nextval($$s$$)",
    "\"nextval\"('s')",
    "pg_catalog.nextval('s')",
    "nextval/**/('s')",
    "NEXTVAL\n('s')",
    "setval('s', 99)",
    "U&\"n\\0065xtval\"('s')",
    "U&\"n!0065xtval\" UESCAPE '!' ('s')",
];
/// What begins and ends a string, a comment or a name, for one reader or another.
const OPENINGS: &[&str] = &[
    "'", "E'", "U&'", "$$", "$a$", "N'", "X'", "B'", "R'", "q'[", "\"", "`", "/*", "--", "$1$", "E'\\'", "'\\'", "'''",
];
const CLOSINGS: &[&str] = &[
    "'", "''", "\\'", "'''", "]'", "$$", "$a$", "$1$", "\"", "`", "*/", "\n", "\r", "\u{b}", "\u{c}", "\u{85}",
    "\u{2028}",
];
const BETWEEN: &[&str] = &[
    ", ",
    " || ",
    " ",
    "\n",
    " AS a, ",
    "::text, ",
    " @-- ",
    " - -",
    " #",
    " /",
    " *",
    " UESCAPE '!'",
    " ~",
    " ?",
    " ;",
];
const VALUES: &[&str] = &[
    "1",
    "'a'",
    "E'b'",
    "$$c$$",
    "b",
    "NULL",
    "U&'d'",
    "'a\\'",
    "'x' 'y'",
    "'x'\n'y'",
    "E'x'\n'y\\''",
    "$1",
    "'--'",
    "'/*'",
];

#[tokio::test]
async fn what_is_refused_in_the_open_does_not_run_in_disguise() {
    let Some(database) = Database::new() else { return };
    let server =
        database.admin("CREATE SEQUENCE s; CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x')").await;
    let rng = SeededRng::new(SEED);
    let mut run = 0;
    for _ in 0..TRIES {
        let sql = spelling(&rng);
        let Ok(parsed) = check(&sql, SqlDialect::Postgres, false) else { continue };
        if ran(&server, &parsed.text).await {
            run += 1;
        }
        let row = server.query_one("SELECT is_called FROM s", &[]).await.unwrap();
        assert!(!row.get::<_, bool>(0), "{sql:?} ran as {:?}", parsed.text);
    }
    assert!(run > 50, "only {run} statements ran, which proves little");
}

fn spelling(rng: &SeededRng) -> String {
    let pick = |from: &[&'static str]| from[usize::try_from(rng.below(from.len() as u64)).unwrap()];
    let mut sql = "SELECT ".to_owned();
    for _ in 0..=rng.below(3) {
        let piece = match rng.below(3) {
            0 => pick(VALUES).to_owned(),
            1 => [pick(OPENINGS), pick(VALUES), pick(CLOSINGS)].concat(),
            _ => [pick(OPENINGS), pick(BETWEEN), pick(CALLS), pick(BETWEEN), pick(CLOSINGS)].concat(),
        };
        sql.push_str(&piece);
        sql.push_str(pick(BETWEEN));
    }
    sql.push_str(pick(VALUES));
    sql.push_str(" FROM t");
    sql
}

async fn ran(server: &Client, sql: &str) -> bool {
    let types = if sql.contains("$1") { vec![Type::TEXT] } else { Vec::new() };
    let Ok(statement) = server.prepare_typed(sql, &types).await else { return false };
    let outcome = if statement.params().is_empty() {
        server.query(&statement, &[]).await
    } else {
        server.query(&statement, &[&"v"]).await
    };
    outcome.is_ok()
}
