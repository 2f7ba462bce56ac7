//! Mails at a real SMTP server, and their links in a real browser.

use super::{ADA, login, sign_up};
use crate::npm::{Scripts, chromium, said};
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

static SCRIPTS: Scripts = Scripts::new("mail", "npm-mail");

/// A mail server, ended when dropped.
struct MailServer {
    child: Child,
    said: UnboundedReceiver<Value>,
    url: String,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl MailServer {
    /// `None`, after one SKIPPED line, where node or the package is not to be had.
    async fn start(refuse_first: u32) -> Option<Self> {
        let mut command = SCRIPTS.command("server.mjs")?;
        command.env("REFUSE_FIRST", refuse_first.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, mut said) = unbounded_channel::<Value>();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        let port = said.recv().await.unwrap()["port"].as_u64().unwrap();
        let url = format!("smtp://farebox:mail-password@127.0.0.1:{port}");
        Some(Self { child, said, url })
    }

    /// The next mail.
    async fn mail(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(30), self.said.recv()).await.expect("a mail").unwrap()
    }

    fn settings(&self) -> [(&str, &str); 2] {
        [("mail.smtp_url", &self.url), ("mail.from", "Farebox <no-reply@example.com>")]
    }
}

/// The link in a mail, put together again where the encoding broke its line.
fn link(mail: &Value) -> String {
    let raw = mail["raw"].as_str().unwrap().replace("=\r\n", "").replace("=3D", "=");
    raw.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned()
}

fn token(link: &str) -> &str {
    link.split_once("#token=").unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_at_a_mail_server_and_their_links_work() {
    for place in TestDb::all().await {
        let Some(mut server) = MailServer::start(0).await else { return };
        let app = TestApp::start(&place, &server.settings()).await;
        app.expect(&sign_up(ADA), 201).await;
        let mail = server.mail().await;
        assert_eq!((&mail["from"], &mail["to"]), (&json!("no-reply@example.com"), &json!([ADA])));
        let raw = mail["raw"].as_str().unwrap();
        for header in ["From: Farebox <no-reply@example.com>", "To: ada@example.com", "Subject: Farebox: Confirm"] {
            assert!(raw.contains(header), "{header}\n{raw}");
        }
        let link_of_mail = link(&mail);
        assert!(link_of_mail.starts_with(&format!("{}/verify-email#token=", app.base)));
        app.expect(&Ask::get("/verify-email"), 200).await;
        let verify = Ask::post("/auth/verify-email", json!({ "token": token(&link_of_mail) }));
        app.expect(&verify, 200).await;

        app.expect(&Ask::post("/auth/forgot-password", json!({ "email": ADA })), 200).await;
        let reset = link(&server.mail().await);
        assert!(reset.starts_with(&format!("{}/reset-password#token=", app.base)));
        let body = json!({ "token": token(&reset), "new_password": "a whole new password" });
        app.expect(&Ask::post("/auth/reset-password", body), 200).await;
        app.expect(&login(ADA, "a whole new password"), 200).await;
        assert!(server.mail().await["raw"].as_str().unwrap().contains("Your password was changed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_the_server_puts_off_arrives_later_and_once() {
    let Some(mut server) = MailServer::start(1).await else { return };
    let app = TestApp::start(&TestDb::sqlite().await, &server.settings()).await;
    app.expect(&sign_up(ADA), 201).await;
    let link = link(&server.mail().await);
    app.expect(&Ask::post("/auth/verify-email", json!({ "token": token(&link) })), 200).await;
    let left = async || {
        let row = app.app.db.one("SELECT COUNT(*) FROM mail_outbox", &[]).await.unwrap().unwrap();
        row.get::<i64>(0).unwrap()
    };
    while left().await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(server.said.try_recv().is_err(), "it came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_work_in_a_browser_and_show_their_token_to_nobody() {
    let Some(mut server) = MailServer::start(0).await else { return };
    let Some(browser) = chromium() else { return };
    let app = TestApp::start(&TestDb::sqlite().await, &server.settings()).await;
    app.expect(&sign_up(ADA), 201).await;
    let verify = link(&server.mail().await);
    let seen = browse(browser, &verify, &json!({})).await;
    assert!(seen["outcome"].as_str().unwrap().contains("is confirmed"), "{seen}");
    app.expect(&Ask::post("/auth/forgot-password", json!({ "email": ADA })), 200).await;
    let reset = link(&server.mail().await);
    let fill = json!({ "password": "a whole new password", "again": "a whole new password" });
    let also = browse(browser, &reset, &fill).await;
    assert!(also["outcome"].as_str().unwrap().contains("in force"), "{also}");
    app.expect(&login(ADA, "a whole new password"), 200).await;
    for (seen, link) in [(seen, verify), (also, reset)] {
        assert!(!seen["address"].as_str().unwrap().contains("token"), "{seen}");
        assert_eq!(seen["complaints"], json!([]), "the policy stood in the page's way");
        for asked in seen["asked"].as_array().unwrap() {
            let url = asked["url"].as_str().unwrap().split('#').next().unwrap();
            assert!(!url.contains(token(&link)) && asked["referer"] == "", "{asked}");
        }
    }
}

async fn browse(browser: &Path, link: &str, fill: &Value) -> Value {
    let mut command = SCRIPTS.command("browse.mjs").unwrap();
    command.env("BROWSER", browser).env("LINK", link).env("FILL", fill.to_string());
    said(command).await
}
