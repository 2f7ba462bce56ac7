//! `docs/x402-reasons.md` says of every reason what it means, and names no word that nobody sends.

use farebox_x402::Reason;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands in the column of version 1 where the word is that of version 2.
const SAME: &str = "the same";

/// The cells of the rows of tables with so many columns, in the part of the document after `heading`.
fn rows(heading: &str, columns: usize) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/x402-reasons.md")).unwrap();
    let part = text.split_once(heading).unwrap().1;
    let part = part.split("\n## ").next().unwrap();
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect())
        .collect();
    for row in &rows {
        assert_eq!(row.len(), columns, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    rows
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_document_has_a_row_for_every_reason_in_order_with_the_word_of_version_1() {
    let documented: Vec<(String, String)> = rows("\n## Codes\n", 4)
        .into_iter()
        .map(|row| (row[0].clone(), if row[1] == SAME { row[0].clone() } else { row[1].clone() }))
        .collect();
    let sent: Vec<(String, String)> =
        Reason::ALL.iter().map(|reason| (reason.code().to_owned(), reason.v1_code().to_owned())).collect();
    assert_eq!(documented, sent);
}

#[test]
fn the_other_words_of_the_document_are_words_that_the_code_sends() {
    let mut sources = String::new();
    for folder in ["base", "calls", "api", "x402"] {
        read_all(&root().join("crates").join(folder).join("src"), &mut sources);
    }
    let words = rows("\n## Answers about payments with another status\n", 4);
    assert!(words.len() > 10, "{words:?}");
    for row in words {
        assert!(sources.contains(&format!("\"{}\"", row[0])), "nobody sends {}", row[0]);
        assert!(row[1].split(", ").all(|status| status.parse::<u16>().is_ok()), "{row:?}");
    }
}

fn read_all(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
