//! People through the whole server: sign-up to sign-out, their mails, and what must not get out.

mod enumeration;
mod flow;
mod mail_server;
mod outbox;
mod record;
mod secrets;
mod sign_in_page;
mod two_servers;

use farebox_testkit::app::{Ask, Got, TestApp};
use serde_json::json;
use std::time::Duration;

pub const PASSWORD: &str = "correct horse battery";
pub const ADA: &str = "ada@example.com";

/// The tokens of a person who has signed in.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(got: &Got) -> Self {
        Self { access: got.at("/data/access_token"), refresh: got.at("/data/refresh_token") }
    }
}

pub fn sign_up(email: &str) -> Ask {
    sign_up_with(email, PASSWORD)
}

pub fn sign_up_with(email: &str, password: &str) -> Ask {
    Ask::post("/auth/signup", json!({ "email": email, "password": password, "name": "Ada" }))
}

pub fn login(email: &str, password: &str) -> Ask {
    Ask::post("/auth/login", json!({ "email": email, "password": password }))
}

/// The token of the newest mail to an address with that in its subject, once it is in the server's outbox folder.
pub async fn mailed(folder: &std::path::Path, to: &str, subject: &str) -> String {
    let outbox = farebox_mail::Folder::new(folder.join("outbox"), "no-reply@example.com").unwrap();
    for _ in 0..400 {
        let mails = outbox.latest(100).unwrap();
        if let Some(mail) = mails.iter().find(|mail| mail.to == to && mail.subject.contains(subject)) {
            let (_, rest) = mail.text.split_once("#token=").unwrap();
            return rest.split('\n').next().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no mail {subject:?} to {to} within ten seconds");
}

/// Signs up and follows the mail.
pub async fn person(app: &TestApp, email: &str) -> Tokens {
    app.expect(&sign_up(email), 201).await;
    let token = mailed(&app.folder(), email, "Confirm").await;
    Tokens::of(&app.expect(&Ask::post("/auth/verify-email", json!({ "token": token })), 200).await)
}
