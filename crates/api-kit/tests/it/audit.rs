//! What the server is told of requests that change something: each once, whatever becomes of it, and no secret.

use crate::demo::{Demo, request};
use farebox_api_kit::{BoxError, empty, full};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;

/// Every documented operation of the demo that changes something and is neither a call nor a query, by method and path.
fn audited() -> Vec<(String, String)> {
    let operations = crate::demo::operations();
    let probes = farebox_api_kit::probes(&operations);
    let row = |id: &str, door| operations.iter().find(|op| op.id == id && op.door == door).unwrap();
    probes
        .into_iter()
        .filter(|probe| row(probe.id, probe.door).is_audited(&probe.method))
        .map(|probe| (probe.method.to_string(), probe.path))
        .collect()
}

#[tokio::test]
async fn every_request_to_an_operation_that_changes_something_is_told_of_once() {
    let audited = audited();
    assert!(audited.len() >= 8, "{audited:?}");
    for (method, path) in audited {
        let demo = Demo::new();
        demo.stranger(&method, &path).await;
        assert_eq!(demo.app.told().len(), 1, "{method} {path} as a stranger: {:?}", demo.app.told());
        let answer = demo.call(&method, &path, "{}").await;
        let told = demo.app.told();
        assert_eq!(told.len(), 2, "{method} {path}: {told:?}");
        assert_eq!(told[1].status, answer.status, "{method} {path}: {told:?}");
    }
}

#[tokio::test]
async fn reading_calls_queries_and_unknown_paths_are_not_told_of() {
    let demo = Demo::new();
    for (method, path) in [
        ("GET", "/things"),
        ("HEAD", "/things"),
        ("POST", "/api/query"),
        ("POST", "/none"),
        ("DELETE", "/things"),
        ("OPTIONS", "/api/query"),
    ] {
        demo.call(method, path, "{}").await;
    }
    assert!(demo.app.told().is_empty(), "{:?}", demo.app.told());
}

#[tokio::test]
async fn what_is_told_says_who_what_and_how_it_ended() {
    let demo = Demo::new();
    demo.call("POST", "/things?token=q-secret", r#"{"id":"made","price_per_call":"1"}"#).await;
    demo.call("POST", "/things", r#"{"id":"b-secret","price_per_call":"1","copies":"b-secret"}"#).await;
    demo.stranger("POST", "/things").await;
    let flood = request("POST", "/things").header("authorization", "Bearer boss").header("x-flood", "1");
    demo.send(flood.body(empty()).unwrap()).await;
    let told = demo.app.told();
    let short: Vec<_> = told
        .iter()
        .map(|one| (one.operation, one.status, one.caller.as_deref().unwrap_or("-"), one.resource.as_deref()))
        .collect();
    let expected = [
        ("thing_create", 201, "boss", Some("made")),
        ("thing_create", 400, "boss", None),
        ("thing_create", 401, "-", None),
        ("thing_create", 429, "boss", None),
    ];
    assert_eq!(short, expected);
    assert_eq!(told[1].refusal.as_deref(), Some("invalid_request: copies breaks a rule"));
    assert!(told.iter().all(|one| !format!("{one:?}").contains("secret")), "{told:?}");
}

#[tokio::test]
async fn a_panic_and_a_client_that_leaves_are_told_of_too() {
    let demo = Demo::new();
    assert_eq!(demo.stranger("POST", "/fail/panic").await.status, 500);
    assert_eq!(demo.app.told()[0].status, 500);
    let pieces = futures_util::stream::pending::<Result<http_body::Frame<bytes::Bytes>, BoxError>>();
    let body = http_body_util::StreamBody::new(pieces).boxed_unsync();
    let request = request("POST", "/things").header("authorization", "Bearer boss").body(body).unwrap();
    let waiting = Box::pin(demo.doors.handle(request, ([127, 0, 0, 1], 1).into()));
    drop(futures_util::future::select(waiting, std::future::ready(())).await);
    let told = demo.app.told();
    assert_eq!((told.len(), told[1].status, told[1].caller.as_deref()), (2, 499, Some("boss")));
}

#[tokio::test]
async fn the_answer_waits_until_its_line_is_kept() {
    let demo = Demo::new();
    let hold = demo.app.hold_audit();
    let body = full(r#"{"id":"made","price_per_call":"1"}"#);
    let request = request("POST", "/things").header("authorization", "Bearer boss").body(body).unwrap();
    let mut waiting = Box::pin(demo.send(request));
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(demo.app.told().len(), 1, "it was told of at once");
    drop(hold);
    assert_eq!(waiting.await.status, 201);
}
