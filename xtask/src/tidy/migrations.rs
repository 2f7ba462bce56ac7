//! Rules about `migrations/`: numbers without a gap, embedded by `db`, and only types that both engines share.

use super::tree::{File, Tree};
use super::{Found, Rule};

const TYPES: &[&str] = &["BIGINT", "TEXT", "BYTEA"];

pub const MIGRATIONS: Rule = Rule {
    name: "migrations",
    summary: "migrations are numbered without a gap, listed in db, strict, and use BIGINT, TEXT and BYTEA",
    check,
};

fn check(tree: &Tree, found: &mut Found) {
    let db: String = tree
        .rust()
        .filter(|(file, _)| file.path.starts_with("crates/db/src/"))
        .map(|(file, _)| file.text.as_str())
        .collect();
    let migrations = tree.with_ending(".sql").filter(|file| file.path.starts_with("migrations/"));
    for (index, file) in migrations.enumerate() {
        let name = file.path.trim_start_matches("migrations/");
        let expected = format!("{:04}_", index + 1);
        if !name.starts_with(&expected) {
            found.add(
                &file.path,
                1,
                format!("the name should begin with `{expected}`; number migrations without a gap"),
            );
        }
        if !db.contains(name) {
            found.add(&file.path, 1, "not embedded; add it to the list of migrations in crates/db");
        }
        check_tables(file, found);
    }
}

fn check_tables(file: &File, found: &mut Found) {
    let mut table_line = None;
    for (number, line) in file.lines() {
        let text = line.split("--").next().unwrap_or_default().trim();
        if text.starts_with("CREATE TABLE") {
            table_line = Some(number);
        } else if text.starts_with(')') {
            if !STRICT_ENDS.contains(&text)
                && let Some(start) = table_line
            {
                found.add(&file.path, start, "the table is not strict; close it with `) /*STRICT*/;`");
            }
            table_line = None;
        } else if table_line.is_some() {
            check_column(file, number, text, found);
        }
    }
}

/// A table that is stored in its primary key's order is marked as such.
const STRICT_ENDS: [&str; 2] = [") /*STRICT*/;", ") /*STRICT, CLUSTERED*/;"];

fn check_column(file: &File, number: usize, text: &str, found: &mut Found) {
    let mut words = text.split_whitespace();
    let (Some(name), Some(kind)) = (words.next(), words.next()) else { return };
    let is_column = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    if is_column && !TYPES.contains(&kind.trim_end_matches(',')) {
        let message = format!(
            "column `{name}` is `{}`; both engines share only {}",
            kind.trim_end_matches(','),
            TYPES.join(", ")
        );
        found.add(&file.path, number, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    const DB: (&str, &str) = ("crates/db/src/migrate.rs", "0001_a.sql 0002_b.sql 0004_d.sql");

    #[test]
    fn a_gap_and_a_file_that_is_not_embedded_are_found() {
        let files = [DB, ("migrations/0001_a.sql", ""), ("migrations/0002_b.sql", ""), ("migrations/0004_d.sql", "")];
        assert_eq!(found(&MIGRATIONS, &files), ["migrations/0004_d.sql:1"]);
        assert_eq!(found(&MIGRATIONS, &[DB, ("migrations/0001_z.sql", "")]), ["migrations/0001_z.sql:1"]);
    }

    #[test]
    fn a_table_that_is_not_strict_and_a_type_of_one_engine_are_found() {
        let loose = "CREATE TABLE a (\n  id TEXT PRIMARY KEY, -- x\n  price NUMERIC,\n  PRIMARY KEY (id),\n  CHECK (id <> '')\n);\nCREATE INDEX b ON a (id);\n";
        let expected = ["migrations/0001_a.sql:3", "migrations/0001_a.sql:1"];
        assert_eq!(found(&MIGRATIONS, &[DB, ("migrations/0001_a.sql", loose)]), expected);
        let strict = "CREATE TABLE a (\n  id TEXT PRIMARY KEY,\n  at BIGINT\n) /*STRICT*/;\n";
        assert!(found(&MIGRATIONS, &[DB, ("migrations/0001_a.sql", strict)]).is_empty());
    }
}
