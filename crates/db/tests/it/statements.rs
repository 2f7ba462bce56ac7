//! Every statement of the sources is prepared on both engines, so that a wrong one fails here and not in production.

use farebox_testkit::engines;
use std::path::{Path, PathBuf};

/// A statement in a `sql!` marker and where it begins.
#[derive(Debug, PartialEq)]
struct Found {
    line: usize,
    text: String,
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// Finds the markers of a source text, outside of line comments.
fn markers(source: &str) -> Vec<Found> {
    let marker = concat!("sql", "!(");
    let mut found = vec![];
    for (at, _) in source.match_indices(marker) {
        let line_start = source[..at].rfind('\n').map_or(0, |end| end + 1);
        let part_of_name = source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if part_of_name || source[line_start..at].contains("//") {
            continue;
        }
        if let Some(text) = literal(source[at + marker.len()..].trim_start()) {
            found.push(Found { line: source[..at].matches('\n').count() + 1, text });
        }
    }
    found
}

/// Reads a string literal, plain or raw, as the compiler does.
fn literal(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        return body.find(&close).map(|end| body[..end].to_owned());
    }
    let mut text = String::new();
    let mut chars = source.strip_prefix('"')?.chars().peekable();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => match chars.next()? {
                '\n' => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            plain => text.push(plain),
        }
    }
}

#[tokio::test]
async fn every_statement_of_the_sources_is_valid_on_both_engines() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let mut files = vec![];
    for entry in std::fs::read_dir(&crates).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut files);
        }
    }
    let mut statements = vec![];
    for file in files {
        let place = file.strip_prefix(&crates).unwrap().display().to_string();
        let found = markers(&std::fs::read_to_string(&file).unwrap());
        statements.extend(found.into_iter().map(|found| (format!("crates/{place}:{}", found.line), found.text)));
    }
    assert!(statements.len() >= 2, "the markers of this crate itself are missing");
    engines::each(async |db| {
        let mut wrong = vec![];
        for (place, text) in &statements {
            if let Err(error) = db.prepare(text).await {
                wrong.push(format!("{place}: {error}\n    {text}"));
            }
        }
        assert!(wrong.is_empty(), "{:?} refuses {} statements:\n{}", db.engine(), wrong.len(), wrong.join("\n"));
    })
    .await;
}

#[test]
fn markers_are_found_in_every_spelling_of_a_literal() {
    let source = concat!(
        "// sql",
        "!(\"SELECT 0\")\n",
        "query(sql",
        "!(\"SELECT 1\"), sql",
        "!(\n    r#\"SELECT \"a\"\"#\n));\n",
        "sql",
        "!(\"SELECT \\\n      'x\\\\y' \\\"b\\\"\n  FROM t\")\n",
        "my_sql",
        "!(\"no\") sql",
        "!($text)\n",
    );
    let found = |line, text: &str| Found { line, text: text.to_owned() };
    assert_eq!(
        markers(source),
        [found(2, "SELECT 1"), found(2, "SELECT \"a\""), found(5, "SELECT 'x\\y' \"b\"\n  FROM t")]
    );
}

#[tokio::test]
async fn preparing_finds_what_only_one_engine_would_refuse() {
    engines::each(async |db| {
        assert!(db.prepare("SELECT id FROM party WHERE handle = $1").await.is_ok());
        assert!(db.prepare("SELECT nothing FROM party").await.is_err());
        assert!(db.prepare("SELEC id FROM party").await.is_err());
        let sum = db.prepare("SELECT SUM(amount) FROM entry").await;
        assert_eq!(sum.is_err(), db.engine() == farebox_db::Engine::Postgres, "{sum:?}");
    })
    .await;
}
