//! What the log and the counters show of a request, and what they must not.

use crate::demo::{App, Demo, Lines, operations, request};
use farebox_api_kit::{Dispatcher, Settings, empty, full};
use prometheus::{Encoder, TextEncoder};
use std::time::Duration;

#[tokio::test]
async fn each_request_leaves_one_access_line_without_secrets() {
    let (demo, lines) = (Demo::new(), Lines::start());
    let request = request("POST", "/things?token=q-secret").header("authorization", "Bearer boss");
    let body = full(r#"{"id":"b-secret","price_per_call":"1"}"#);
    demo.send(request.header("x-request-id", "r1").body(body).unwrap()).await;
    let text = lines.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in [
        " access: ",
        "method=\"POST\"",
        "path=\"/things\"",
        "status=201",
        "latency_us=0",
        "request_id=\"r1\"",
        "door=\"platform\"",
        "op=\"thing_create\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("secret") && !text.contains("boss"), "{text}");
}

#[tokio::test]
async fn the_cause_of_a_500_is_logged_once_with_the_request_id() {
    let (demo, lines) = (Demo::new(), Lines::start());
    demo.send(request("POST", "/fail/internal").header("x-request-id", "r2").body(empty()).unwrap()).await;
    demo.stranger("POST", "/fail/unavailable").await;
    demo.stranger("POST", "/fail/field").await;
    let text = lines.text();
    let errors: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    assert!(errors[0].contains("hunter2") && errors[0].contains("request_id=\"r2\""), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("WARN") && line.contains("connection refused")).count(), 1);
}

#[tokio::test]
async fn counters_know_operation_door_and_class() {
    let settings = Settings::default();
    let registry = settings.registry.clone();
    let demo = Demo::with(settings);
    demo.call("GET", "/things", "").await;
    demo.stranger("GET", "/things").await;
    demo.stranger("GET", "/api/v1/none").await;
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for line in [
        r#"farebox_requests_total{door="platform",operation="thing_list",status_class="2xx"} 1"#,
        r#"farebox_requests_total{door="platform",operation="thing_list",status_class="4xx"} 1"#,
        r#"farebox_requests_total{door="marketplace",operation="unmatched",status_class="4xx"} 1"#,
        r#"farebox_request_seconds_count{door="platform",operation="thing_list"} 2"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_request_whose_client_went_away_is_logged_with_499() {
    let (demo, lines) = (Demo::new(), Lines::start());
    let pieces = futures_util::stream::pending::<Result<http_body::Frame<bytes::Bytes>, farebox_api_kit::BoxError>>();
    let body = http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(pieces));
    let request = request("POST", "/things").header("authorization", "Bearer boss").body(body).unwrap();
    let waiting = Box::pin(demo.doors.handle(request, ([127, 0, 0, 1], 1).into()));
    let gone = futures_util::future::select(waiting, std::future::ready(())).await;
    demo.app.clock.advance(Duration::from_millis(5));
    drop(gone);
    let text = lines.text();
    assert!(text.contains("status=499 latency_us=5000"), "{text}");
}

#[test]
fn two_dispatchers_cannot_share_a_registry_in_silence() {
    let settings = Settings::default();
    assert!(Dispatcher::with_settings(App::new(), operations(), settings.clone()).is_ok());
    assert!(Dispatcher::with_settings(App::new(), operations(), settings).is_err());
}
