//! The program as its users run it.

use std::process::{Command, Output};

pub fn farebox(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FAREBOX_")) {
        command.env_remove(name);
    }
    command.args(arguments).output().unwrap()
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_demo_plays_to_its_end_with_balanced_books() {
    let output = farebox(&["demo", "--once", "--listen", "127.0.0.1:0"]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    for expected in ["$ curl -s", "charged 0.05 USDC", "X-ACF-Free-Tier: true", "the books balance"] {
        assert!(text.contains(expected), "{expected} is missing in:\n{text}");
    }
}

#[test]
fn each_door_has_a_document() {
    for (door, path) in [
        ("platform", "/publishers/{slug}/{path}"),
        ("marketplace", "/api/v1/proxy/{service_id}/{path}"),
        ("sql-gateway", "/api/query"),
    ] {
        let output = farebox(&["openapi", "--door", door]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        assert!(document["paths"][path].is_object(), "{door} lacks {path}");
    }
}

#[test]
fn credits_and_checks_work_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let made = farebox(&["admin", "create-key", "--owner", "me", "--role", "buyer", "--data-dir", data]);
    assert!(made.status.success() && text(&made).contains("fbx_"), "{}", text(&made));
    let credit = ["admin", "credit", "--owner", "me", "--amount", "2.50", "--id", "once", "--data-dir", data];
    assert!(text(&farebox(&credit)).contains("me credited 2.5 USDC"));
    let again = text(&farebox(&credit));
    assert!(again.contains("nothing was done now") && again.contains("2.5 USDC funded"), "{again}");
    let bad = farebox(&["admin", "credit", "--owner", "me", "--amount", "1e3", "--data-dir", data]);
    assert!(!bad.status.success() && text(&bad).contains("amount must be a decimal number"), "{}", text(&bad));
    let checked = farebox(&["check-ledger", "--data-dir", data]);
    assert!(checked.status.success() && text(&checked).contains("the books balance"), "{}", text(&checked));
}

#[test]
fn a_broken_book_is_found_and_fails_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    farebox(&["admin", "create-key", "--owner", "me", "--data-dir", data]);
    farebox(&["admin", "credit", "--owner", "me", "--amount", "1", "--data-dir", data]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let faults = std::sync::Arc::new(farebox_db::NoFaults);
        let db = farebox_db::Db::sqlite(&folder.path().join("farebox.db"), faults).unwrap();
        let mut tx = db.begin(farebox_db::Isolation::Serializable).await.unwrap();
        tx.execute("UPDATE balance SET posted = posted + 1", &[]).await.unwrap();
        tx.commit().await.unwrap();
    });
    let checked = farebox(&["check-ledger", "--data-dir", data]);
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked));
    assert!(text(&checked).contains("BROKEN"), "{}", text(&checked));
}

#[test]
fn a_flipped_byte_in_a_copy_of_the_database_is_found_and_named_by_the_deep_check() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    farebox(&["admin", "create-key", "--owner", "me", "--data-dir", data]);
    for (amount, memo) in [("1", "the first"), ("2", "the needle"), ("3", "the last")] {
        farebox(&["admin", "credit", "--owner", "me", "--amount", amount, "--memo", memo, "--data-dir", data]);
    }
    let sound = farebox(&["check-ledger", "--deep", "--data-dir", data]);
    assert!(sound.status.success(), "{}", text(&sound));
    assert!(text(&sound).contains("chain 0 ends with batch 3, entry 6, hash "), "{}", text(&sound));

    let book = std::fs::read(folder.path().join("farebox.db")).unwrap();
    let places = (0..book.len()).filter(|at| book[*at..].starts_with(b"the needle")).collect::<Vec<_>>();
    let named = places.iter().filter(|at| {
        let copy = tempfile::tempdir().unwrap();
        let mut bytes = book.clone();
        bytes[**at] ^= 1;
        std::fs::write(copy.path().join("farebox.db"), bytes).unwrap();
        let checked = farebox(&["check-ledger", "--deep", "--data-dir", copy.path().to_str().unwrap()]);
        checked.status.code() == Some(1) && text(&checked).contains("first batch 2 of chain 0: transfers ")
    });
    assert_eq!(named.count(), 1, "the memo of the transfer, at one of {places:?}");
}

#[test]
fn mistakes_are_explained() {
    let output = farebox(&["serve", "--listen", "nowhere"]);
    assert!(!output.status.success() && text(&output).contains("server.listen"), "{}", text(&output));
    let output = farebox(&["check-ledger", "--data-dir", "/nonexistent/farebox"]);
    assert!(!output.status.success() && text(&output).contains("farebox"), "{}", text(&output));
}
