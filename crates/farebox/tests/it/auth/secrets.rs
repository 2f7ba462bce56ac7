//! No token and no password in the log or in the files of the database, whatever is logged.

use super::{ADA, PASSWORD, Tokens, login, mailed, sign_up};
use crate::process::{client, free_port};
use farebox_testkit::app::{Ask, Got};
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything in a folder and below, but for the outbox, which is where mails are meant to be read.
fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("outbox") {
                all.extend(bytes_of(&path));
            }
        } else {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_passwords_are_in_no_log_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (port, log_file) = (free_port(), folder.path().join("log"));
    let (client, base, data) = (client(port), format!("http://127.0.0.1:{port}"), folder.path().join("data"));
    let log = std::fs::File::create(&log_file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(&data);
    command.env("FAREBOX_LOG", "trace").stdout(Stdio::from(log.try_clone().unwrap())).stderr(Stdio::from(log));
    let running = Running(command.spawn().unwrap());
    for _ in 0..600 {
        if Ask::get("/health").send(&client, &base).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ask = async |ask: Ask| -> Got { ask.send(&client, &base).await.unwrap() };
    assert_eq!(ask(sign_up(ADA)).await.status, 201);
    let verify = mailed(&data, ADA, "Confirm").await;
    let first = Tokens::of(&ask(Ask::post("/auth/verify-email", json!({ "token": verify }))).await);
    let second = Tokens::of(&ask(login(ADA, PASSWORD)).await);
    let refreshed = ask(Ask::post("/auth/refresh", json!({ "refresh_token": second.refresh }))).await;
    let third = Tokens::of(&refreshed);
    assert_eq!(ask(Ask::get("/auth/me").key(&third.access)).await.status, 200);
    assert_eq!(ask(Ask::post("/auth/forgot-password", json!({ "email": ADA }))).await.status, 200);
    let reset = mailed(&data, ADA, "new password").await;
    let body = json!({ "token": reset, "new_password": "a whole new password" });
    assert_eq!(ask(Ask::post("/auth/reset-password", body)).await.status, 200);
    assert_eq!(ask(login(ADA, "a wrong password here")).await.status, 401);
    drop(running);

    let (log, files) = (std::fs::read(&log_file).unwrap(), bytes_of(&data));
    assert!(holds(&log, "/auth/login") && holds(&files, "SQLite format 3"), "both were looked at");
    let mut secrets = vec![PASSWORD.to_owned(), "a whole new password".into(), "a wrong password here".into()];
    secrets.extend([verify, reset]);
    for tokens in [first, second, third] {
        secrets.extend(tokens.access.split('.').skip(2).map(str::to_owned));
        secrets.extend([tokens.access[20..60].to_owned(), tokens.refresh[40..80].to_owned()]);
    }
    for secret in secrets {
        assert!(secret.len() > 12 && !holds(&log, &secret), "the log holds {secret}");
        assert!(!holds(&files, &secret), "a file holds {secret}");
    }
}
