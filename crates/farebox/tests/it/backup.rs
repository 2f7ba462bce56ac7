//! What `farebox backup` and `farebox restore` refuse, and what they keep.

use crate::process::{Shop, command};
use farebox_db::{Db, Isolation, NoFaults};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use std::path::Path;
use std::sync::Arc;

async fn change(file: &Path, statement: &'static str) {
    let db = Db::sqlite(file, Arc::new(NoFaults)).unwrap();
    let mut tx = db.begin(Isolation::Serializable).await.unwrap();
    tx.execute(statement, &[]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_keeps_what_was_there_with_all_that_only_its_log_held() {
    let place = TestDb::sqlite().await;
    let shop = Shop::open(&place, "0.5").await;
    let (folder, copies) = (shop.folder.path(), tempfile::tempdir().unwrap());
    let file = copies.path().join("books");
    let file_text = file.to_str().unwrap();
    let server = shop.serve(&[]).await;
    shop.list(&server).await;
    let (ok, text) = command(folder, &place, &["backup", file_text]);
    assert!(ok, "{text}");
    let (ok, text) = command(folder, &place, &["backup", file_text]);
    assert!(!ok && text.contains("--force"), "{text}");
    assert!(command(folder, &place, &["backup", file_text, "--force"]).0);
    let got = Ask::get("/publishers/things/ok").key(&shop.buyer).send(&shop.client, &server.base).await.unwrap();
    assert_eq!(got.status.as_u16(), 200);
    let (ok, text) = command(folder, &place, &["restore", file_text]);
    assert!(!ok && text.contains("in use by another process"), "restored under a running server: {text}");
    server.kill();
    assert!(folder.join("farebox.db-wal").exists(), "the kill left no log, so this test tests nothing");

    let (ok, text) = command(folder, &place, &["restore", file_text]);
    assert!(ok && text.contains("the secret key is the one of this database"), "{text}");
    assert!(!folder.join("farebox.db-wal").exists() && !folder.join("farebox.db-shm").exists());
    let before = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let before = before.into_iter().find(|file| file.display().to_string().contains("before-restore")).unwrap();
    for (file, paid) in [(&before, 1), (&folder.join("farebox.db"), 0)] {
        let db = Db::sqlite_read_only(file).unwrap();
        let row = db.one("SELECT COUNT(*) FROM call WHERE state = 'charged'", &[]).await.unwrap();
        assert_eq!(row.unwrap().get::<i64>(0), Ok(paid), "{}", file.display());
    }
    assert!(command(folder, &place, &["check-ledger"]).0);
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("partial")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_refuses_what_is_no_backup_of_this_release_or_does_not_balance() {
    let place = TestDb::sqlite().await;
    let shop = Shop::open(&place, "0.5").await;
    let (folder, copies) = (shop.folder.path(), tempfile::tempdir().unwrap());
    let file = |name: &str| copies.path().join(name);
    let before = std::fs::read(folder.join("farebox.db")).unwrap();
    let refused = |name: &str, why: &str| {
        let (ok, text) = command(folder, &place, &["restore", file(name).to_str().unwrap()]);
        assert!(!ok && text.contains(why), "{name}: {text}");
        assert_eq!(std::fs::read(folder.join("farebox.db")).unwrap(), before, "{name} changed the database");
    };
    refused("missing", "is no file");
    std::fs::write(file("text"), "not a database, however long it may be".repeat(200)).unwrap();
    refused("text", "not a database");
    std::fs::write(file("empty"), "").unwrap();
    refused("empty", "none of Farebox");
    for (name, statement) in [
        ("newer", "INSERT INTO schema_migration (name, checksum) VALUES ('9999_later.sql', 'x')"),
        ("other", "UPDATE schema_migration SET checksum = 'x' WHERE name LIKE '0001%'"),
        ("unbalanced", "UPDATE balance SET posted = posted + 1"),
    ] {
        let (ok, text) = command(folder, &place, &["backup", file(name).to_str().unwrap()]);
        assert!(ok, "{text}");
        change(&file(name), statement).await;
    }
    refused("newer", "of a later release");
    refused("other", "another migration");
    refused("unbalanced", "do NOT balance");
    std::fs::write(folder.join("secret.key"), "00".repeat(32)).unwrap();
    let sound = file("sound");
    assert!(command(folder, &place, &["backup", sound.to_str().unwrap()]).0);
    let (ok, text) = command(folder, &place, &["restore", sound.to_str().unwrap()]);
    assert!(ok && text.contains("will NOT start") && text.contains("another secret key"), "{text}");
}

#[test]
fn on_postgresql_both_name_the_programs_that_do_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, program) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_farebox"));
        command.args([name, "file", "--database-url", "postgres://nobody@127.0.0.1:1/none", "--data-dir"]);
        let output = command.arg(folder.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(program) && text.contains("PostgreSQL"), "{text}");
    }
}
