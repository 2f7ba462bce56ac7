//! Input: what fits is read, what does not is refused with its field and its rule.

use crate::demo::{Demo, request};
use farebox_api_kit::{empty, full};
use serde_json::json;

const THING: &str = "/things/00000000-0000-7000-8000-000000000001";

/// Sends a body that must be refused; returns its field and its message.
async fn refused(body: &str) -> (String, String) {
    let answer = Demo::new().call("POST", "/things", body).await;
    assert_eq!(answer.status, 400, "{body}");
    let text = |member: &str| answer.json()[member].as_str().unwrap().to_owned();
    (text("field"), text("message"))
}

#[tokio::test]
async fn a_body_of_the_wrong_form_names_field_and_expectation() {
    for (body, field, message) in [
        (r#"{"id":"a"}"#, "price_per_call", "price_per_call is required"),
        (r#"{"id":"a","price_per_call":5}"#, "price_per_call", "price_per_call must be a string, not an integer"),
        (r#"{"id":"a","id":"b"}"#, "id", "id must be given once"),
        (r#"{"id":"a","price_per_call":"1","endpoints":[{}]}"#, "endpoints.0.path", "endpoints.0.path is required"),
        (
            r#"{"id":"a","price_per_call":"1","endpoints":[{"path":"/"},{"path":null}]}"#,
            "endpoints.1.path",
            "endpoints.1.path must be a string, not null",
        ),
        (r#"{"id":"a","price_per_call":"1","copies":300}"#, "copies", "copies must be an integer from 0 to 255"),
        ("[]", "body", "body must be an object, not an array"),
        ("5", "body", "body must be an object, not an integer"),
        (r#"{"id":"a","price_per_call":"1","endpoints":{}}"#, "endpoints", "endpoints must be an array, not an object"),
        ("", "body", "body is required and must be JSON"),
    ] {
        let got = refused(body).await;
        assert_eq!((got.0.as_str(), got.1.as_str()), (field, message), "{body}");
    }
}

#[tokio::test]
async fn bad_json_names_line_and_column() {
    let (field, message) = refused("{\"id\":\"a\",\n  oops}").await;
    assert_eq!(field, "body");
    assert_eq!(message, "body must be JSON, and is none at line 2, column 3");
    let (_, trailing) = refused(r#"{"id":"a","price_per_call":"1"} x"#).await;
    assert!(trailing.ends_with("nothing may follow the value"), "{trailing}");
    let (_, cut) = refused(r#"{"id":"a""#).await;
    assert_eq!(cut, "body must be whole JSON: it breaks off at line 1, column 9");
}

#[tokio::test]
async fn an_error_repeats_nothing_that_was_sent_and_stays_short() {
    let long = "x".repeat(3_000);
    let (_, message) = refused(&format!(r#"{{"id":"a","price_per_call":"1","copies":"{long}"}}"#)).await;
    assert_eq!(message, "copies must be an integer from 0 to 255, not a string");
    let (_, unknown) =
        refused(&format!(r#"{{"id":"a","price_per_call":"1","endpoints":[{{"path":"/","method":"{long}"}}]}}"#)).await;
    assert_eq!(unknown, "endpoints.0.method must be one of GET, POST");
}

#[tokio::test]
async fn json_is_read_whatever_its_content_type_says() {
    let demo = Demo::new();
    let body = full(r#"{"id":"a","price_per_call":"1"}"#);
    let request =
        request("POST", "/things").header("authorization", "Bearer boss").header("content-type", "text/plain");
    assert_eq!(demo.send(request.body(body).unwrap()).await.status, 201);
}

#[tokio::test]
async fn an_optional_body_may_be_absent_but_not_wrong() {
    let demo = Demo::new();
    let path = format!("{THING}/t");
    assert_eq!(demo.call("PATCH", &path, "").await.json(), json!({ "thing": "t", "note": null }));
    assert_eq!(demo.call("PATCH", &path, r#"{"text":"n"}"#).await.json()["note"], "n");
    assert_eq!(demo.call("PATCH", &path, "{}").await.json()["field"], "text");
}

#[tokio::test]
async fn query_texts_are_read_as_their_type_says_and_never_guessed() {
    let demo = Demo::new();
    let note = async |query: &str| {
        demo.call("GET", &format!("/things?{query}"), "").await.json()["data"][0]["note"].as_str().unwrap().to_owned()
    };
    assert_eq!(note("").await, "None None [] None None");
    assert_eq!(note("search=123&unknown=1&unknown=2&&x").await, r#"Some("123") None [] None None"#);
    assert_eq!(note("search=a+b%26c%C3%A9&limit=7").await, r#"Some("a b&cé") Some(7) [] None None"#);
    assert_eq!(note("tags=a&tags=b&has_more=true&verb=POST").await, r#"None None ["a", "b"] Some(true) Some(Post)"#);
    assert_eq!(note("search=").await, r#"Some("") None [] None None"#);
}

#[tokio::test]
async fn a_query_parameter_that_does_not_fit_is_named_with_its_rule() {
    let demo = Demo::new();
    for (query, field, message) in [
        ("limit=abc", "limit", "limit must be an integer from 0 to 65535"),
        ("limit=65536", "limit", "limit must be an integer from 0 to 65535"),
        ("limit=%2B5", "limit", "limit must be an integer from 0 to 65535"),
        ("limit=1.0", "limit", "limit must be an integer from 0 to 65535"),
        ("limit=", "limit", "limit must be an integer from 0 to 65535"),
        ("limit=1&limit=2", "limit", "limit must be given once"),
        ("search=a&search=b", "search", "search must be given once"),
        ("has_more=1", "has_more", "has_more must be true or false"),
        ("verb=TRACE", "verb", "verb must be one of GET, POST"),
        ("search=a%00", "search", "search must not contain NUL"),
        ("search=%FF", "search", "search must be UTF-8 once percent-decoded"),
    ] {
        let answer = demo.call("GET", &format!("/things?{query}"), "").await;
        let body = answer.json();
        assert_eq!(
            (answer.status, body["field"].as_str(), body["message"].as_str()),
            (400, Some(field), Some(message)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn path_parts_are_decoded_once_and_checked() {
    let demo = Demo::new();
    let thing = demo.call("GET", &format!("{THING}/a%2Fb%2520c"), "").await.json();
    assert_eq!(thing["data"]["id"], "a/b%20c");
    assert_eq!(thing["data"]["note"], "00000000-0000-7000-8000-000000000001");
    for (path, field) in [("/things/no-uuid/t", "organization_id"), ("/number/256", "n"), ("/pair/a/b", "b")] {
        let answer = demo.call("GET", path, "").await;
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!(field)), "{path}");
    }
    let broken = demo.call("GET", &format!("{THING}/%ff"), "").await;
    assert_eq!((broken.status, &broken.json()["field"]), (400, &json!("thing_id")));
    assert_eq!(demo.call("GET", "/pair/x/-4", "").await.json(), json!(["x", -4]));
}

#[tokio::test]
async fn headers_reach_handlers_typed_or_whole() {
    let demo = Demo::new();
    let me = demo.send(request("GET", "/me").header("user-agent", "probe/1").body(empty()).unwrap()).await;
    assert_eq!(me.json()["agent"], "probe/1");
    let twice = request("POST", "/things")
        .header("authorization", "Bearer boss")
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    let answer = demo.send(twice.body(full("{}")).unwrap()).await;
    assert_eq!(answer.json()["message"], "Idempotency-Key must be given once");
}
