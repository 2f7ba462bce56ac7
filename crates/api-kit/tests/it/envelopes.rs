//! Errors: one shape per door, and nothing internal in any of them.

use crate::demo::{Answer, Demo, request};
use farebox_api_kit::empty;
use serde_json::{Value, json};

fn assert_is_json_error(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.header("x-request-id").is_empty());
}

#[tokio::test]
async fn the_platform_tells_code_message_field_and_request() {
    let demo = Demo::new();
    let answer = demo.stranger("POST", "/fail/field").await;
    assert_is_json_error(&answer);
    let want = json!({
        "error": "invalid_request", "message": "endpoints.0.path must begin with a slash",
        "field": "endpoints.0.path", "request_id": answer.header("x-request-id"),
    });
    assert_eq!((answer.status, answer.json()), (400, want));
    let conflict = demo.call("POST", "/things", r#"{"id":"taken","price_per_call":"1"}"#).await;
    assert_eq!((conflict.status, &conflict.json()["error"]), (409, &json!("id_taken")));
}

#[tokio::test]
async fn the_marketplace_tells_a_detail_and_nothing_else() {
    let demo = Demo::new();
    for (method, path, status, detail) in [
        ("GET", "/api/v1/services/x", 404, "Service not found"),
        ("GET", "/api/v1/nowhere", 404, "Not Found"),
        ("GET", "/api/v1", 404, "Not Found"),
        ("PUT", "/health", 405, "Method Not Allowed"),
        ("GET", "/api/v1/admin/stats", 401, "API key required"),
    ] {
        let answer = demo.stranger(method, path).await;
        assert_is_json_error(&answer);
        assert_eq!((answer.status, answer.json()), (status, json!({ "detail": detail })), "{path}");
    }
}

#[tokio::test]
async fn the_sql_gateway_tells_an_error_sentence() {
    let demo = Demo::new();
    let answer = demo.stranger("GET", "/api/nowhere").await;
    assert_is_json_error(&answer);
    assert_eq!((answer.status, answer.json()), (404, json!({ "error": "Path not found" })));
    let flood = demo.send(request("POST", "/api/query").header("x-flood", "1").body(empty()).unwrap()).await;
    assert_eq!((flood.status, flood.json()), (429, json!({ "error": "Too many requests", "retryAfter": 900 })));
    assert_eq!((flood.header("retry-after"), flood.header("x-ratelimit-limit")), ("900", "20"));
}

#[tokio::test]
async fn each_door_says_what_a_call_needs_and_what_there_is() {
    let demo = Demo::new();
    let platform = demo.stranger("POST", "/fail/poor").await.json();
    assert_eq!((&platform["minimumRequired"], &platform["currentBalance"]), (&json!("0.05"), &json!("0.000001")));
    let marketplace = demo.stranger("GET", "/api/v1/services/poor").await;
    assert_eq!((marketplace.status, &marketplace.json()["currentBalance"]), (402, &json!("0")));
    let sql = demo.stranger("POST", "/api/query").await;
    let body = sql.json();
    assert_eq!((sql.status, &body["minimumRequired"]), (402, &json!("0.050000")));
    assert_eq!((&body["currentBalance"], &body["depositEndpoint"]), (&json!("0.000007"), &json!("/api/deposit")));
}

#[tokio::test]
async fn internal_causes_stay_inside_and_panics_become_500() {
    let demo = Demo::new();
    for how in ["panic", "internal"] {
        let answer = demo.stranger("POST", &format!("/fail/{how}")).await;
        assert_is_json_error(&answer);
        assert_eq!((answer.status, &answer.json()["error"]), (500, &json!("internal")));
        let text = answer.text();
        assert!(!text.contains("hunter2") && !text.contains("wheel"), "{text}");
    }
    let away = demo.stranger("POST", "/fail/unavailable").await;
    assert_eq!((away.status, &away.json()["message"]), (503, &json!("The database is away")));
    assert!(!away.text().contains("refused"));
}

#[tokio::test]
async fn an_unknown_path_is_answered_by_the_door_it_would_belong_to() {
    let demo = Demo::new();
    for (path, member) in [
        ("/api/v1/x", "detail"),
        ("/admin/dashboard/x", "detail"),
        ("/health/x", "detail"),
        ("/api/v2", "error"),
        ("/api", "error"),
        ("/healthy", "request_id"),
        ("/admin", "request_id"),
        ("/organizations", "request_id"),
    ] {
        let answer = demo.stranger("GET", path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_ne!(answer.json()[member], Value::Null, "{path}");
    }
}
