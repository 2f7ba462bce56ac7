//! What an operator gets wrong on the command line, and what must not be lost or left behind by it.

use crate::command::{farebox, text};
use crate::process::{Shop, command};
use farebox_testkit::engines::TestDb;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a command that must fail with the status of trouble; answers what it said.
fn refused(arguments: &[&str]) -> String {
    let output = farebox(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn assert_says(said: &str, words: &[&str]) {
    assert!(words.iter().all(|word| said.contains(word)), "{words:?} in: {said}");
    assert!(!said.contains("try again") && !said.contains("hunter2"), "{said}");
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn new_book(data: &str) {
    let made = farebox(&["admin", "create-key", "--owner", "me", "--data-dir", data]);
    assert!(made.status.success(), "{}", text(&made));
}

#[test]
fn an_empty_url_on_the_command_line_is_not_the_embedded_database() {
    assert_says(&refused(&["config", "--database-url", ""]), &["--database-url is empty"]);
}

#[test]
fn urls_that_cannot_work_are_refused_when_the_configuration_is_read() {
    for (end, words) in [
        ("h/b?sslmode=on", "wrong sslmode: it must be one of disable"),
        ("h1,,h2/b", "empty host"),
        ("h/b?target_session_attrs=standby", "wrong target_session_attrs"),
    ] {
        let said = refused(&["config", "--database-url", &format!("postgres://me:hunter2@{end}")]);
        assert_says(&said, &["database.url", words]);
    }
}

#[test]
fn a_check_of_what_is_not_there_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_says(&refused(&["check-ledger", "--data-dir", data]), &["there is no database at", "farebox.db"]);
    std::fs::write(folder.path().join("farebox.db"), "").unwrap();
    assert_says(&refused(&["check-ledger", "--data-dir", data]), &["no Farebox schema", "farebox migrate"]);
    let nowhere = refused(&["check-ledger", "--database-url", "postgres://me:hunter2@127.0.0.1:1,127.0.0.1:2/b"]);
    assert_says(&nowhere, &["no connection to PostgreSQL at 127.0.0.1:1, 127.0.0.1:2: "]);
    assert_eq!(nowhere.matches("refused").count(), 1, "{nowhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_which_one_to_stop_and_a_backup_spares_what_that_one_uses() {
    let place = TestDb::sqlite().await;
    let shop = Shop::open(&place, "0.5").await;
    let server = shop.serve(&[]).await;
    let (folder, pid) = (shop.folder.path(), format!("pid {}", server.pid()));
    for arguments in [&["migrate"] as &[&str], &["admin", "credit", "--owner", "buyer", "--amount", "1"]] {
        let (ok, said) = command(folder, &place, arguments);
        assert!(!ok);
        assert_says(&said, &["in use by another process", &pid, "stop that process first"]);
    }

    std::fs::hard_link(folder.join("farebox.db"), folder.join("other")).unwrap();
    std::os::unix::fs::symlink(folder.join("farebox.db-wal"), folder.join("link")).unwrap();
    std::fs::write(folder.join("letter"), "not a database, and dear to somebody").unwrap();
    for (name, words) in [
        ("farebox.db", "the database itself"),
        ("other", "the database itself"),
        ("farebox.db-wal", "belongs to the database"),
        ("link", "belongs to the database"),
        ("farebox.db-shm", "belongs to the database"),
        ("farebox.db-journal", "belongs to the database"),
        ("farebox.db.lock", "belongs to the database"),
        ("secret.key", "secret key"),
        ("letter", "no SQLite database"),
    ] {
        let (ok, said) = command(folder, &place, &["backup", &path(folder, name), "--force"]);
        assert!(!ok && said.contains(words), "{name}: {said}");
    }
    let (ok, said) = command(folder, &place, &["backup", &path(folder, "nowhere/copy")]);
    assert!(!ok && said.contains("there is no folder") && said.contains("nowhere; make it first"), "{said}");
    assert!(!said.contains("partial"), "{said}");
}

#[test]
fn a_start_with_another_key_leaves_none_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    new_book(data);
    let key = folder.path().join("secret.key");
    std::fs::remove_file(&key).unwrap();
    std::fs::hard_link(folder.path().join("farebox.db"), folder.path().join("other.db")).unwrap();
    let said = refused(&["serve", "--data-dir", data, "--listen", "127.0.0.1:0"]);
    assert_says(&said, &["another secret key", "several names (hard links)"]);
    assert!(!key.exists(), "a key of no use was left");
}

#[test]
fn a_server_says_where_its_books_are_and_logs_its_start_and_its_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_farebox"));
    server.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path());
    let mut server = server.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let book = folder.path().canonicalize().unwrap().join("farebox.db");
    assert!(first.contains(&format!("books in {}", book.display())), "{first}");
    assert!(Command::new("kill").arg(server.id().to_string()).status().unwrap().success());
    let output = server.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && log.contains("started") && log.contains("nothing is left open"), "{log}");
}

#[test]
fn a_restore_that_fails_leaves_no_folder_and_one_that_works_keeps_the_old_books_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (junk, copy) = (path(folder.path(), "junk"), path(folder.path(), "copy"));
    std::fs::write(&junk, "no database").unwrap();
    let said = refused(&["restore", &junk, "--data-dir", &path(folder.path(), "new/data")]);
    assert_says(&said, &["not a database"]);
    assert!(!folder.path().join("new").exists(), "folders were left");

    let data = path(folder.path(), "data");
    new_book(&data);
    assert!(farebox(&["backup", &copy, "--data-dir", &data]).status.success());
    let book = folder.path().join("data/farebox.db");
    std::fs::set_permissions(&book, std::fs::Permissions::from_mode(0o644)).unwrap();
    for _ in 0..2 {
        let done = farebox(&["restore", &copy, "--data-dir", &data]);
        assert!(done.status.success(), "{}", text(&done));
    }
    let files = std::fs::read_dir(folder.path().join("data")).unwrap().map(|entry| entry.unwrap());
    let old: Vec<_> = files.filter(|file| file.file_name().to_string_lossy().contains("before-restore-")).collect();
    assert_eq!(old.len(), 2, "two restores in one second keep two databases: {old:?}");
    for file in old {
        let name = file.file_name().into_string().unwrap();
        let time = name.strip_prefix("farebox.db.before-restore-").unwrap();
        assert!(time.len() >= 15 && time.as_bytes()[8] == b'-', "{name}");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn credits_are_positive_bounded_and_for_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let credit =
        |owner, amount| refused(&["admin", "credit", "--owner", owner, "--amount", amount, "--data-dir", data]);
    for amount in ["-5", "-0.5", "0"] {
        assert_says(&credit("me", amount), &["must be greater than zero"]);
    }
    for amount in ["1000000000.000001", "9000000000000", "99999999999999999999"] {
        assert_says(&credit("me", amount), &["at most 1000000000 USDC"]);
    }
    assert_says(&credit("nobody", "1"), &["no owner \"nobody\"", "owner_id", "default_organization_id", "0x"]);
}

#[test]
fn help_names_what_new_users_look_for() {
    assert!(text(&farebox(&["serve", "--help"])).contains("FAREBOX_NET_ALLOW"));
    assert!(text(&farebox(&["check-ledger", "--help"])).contains("Exit status: 0"));
}
