//! Rules about single Rust files: their length and opening, and what must not stand in them.

use super::tree::{Tree, line_of};
use super::{Found, Rule};

const FILE_LINES_MAX: usize = 500;

/// Crates that hold or move money.
const MONEY_CRATES: &[&str] = &["base", "ledger", "billing", "calls", "x402", "market"];

pub const FILE_LENGTH: Rule =
    Rule { name: "file-length", summary: "a Rust file has at most 500 lines", check: file_length };

pub const MODULE_DOC: Rule = Rule { name: "module-doc", summary: "a Rust file opens with `//!`", check: module_doc };

pub const UNWRAP: Rule = Rule { name: "unwrap", summary: "no `.unwrap()` outside tests", check: unwrap };

pub const ALLOW: Rule = Rule { name: "allow", summary: "a lint is never silenced by `allow`", check: allow };

pub const IGNORED_TEST: Rule = Rule {
    name: "ignored-test",
    summary: "no test is ignored, but for one that another test starts and that names it",
    check: ignored_test,
};

pub const FLOATS: Rule =
    Rule { name: "floats", summary: "no floating point in the crates that hold or move money", check: floats };

fn file_length(tree: &Tree, found: &mut Found) {
    for (file, _) in tree.rust() {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            let message = format!("{lines} lines, {FILE_LINES_MAX} are allowed; split the file by responsibility");
            found.add(&file.path, FILE_LINES_MAX + 1, message);
        }
    }
}

fn module_doc(tree: &Tree, found: &mut Found) {
    for (file, _) in tree.rust() {
        if !file.text.trim_start().starts_with("//!") {
            found.add(&file.path, 1, "no `//!` at the top; say what the module owns, what it does not, its invariants");
        }
    }
}

fn unwrap(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust().filter(|(file, _)| !file.is_test) {
        for (at, _) in lexed.code.match_indices(".unwrap()").filter(|(at, _)| !lexed.is_test(*at)) {
            let message = "`.unwrap()` outside tests; return the error with `?`, or `expect` with why it cannot fail";
            found.add(&file.path, line_of(&lexed.code, at), message);
        }
    }
}

fn allow(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust() {
        for at in lexed.words("allow") {
            let before: String = lexed.code[..at].split_whitespace().next_back().unwrap_or_default().into();
            let opens = before.ends_with("#[") || before.ends_with("#![") || before.contains("cfg_attr(");
            if opens && lexed.code[at..].starts_with("allow(") {
                let message = "`allow` silences a lint for ever; use `#[expect(…, reason = \"…\")]`";
                found.add(&file.path, line_of(&lexed.code, at), message);
            }
        }
    }
}

fn ignored_test(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust() {
        for (at, _) in lexed.code.match_indices("#[ignore") {
            let end = super::lexer::closing(&lexed.code, at + 1).unwrap_or(at);
            let reason = lexed.literals.iter().find(|literal| (at..end).contains(&literal.start));
            if !reason.is_some_and(|reason| reason.text.contains('`')) {
                let message =
                    "a test that nobody runs; make it run, or print one SKIPPED line with the reason and return";
                found.add(&file.path, line_of(&lexed.code, at), message);
            }
        }
    }
}

fn floats(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust() {
        if !file.crate_name().is_some_and(|name| MONEY_CRATES.contains(&name)) {
            continue;
        }
        let types = ["f32", "f64"].into_iter().flat_map(|word| lexed.words(word));
        for at in types.chain(float_literals(&lexed.code)) {
            let message = "floating point near money; use `Micros`, `Rate` or whole numbers in a smaller unit";
            found.add(&file.path, line_of(&lexed.code, at), message);
        }
    }
}

/// Where numbers with a decimal point stand: digits, a point and digits, with neither a name nor a point before them.
fn float_literals(code: &str) -> Vec<usize> {
    let bytes = code.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let points = code.match_indices('.').map(|(at, _)| at);
    points
        .filter(|&point| {
            let digits = code[..point].bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count();
            let before = (point - digits).checked_sub(1).map_or(b' ', |at| bytes[at]);
            digits > 0 && is_digit(point + 1) && !super::lexer::is_word(before) && before != b'.'
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn a_file_over_five_hundred_lines_is_found() {
        let text = |lines: usize| "//! Doc.\n".to_owned() + &"\n".repeat(lines - 1);
        assert_eq!(found(&FILE_LENGTH, &[("crates/db/src/a.rs", &text(501))]), ["crates/db/src/a.rs:501"]);
        assert!(found(&FILE_LENGTH, &[("crates/db/src/a.rs", &text(500))]).is_empty());
    }

    #[test]
    fn a_file_without_a_word_on_its_purpose_is_found() {
        assert_eq!(found(&MODULE_DOC, &[("crates/db/src/a.rs", "use b;\n//! Late.\n")]), ["crates/db/src/a.rs:1"]);
        assert!(found(&MODULE_DOC, &[("crates/db/src/a.rs", "//! Early.\nuse b;\n")]).is_empty());
    }

    #[test]
    fn an_unwrap_is_found_in_code_and_not_in_tests_or_texts() {
        let source =
            "fn a() { b.unwrap(); }\n// .unwrap()\nconst C: &str = \".unwrap()\";\n#[test]\nfn d() { e.unwrap() }\n";
        assert_eq!(found(&UNWRAP, &[("crates/db/src/a.rs", source)]), ["crates/db/src/a.rs:1"]);
        assert!(found(&UNWRAP, &[("crates/db/tests/it.rs", source)]).is_empty());
    }

    #[test]
    fn a_silenced_lint_is_found_in_each_spelling() {
        let source = "#[allow(dead_code)]\n#![allow(clippy::all)]\n#[cfg_attr(test, allow(unused))]\nfn allow(x: u8) {}\n#[expect(dead_code, reason = \"\")]\nlet a = role.allow(b);";
        let lines = ["crates/db/src/a.rs:1", "crates/db/src/a.rs:2", "crates/db/src/a.rs:3"];
        assert_eq!(found(&ALLOW, &[("crates/db/src/a.rs", source)]), lines);
    }

    #[test]
    fn an_ignored_test_is_found() {
        let source = "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n#[test]\n#[ignore = \"run by `a`\"]\nfn b() {}\n";
        assert_eq!(found(&IGNORED_TEST, &[("crates/db/tests/it.rs", source)]), ["crates/db/tests/it.rs:2"]);
    }

    #[test]
    fn floats_are_found_as_types_and_as_numbers_and_only_near_money() {
        let source = "//! 1.5\nfn a(x: f64) {}\nlet b = 0.5;\nlet c = pair.0.1; let d = 0..10; let e = \"2.5\"; let f = 1_000.5;\n";
        let lines = ["crates/ledger/src/a.rs:2", "crates/ledger/src/a.rs:3", "crates/ledger/src/a.rs:4"];
        assert_eq!(found(&FLOATS, &[("crates/ledger/src/a.rs", source)]), lines);
        assert!(found(&FLOATS, &[("crates/farebox/src/a.rs", source)]).is_empty());
    }
}
