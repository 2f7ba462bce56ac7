//! Rules about SQL: who may hold it, that it stands inside `sql!`, and that both engines understand it alike.

use super::lexer::{Lexed, Literal};
use super::tree::{Tree, line_of};
use super::{Found, Rule};

/// Crates with tables of their own. `db` runs the engines and is free of the marker.
const SQL_CRATES: &[&str] =
    &["db", "ledger", "events", "mail", "audit", "accounts", "market", "skills", "billing", "oauth", "x402", "calls"];

/// Crates that run SQL which is not ours: sellers' databases, databases made for a test, the texts of these rules.
const FOREIGN_SQL_CRATES: &[&str] = &["upstream", "testkit", "xtask"];

const DATABASE_CALLS: &[&str] = &["query(", "one(", "execute(", "execute_one(", "prepare(", "execute_batch("];

/// What one of the two engines lacks or understands otherwise, and what to write instead.
const DIALECT_TRAPS: &[(&str, &str)] = &[
    ("FOR UPDATE", "decide in a guarded UPDATE"),
    ("SKIP LOCKED", "claim with a guarded UPDATE and a lease column"),
    ("ADVISORY", "use a lease column"),
    ("NOW(", "pass the time from `Clock`"),
    ("CURRENT_TIMESTAMP", "pass the time from `Clock`"),
    ("RANDOM(", "pass a value from `Rng`"),
    ("NEXTVAL", "make the id in the program"),
    ("SERIAL", "make the id in the program"),
    ("AUTOINCREMENT", "make the id in the program"),
    ("ROWID", "use the table's own key"),
    ("ILIKE", "write `lower(a) LIKE lower($1)`"),
    ("IFNULL(", "write COALESCE"),
    ("::", "write CAST(… AS …)"),
    ("?1", "write parameters as `$1`"),
];

pub const MARKERS: Rule =
    Rule { name: "sql-markers", summary: "SQL stands in the crates that own tables, inside `sql!`", check: markers };

pub const DIALECT: Rule =
    Rule { name: "sql-dialect", summary: "SQL keeps to what both engines understand alike", check: dialect };

fn markers(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust().filter(|(file, _)| !file.is_test) {
        let Some(name) = file.crate_name() else { continue };
        if name == "db" || FOREIGN_SQL_CRATES.contains(&name) {
            continue;
        }
        for literal in lexed.literals.iter().filter(|literal| !lexed.is_test(literal.start)) {
            let owns_tables = SQL_CRATES.contains(&name);
            let message = match (owns_tables, is_marked(lexed, literal)) {
                (false, true) => "SQL in a crate without tables; call the crate that owns them",
                (false, false) if is_argument(lexed, literal) && is_sql(&literal.text) => {
                    "SQL in a crate without tables; call the crate that owns them"
                }
                (true, false) if is_sql(&literal.text) => {
                    "SQL outside `sql!`; the marker has it prepared on both engines by a test"
                }
                _ => continue,
            };
            found.add(&file.path, line_of(&lexed.code, literal.start), message);
        }
    }
}

fn dialect(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust().filter(|(file, _)| file.crate_name() != Some("xtask")) {
        for literal in lexed.literals.iter().filter(|literal| is_marked(lexed, literal)) {
            let line = line_of(&lexed.code, literal.start);
            traps(&literal.text)
                .for_each(|(at, message)| found.add(&file.path, line + newlines(&literal.text, at), message));
        }
    }
    for file in tree.with_ending(".sql").filter(|file| file.path.starts_with("migrations/")) {
        let statements: String =
            file.lines().map(|(_, line)| line.split("--").next().unwrap_or_default().to_owned() + "\n").collect();
        traps(&statements).for_each(|(at, message)| found.add(&file.path, 1 + newlines(&statements, at), message));
    }
}

/// Whether the literal is what `sql!` is called with.
fn is_marked(lexed: &Lexed, literal: &Literal) -> bool {
    lexed.code[..literal.start].trim_end().ends_with("sql!(")
}

/// Whether the literal is the first argument of a call that runs SQL.
fn is_argument(lexed: &Lexed, literal: &Literal) -> bool {
    let before = lexed.code[..literal.start].trim_end();
    DATABASE_CALLS.iter().any(|call| before.strip_suffix(call).is_some_and(|rest| rest.ends_with('.')))
}

fn is_sql(text: &str) -> bool {
    let words: Vec<&str> =
        text.split(|letter: char| letter.is_whitespace() || letter == '\\').filter(|word| !word.is_empty()).collect();
    let has = |word: &str| words.contains(&word);
    match words.first().copied().unwrap_or_default() {
        "SELECT" => has("FROM"),
        "INSERT" => has("INTO"),
        "UPDATE" => has("SET"),
        "DELETE" => has("FROM"),
        "WITH" => has("SELECT"),
        "CREATE" | "ALTER" | "DROP" => has("TABLE") || has("INDEX"),
        _ => false,
    }
}

/// Where a statement leaves the common dialect, and why.
fn traps(sql: &str) -> impl Iterator<Item = (usize, String)> {
    let upper = sql.to_ascii_uppercase();
    let mut traps = Vec::new();
    for (trap, remedy) in DIALECT_TRAPS {
        let starts_word = trap.as_bytes()[0].is_ascii_alphabetic();
        for (at, _) in upper.match_indices(trap) {
            let inside_word =
                starts_word && at.checked_sub(1).is_some_and(|at| super::lexer::is_word(upper.as_bytes()[at]));
            if !inside_word {
                traps.push((at, format!("`{trap}` is not understood alike by both engines; {remedy}")));
            }
        }
    }
    for (at, _) in upper.match_indices("SUM(").filter(|(at, _)| leaves_as_numeric(&upper[..*at])) {
        traps.push((at, "a bare SUM is NUMERIC on PostgreSQL; write CAST(COALESCE(SUM(x), 0) AS BIGINT)".into()));
    }
    for (at, _) in upper.match_indices(" LIKE ") {
        let right = upper[at + 6..].trim_start();
        if !right.starts_with("LOWER(") || !upper[..at].trim_end().ends_with(')') {
            traps.push((at, "LIKE ignores case on SQLite only; write `lower(a) LIKE lower($1) ESCAPE '\\'`".into()));
        }
    }
    traps.into_iter()
}

/// Whether a SUM after this much of a statement is part of its outermost result and not cast: neither inside a CAST
/// nor inside a subquery, where the engine itself reads it, nor in a condition.
fn leaves_as_numeric(before: &str) -> bool {
    let mut depth = 0;
    for (at, byte) in before.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth > 0 => depth -= 1,
            b'(' if before[..at].ends_with("CAST") || before[at + 1..].trim_start().starts_with("SELECT") => {
                return false;
            }
            _ => {}
        }
    }
    let condition = before.rfind("HAVING").max(before.rfind("ORDER BY"));
    condition <= before.rfind("SELECT")
}

fn newlines(text: &str, to: usize) -> usize {
    text.as_bytes().iter().take(to).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn sql_outside_its_marker_is_found_and_prose_about_sql_is_not() {
        let source = "fn a() { tx.query(\n\"SELECT a FROM b\", &[]); }\nlet c = sql!(\n  \"SELECT a FROM b\");\nlet d = \"SELECT is all that a buyer may send\";\n#[test]\nfn e() { q(\"DELETE FROM b\") }\n";
        assert_eq!(found(&MARKERS, &[("crates/ledger/src/a.rs", source)]), ["crates/ledger/src/a.rs:2"]);
        assert!(found(&MARKERS, &[("crates/db/src/a.rs", source), ("crates/upstream/src/b.rs", source)]).is_empty());
    }

    #[test]
    fn sql_in_a_crate_without_tables_is_found_and_a_buyers_query_is_not() {
        let source = "fn a() { db.query(\"SELECT a FROM b\", &[]); }\nlet c = sql!(\"SELECT 1\");\nlet story = json(\"SELECT a FROM b\");\n";
        let expected = ["crates/api/src/a.rs:1", "crates/api/src/a.rs:2"];
        assert_eq!(found(&MARKERS, &[("crates/api/src/a.rs", source)]), expected);
    }

    #[test]
    fn what_only_one_engine_understands_is_found_on_its_line() {
        let source = "let a = sql!(\"SELECT id FROM job\n  WHERE known = 1\n  FOR UPDATE\");\nlet b = sql!(\"SELECT CAST(COALESCE(SUM(a), 0) AS BIGINT) FROM b HAVING SUM(a) <> 0\");\nlet c = sql!(\"SELECT SUM(a) FROM b WHERE lower(d) LIKE lower($1)\");\nlet e = sql!(\"SELECT a FROM b WHERE d LIKE $1\");\n";
        let expected = ["crates/events/src/a.rs:3", "crates/events/src/a.rs:5", "crates/events/src/a.rs:6"];
        assert_eq!(found(&DIALECT, &[("crates/events/src/a.rs", source)]), expected);
        let fine = "let a = sql!(\"SELECT a FROM b WHERE c <> COALESCE((SELECT SUM(d) FROM e), 0)\");";
        assert!(found(&DIALECT, &[("crates/events/src/a.rs", fine)]).is_empty());
        let migration = "-- made now()\nCREATE TABLE a (\n  id BIGSERIAL,\n  b SERIAL\n);\n";
        assert_eq!(found(&DIALECT, &[("migrations/0001_a.sql", migration)]), ["migrations/0001_a.sql:4"]);
    }
}
