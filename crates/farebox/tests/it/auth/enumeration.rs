//! Whoever asks learns neither from status, nor from body, nor from effort whether an address has an account.

use super::{ADA, login, person, sign_up, sign_up_with};
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// A request about an address.
type AskOf<'a> = &'a dyn Fn(&str) -> Ask;

/// What a reply says, without what differs from one to the next for everybody.
fn said(got: &Got, email: &str) -> (u16, Value) {
    let mut body: Value = serde_json::from_str(&got.text.replace(email, "…")).unwrap();
    for pointer in ["/request_id", "/data/user/id", "/data/user/created_at"] {
        if let Some(value) = body.pointer_mut(pointer) {
            *value = json!("…");
        }
    }
    (got.status.as_u16(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_addresses_get_the_same_answers() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        person(&app, ADA).await;
        app.expect(&sign_up("waiting@example.com"), 201).await;
        let strangers = "a stranger's password";
        let asks: [(u16, AskOf<'_>); 6] = [
            (401, &|email| login(email, "not the password")),
            (200, &|email| Ask::post("/auth/forgot-password", json!({ "email": email }))),
            (200, &|email| Ask::post("/auth/resend-verification", json!({ "email": email }))),
            (201, &|email| sign_up_with(email, strangers)),
            (403, &|email| login(email, strangers)),
            (401, &|email| login(email, "not the password")),
        ];
        for (status, ask) in asks {
            let mut answers = Vec::new();
            for email in [ADA, "waiting@example.com", "nobody@example.com"] {
                answers.push(said(&app.ask(&ask(email)).await, email));
            }
            assert_eq!(answers[2].0, status, "{}", answers[2].1);
            assert_eq!(answers[0], answers[2]);
            assert_eq!(answers[1], answers[2]);
        }
        let agent = app.agent("Vega").await;
        let name =
            |email: &str| Ask::new(http::Method::PATCH, "/auth/agent").json(json!({ "email": email })).key(&agent.key);
        let mut answers = Vec::new();
        for email in [ADA, "new@example.com"] {
            answers.push(said(&app.ask(&name(email)).await, email));
            let me = app.ask(&Ask::get("/auth/me").key(&agent.key)).await;
            answers.push(said(&me, email));
        }
        assert_eq!(answers[..2], answers[2..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_opens_nothing_takes_as_long_for_an_unknown_address() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let strangers = "a stranger's password";
    person(&app, ADA).await;
    for email in [ADA, "waiting@example.com"] {
        app.expect(&sign_up_with(email, strangers), 201).await;
    }
    let asks = [(ADA, "wrong"), ("nobody@example.com", "wrong"), (ADA, strangers), ("waiting@example.com", strangers)];
    let mut took = [const { Vec::new() }; 4];
    // Fewer than are throttled for one address.
    for _ in 0..5 {
        for (times, (email, password)) in took.iter_mut().zip(asks) {
            let start = Instant::now();
            app.expect(&login(email, password), if password == strangers { 403 } else { 401 }).await;
            times.push(start.elapsed());
        }
    }
    let took = took.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!(
        "medians for (known, unknown) addresses: a wrong password {:.1?}, one that waits {:.1?}",
        &took[..2],
        &took[2..]
    );
    assert!(took[0] > Duration::from_millis(4), "no two hashes were worked out");
    for one in took {
        assert!(took.iter().all(|other| one < *other * 2), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_stopped_with_the_time_to_wait_for_any_address() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        person(&app, ADA).await;
        for email in [ADA, "nobody@example.com"] {
            for _ in 0..10 {
                app.expect(&login(email, "not the password"), 401).await;
            }
            let stopped = app.expect(&login(email, super::PASSWORD), 429).await;
            assert_eq!(stopped.at("/error"), "too_many_attempts");
            assert!(stopped.header("retry-after").parse::<u64>().unwrap() > 600);
        }
    }
}
