//! Books whose file was damaged: what the check names, what it goes on with, and what a restore refuses.

use crate::command::{farebox, text};
use std::process::Output;

const FLIPS: usize = 40;

/// A book of three credits, in one file that needs no log beside it.
fn book() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().to_str().unwrap(), folder.path().join("copy"));
    assert!(farebox(&["admin", "create-key", "--owner", "me", "--data-dir", data]).status.success());
    for (amount, memo) in [("1", "the first"), ("2", "the needle"), ("3", "the last")] {
        let credit = ["admin", "credit", "--owner", "me", "--amount", amount, "--memo", memo, "--data-dir", data];
        assert!(farebox(&credit).status.success());
    }
    assert!(farebox(&["backup", copy.to_str().unwrap(), "--data-dir", data]).status.success());
    std::fs::read(copy).unwrap()
}

fn places(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|at| bytes[*at..].starts_with(what)).collect()
}

fn flipped(bytes: &[u8], at: usize, bits: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= bits;
    bytes
}

/// Checks a book with these bytes.
fn checked(bytes: &[u8], options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("farebox.db"), bytes).unwrap();
    farebox(&[&["check-ledger", "--data-dir", folder.path().to_str().unwrap()], options].concat())
}

#[test]
fn a_text_that_is_no_text_any_more_is_named_with_its_row_and_the_other_checks_go_on() {
    let book = book();
    let mut named = 0;
    for at in places(&book, b"the needle") {
        let broken = flipped(&book, at, 0x80);
        for options in [&[][..], &["--deep"]] {
            let output = checked(&broken, options);
            let said = text(&output);
            assert_eq!(output.status.code(), Some(1), "{at} {options:?}: {said}");
            assert!(said.contains("the values of each row can be read: 1 broken, first "), "{at} {options:?}: {said}");
            assert!(said.contains("column memo: a text that is not UTF-8"), "{at} {options:?}: {said}");
            assert!(said.contains("the books do NOT balance"), "{at} {options:?}: {said}");
        }
        let said = text(&checked(&broken, &["--deep"]));
        assert!(said.contains("chain 0 ends with batch 3, entry 6, hash "), "{at}: {said}");
        if said.contains("first transfer, row id ") {
            assert!(said.contains("batch 2 of chain 0: the entry no 3 cannot be read: column memo"), "{said}");
            assert!(said.contains("ok") && !said.contains("batch 3 of chain 0: "), "{said}");
            named += 1;
        }
    }
    assert_eq!(named, 1, "the memo of the transfer is one of the places");
}

#[test]
fn a_flipped_bit_in_the_book_is_no_reason_to_stop_checking() {
    let book = book();
    let pages: Vec<usize> = (1..book.len() / 4_096)
        .map(|page| page * 4_096)
        .filter(|at| !places(&book[*at..at + 4_096], b"funded:").is_empty() && book[*at] == 13)
        .collect();
    let total = pages.len() * 4_096;
    for flip in 0..FLIPS {
        let place = flip * total / FLIPS + flip * 13 % 97;
        let at = pages[place / 4_096 % pages.len()] + place % 4_096;
        let output = checked(&flipped(&book, at, 1 << (flip % 8)), &["--deep"]);
        let (code, said) = (output.status.code(), text(&output));
        assert!(matches!(code, Some(0 | 1)), "bit {} at {at}: {code:?}: {said}", flip % 8);
        assert_eq!(said.contains("BROKEN"), code == Some(1), "bit {} at {at}: {said}", flip % 8);
    }
}

#[test]
fn a_damaged_schema_is_said_to_be_damaged_and_not_to_be_missing() {
    let book = book();
    let tables = places(&book, b"CREATE TABLE \"entry\"");
    assert!(!tables.is_empty());
    for at in tables {
        let output = checked(&flipped(&book, at, 1), &[]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("malformed database schema") && said.contains("damaged"), "{said}");
        assert!(!said.contains("no Farebox schema") && !said.contains("farebox migrate"), "{said}");
    }
}

#[test]
fn a_record_of_migrations_that_cannot_be_read_keeps_nothing_else_from_being_checked() {
    let book = book();
    let found = places(&book, b"0001_accounts.sql").into_iter().filter(|at| {
        let output = checked(&flipped(&book, *at, 0x80), &["--deep"]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("chain 0 ends with batch 3, entry 6, hash "), "{said}");
        said.contains("the record of migrations can be read: 1 broken, first column name")
    });
    assert!(found.count() >= 1);
}

#[test]
fn a_restore_refuses_what_only_the_deep_check_sees_unless_it_is_asked_to_be_quick() {
    let sound = book();
    let said = text(&checked(&sound, &["--deep"]));
    let (_, hash) = said.split_once("chain 0 ends with batch 3, entry 6, hash ").unwrap();
    let hash: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&hash[2 * n..2 * n + 2], 16).unwrap()).collect();
    let mut refused = 0;
    for at in places(&sound, &hash) {
        let broken = flipped(&sound, at, 1);
        if checked(&broken, &[]).status.success() && !checked(&broken, &["--deep"]).status.success() {
            refuses(&broken);
            refused += 1;
        }
    }
    assert_eq!(refused, 1, "the hash of the newest batch stands in one place");
}

fn refuses(broken: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let (copy, place) = (folder.path().join("copy"), folder.path().join("data"));
    std::fs::write(&copy, broken).unwrap();
    let restored = place.join("farebox.db");
    let restore = ["restore", copy.to_str().unwrap(), "--data-dir", place.to_str().unwrap()];
    let output = farebox(&restore);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the copy's books do NOT balance: 1 invariant is broken"), "{said}");
    assert!(said.contains("first batch 3 of chain 0"), "{said}");
    assert!(!restored.exists(), "a refused backup was put in place");
    let quick = farebox(&[&restore[..], &["--quick"]].concat());
    assert!(quick.status.success() && restored.exists(), "{}", text(&quick));
}
