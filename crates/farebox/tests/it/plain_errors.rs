//! What clients are told of bad input: in plain English, with the field and the rule, and no word of a library.

use crate::auth::{ADA, person};
use farebox_testkit::app::{Agent, Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::{Value, json};

/// Words of decoders and of our own code that mean nothing to a client.
const LIBRARY_WORDS: [&str; 10] =
    ["invalid type", "invalid value", "variant", "UUID parsing", "serde", "`", "expected", "struct", "EOF", "u32"];

fn said(got: &Got, field: &str) -> String {
    let message = got.at("/message");
    assert_eq!(got.at("/field"), field, "{}", got.text);
    assert!(message.starts_with(field), "{message}");
    for word in LIBRARY_WORDS {
        assert!(!message.contains(word), "{message}");
    }
    message
}

fn asks(agent: &Agent) -> Vec<(Ask, &'static str, &'static str)> {
    let default = "/organizations/default";
    let uuid = "must be a UUID such as";
    let method = |method: Method, path: &str, body: Value| Ask::new(method, path).json(body);
    let asks = [
        (method(Method::DELETE, "/sessions/not-an-id", json!({})), "session_id", uuid),
        (method(Method::DELETE, &format!("{default}/api-keys/7"), json!({})), "key_id", uuid),
        (Ask::get(format!("{default}/oauth/providers/x")), "provider_id", uuid),
        (Ask::get("/organizations/x/members"), "organization_id", "must be a UUID or the word \"default\""),
        (Ask::get(format!("{default}/audit-logs?actor_id=me")), "actor_id", uuid),
        (Ask::get(format!("{default}/audit-logs?limit=abc")), "limit", "must be an integer"),
        (Ask::get(format!("{default}/audit-logs?limit=0")), "limit", "must be from 1 to 100"),
        (
            Ask::get(format!("{default}/audit-logs?limit=99999999999999999999")),
            "limit",
            "must be an integer with fewer digits",
        ),
        (Ask::get(format!("{default}/audit-logs?offset=-1")), "offset", "must not be negative"),
        (Ask::get(format!("{default}/audit-logs?status=odd")), "status", "must be success, failure or denied"),
        (Ask::post(format!("{default}/api-keys"), json!({ "name": 5 })), "name", "must be a string, not an integer"),
        (
            Ask::post(format!("{default}/api-keys"), json!({ "name": "a", "key_type": "robot" })),
            "key_type",
            "must be one of user, agent",
        ),
        (
            Ask::post(format!("{default}/api-keys"), json!({ "name": "a", "expires_in_days": "1" })),
            "expires_in_days",
            "must be an integer, not a string",
        ),
        (
            Ask::post(format!("{default}/api-keys"), json!({ "name": "a", "agent_identity_id": "zz" })),
            "agent_identity_id",
            uuid,
        ),
    ];
    asks.into_iter().map(|(ask, field, rule)| (ask.key(&agent.key), field, rule)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_in_plain_english_with_field_rule_and_permitted_values() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Prober").await;
    for (ask, field, rule) in asks(&agent) {
        let got = app.expect(&ask, 400).await;
        let message = said(&got, field);
        assert!(message.contains(rule), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_that_is_no_picture_is_refused_without_the_words_of_its_decoder() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Seller").await;
    let (_, id) = app.list(&agent, "pictured", "0.01").await;
    let upload = |content_type: &str, logo: &str| {
        let body = json!({ "content_type": content_type, "logo": logo });
        Ask::post(format!("/organizations/default/publishers/{id}/logo"), body).key(&agent.key)
    };
    // The beginnings of pictures: the right first bytes, and then nothing.
    for (content_type, logo, field) in [
        ("image/png", "iVBORw0KGgoAAAANSUhEUgAAAAE=", "logo"),
        ("image/jpeg", "/9j/4AAQSkZJRgABAQ==", "logo"),
        ("image/webp", "UklGRhAAAABXRUJQVlA4IA==", "logo"),
        ("image/svg+xml", "PHN2Zz48", "logo"),
        ("image/png", "no base64!", "logo"),
        ("image/gif", "AAAA", "content_type"),
    ] {
        let got = app.expect(&upload(content_type, logo), 400).await;
        let message = said(&got, field);
        assert!(message.contains("must be"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_in_the_place_of_an_access_token_is_told_where_it_belongs() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let tokens = person(&app, ADA).await;
    let got = app.expect(&Ask::get("/auth/me").key(&tokens.refresh), 401).await;
    assert_eq!(got.at("/error"), "refresh_token_sent");
    assert!(got.at("/message").contains("/auth/refresh") && !got.text.contains(&tokens.refresh), "{}", got.text);
    // Nothing was done to it.
    app.expect(&Ask::post("/auth/refresh", json!({ "refresh_token": tokens.refresh })), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plus_sign_of_a_time_may_stand_in_a_query_as_it_is() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Prober").await;
    let total = async |query: &str| {
        let ask = Ask::get(format!("/organizations/default/audit-logs?{query}")).key(&agent.key);
        app.expect(&ask, 200).await.at("/data/total").parse::<i64>().unwrap()
    };
    let all = total("").await;
    assert!(all > 0);
    assert_eq!(total("start_date=2020-01-01T00:00:00+02:00&end_date=2999-01-01T00:00:00%2B02:00").await, all);
    assert_eq!(total("end_date=2020-01-01T00:00:00+02:00").await, 0);
}
