//! Outputs: each type fixes its status, its form and its headers.

use crate::demo::{Demo, request};
use farebox_api_kit::empty;
use serde_json::json;

const THING: &str = "/things/00000000-0000-7000-8000-000000000001/t1";

#[tokio::test]
async fn types_of_outputs_fix_status_and_envelope() {
    let demo = Demo::new();
    let page = demo.call("GET", "/things", "").await;
    assert_eq!((page.status, page.header("content-type")), (200, "application/json"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let pagination = json!({ "total": 3, "count": 1, "limit": 1, "offset": 0, "has_more": true });
    assert_eq!(page.json()["pagination"], pagination);
    let created = demo.call("POST", "/things", r#"{"id":"t","price_per_call":"0.05"}"#).await;
    assert_eq!((created.status, &created.json()["data"]["id"]), (201, &json!("t")));
    assert_eq!(demo.call("POST", "/things/default/jobs", "").await.status, 202);
    let gone = demo.call("DELETE", THING, "").await;
    assert_eq!((gone.status, gone.body.len(), gone.header("content-type")), (204, 0, ""));
}

#[tokio::test]
async fn a_prebuilt_reply_keeps_its_media_type_and_location() {
    let demo = Demo::new();
    let export = demo.call("GET", "/things/default/export", "").await;
    assert_eq!((export.header("content-type"), export.text().as_str()), ("text/csv", "id\na\n"));
    let login = demo.stranger("GET", "/login").await;
    assert_eq!((login.status, login.header("location")), (302, "https://id.example/sign-in?state=1"));
}

#[tokio::test]
async fn a_handler_can_add_headers_to_any_output() {
    let demo = Demo::new();
    let body = farebox_api_kit::full(r#"{"id":"t","price_per_call":"0.05"}"#);
    let request = request("POST", "/things").header("authorization", "Bearer boss").header("idempotency-key", "k1");
    let created = demo.send(request.body(body).unwrap()).await;
    assert_eq!((created.status, created.header("x-key")), (201, "k1"));
}

#[tokio::test]
async fn replies_carry_the_request_id_of_the_caller_or_a_new_one() {
    let demo = Demo::new();
    let made = demo.stranger("GET", "/me").await;
    let id = made.header("x-request-id");
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!(made.json()["request"], id);
    let send =
        async |id: &str| demo.send(request("GET", "/me").header("x-request-id", id).body(empty()).unwrap()).await;
    assert_eq!(send("trace-1").await.header("x-request-id"), "trace-1");
    for bad in ["", "two words", &"x".repeat(129), "caf\u{e9}"] {
        assert_ne!(send(bad).await.header("x-request-id"), bad, "{bad:?}");
    }
}
