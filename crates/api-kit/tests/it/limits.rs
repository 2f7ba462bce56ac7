//! Bodies over their limit, bodies that never end, bodies that break off.

use crate::demo::{Demo, request};
use bytes::Bytes;
use farebox_api_kit::{Body, BoxError, Settings, is_over_limit};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// `chunks` pieces of `bytes` each, of unknown total; counts how many were asked for.
fn stream(chunks: usize, bytes: usize, asked: &Arc<AtomicUsize>) -> Body {
    let asked = asked.clone();
    let pieces = (0..chunks).map(move |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        Ok::<_, BoxError>(Frame::data(Bytes::from(vec![b' '; bytes])))
    });
    BodyExt::boxed_unsync(StreamBody::new(futures_util::stream::iter(pieces)))
}

fn post(path: &str) -> http::request::Builder {
    request("POST", path).header("authorization", "Bearer boss")
}

#[tokio::test]
async fn an_announced_body_over_the_limit_is_refused_unread() {
    let demo = Demo::new();
    let answer = demo.call("POST", "/things", &"x".repeat(4097)).await;
    assert_eq!((answer.status, &answer.json()["field"]), (413, &"body".into()));
    assert!(answer.json()["message"].as_str().unwrap().contains("4096"));
    assert_eq!(demo.app.served.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_stream_is_read_no_further_than_its_limit() {
    let demo = Demo::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let answer = demo.send(post("/things").body(stream(10_000, 1000, &asked)).unwrap()).await;
    assert_eq!(answer.status, 413);
    assert_eq!(asked.load(Ordering::Relaxed), 5, "4096 bytes are passed by the fifth piece of 1000");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_in_one_piece_or_many() {
    let demo = Demo::new();
    let logo = "/things/00000000-0000-7000-8000-000000000001/t/logo";
    let put = |body| request("PUT", logo).header("authorization", "Bearer boss").body(body).unwrap();
    let asked = Arc::default();
    assert_eq!(demo.send(put(stream(1, 16, &asked))).await.text(), "16");
    assert_eq!(demo.send(put(stream(4, 4, &asked))).await.text(), "16");
    assert_eq!(demo.send(put(stream(17, 1, &asked))).await.status, 413);
}

#[tokio::test]
async fn the_default_limit_holds_where_a_row_names_none() {
    let demo = Demo::with(Settings { body_limit_bytes: 10, ..Settings::default() });
    assert_eq!(demo.call("POST", "/api/v1/services", r#"{"a":"123"}"#).await.status, 413);
    assert_eq!(demo.call("POST", "/api/v1/services", r#"{"a":"12"}"#).await.status, 201);
}

#[tokio::test]
async fn a_raw_body_breaks_off_at_its_limit_with_an_error_that_says_so() {
    let demo = Demo::new();
    let asked = Arc::default();
    let refused = demo.send(post("/echo/a/b").body(stream(3, 16, &asked)).unwrap()).await;
    assert_eq!(refused.status, 413);
    let put = request("PUT", "/echo/a/b").header("authorization", "Bearer boss").body(stream(3, 16, &asked)).unwrap();
    let response = demo.doors.handle(put, ([127, 0, 0, 1], 1).into()).await;
    let error = response.into_body().collect().await.unwrap_err();
    assert!(is_over_limit(&error), "{error}");
    let announced = demo.call("PUT", "/echo/a/b", &"x".repeat(33)).await;
    assert_eq!(announced.status, 413);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_callers_error() {
    let demo = Demo::new();
    let pieces = [Ok(Frame::data(Bytes::from_static(b"{"))), Err(BoxError::from("reset"))];
    let body = BodyExt::boxed_unsync(StreamBody::new(futures_util::stream::iter(pieces)));
    let answer = demo.send(post("/things").body(body).unwrap()).await;
    assert_eq!((answer.status, &answer.json()["message"]), (400, &"body broke off before its end".into()));
    assert!(!answer.text().contains("reset"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let demo = Demo::with(Settings { body_patience: Duration::from_secs(5), ..Settings::default() });
    let pieces = futures_util::stream::pending::<Result<Frame<Bytes>, BoxError>>();
    let body = BodyExt::boxed_unsync(StreamBody::new(pieces));
    let answer = demo.send(post("/things").body(body).unwrap()).await;
    assert_eq!((answer.status, &answer.json()["message"]), (400, &"body did not arrive within 5 s".into()));
}
