//! The clocks of an exchange, and who is to blame when one runs out.

use std::time::Duration;

use bytes::Bytes;
use farebox_net::{BoxError, full};
use farebox_upstream::UpstreamError;
use farebox_upstream::http::{HttpTarget, Timeouts};
use futures_util::{StreamExt as _, stream};
use http::Response;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::interval;

use crate::servers::{at, call, get, http, post, read_head, read_to_end, says, soon, streamed, tcp, text};

const LONG: u64 = 60_000;

fn within(first_byte_ms: u64, idle_ms: u64, total_ms: u64, target: HttpTarget) -> HttpTarget {
    HttpTarget { timeouts: Timeouts { first_byte_ms, idle_ms, total_ms }, ..target }
}

#[tokio::test]
async fn a_server_that_does_not_begin_to_answer_runs_out_of_time() {
    for silent in [says("").await, says("HTTP/1.1 200 OK\r\ncontent-le").await] {
        let target = within(100, LONG, LONG, at(silent));
        for request in [get("/"), post("/", full("body"))] {
            let error = call(&target, request).await.unwrap_err();
            assert_eq!(error, UpstreamError::FirstByteTimeout);
            let public = error.to_error();
            assert_eq!(public.kind.status(), 504);
            assert!(public.message.starts_with("Provider timeout"), "{}", public.message);
        }
    }
}

#[tokio::test]
async fn the_time_of_the_first_byte_begins_when_the_request_has_been_sent() {
    let address = http(|request: http::Request<hyper::body::Incoming>| async move {
        request.into_body().collect().await.unwrap();
        Response::new(full("done"))
    })
    .await;
    let slow = stream::unfold((0, interval(Duration::from_millis(150))), |(step, mut ticks)| async move {
        ticks.tick().await;
        (step < 5).then_some((Ok::<_, BoxError>(Bytes::from("step")), (step + 1, ticks)))
    });
    let target = within(500, LONG, LONG, at(address));
    assert_eq!(text(call(&target, post("/", streamed(slow))).await.unwrap()).await.unwrap(), "done");
}

#[tokio::test]
async fn a_body_that_stops_runs_out_of_idle_time() {
    let stopped = says("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin").await;
    let response = call(&within(LONG, 100, LONG, at(stopped)), get("/")).await.unwrap();
    assert_eq!(text(response).await.unwrap_err(), UpstreamError::IdleTimeout);
}

#[tokio::test]
async fn a_body_that_drips_forever_runs_out_of_total_time() {
    let dripping = tcp(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        let mut ticks = interval(Duration::from_millis(20));
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            ticks.tick().await;
        }
    })
    .await;
    let response = call(&within(LONG, LONG, 300, at(dripping)), get("/")).await.unwrap();
    assert_eq!(text(response).await.unwrap_err(), UpstreamError::TotalTimeout);
}

#[tokio::test]
async fn total_time_also_covers_the_wait_for_the_head() {
    let error = call(&within(LONG, LONG, 100, at(says("").await)), get("/")).await.unwrap_err();
    assert_eq!(error, UpstreamError::TotalTimeout);
}

#[tokio::test]
async fn a_buyer_who_stops_sending_is_to_blame_and_not_the_provider() {
    let address = http(|request: http::Request<hyper::body::Incoming>| async move {
        let _ = request.into_body().collect().await;
        Response::new(full("never"))
    })
    .await;
    let stalled = streamed(stream::iter([Ok(Bytes::from("part"))]).chain(stream::pending()));
    let error = call(&within(LONG, 100, LONG, at(address)), post("/", stalled)).await.unwrap_err();
    assert_eq!(error, UpstreamError::ClientTimeout);
    assert!(!error.is_providers_fault());
    assert_eq!(error.to_error().kind.status(), 400);
}

#[tokio::test]
async fn a_buyer_who_stops_sending_in_the_middle_of_the_answer_is_to_blame() {
    let address = http(|request: http::Request<hyper::body::Incoming>| async move {
        Response::new(request.into_body().map_err(Into::into).boxed_unsync())
    })
    .await;
    let stalled = streamed(stream::iter([Ok(Bytes::from("part"))]).chain(stream::pending()));
    let response = call(&within(LONG, 200, LONG, at(address)), post("/", stalled)).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "part");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(UpstreamError::in_body_error(&error), Some(&UpstreamError::ClientTimeout));
}

#[tokio::test]
async fn a_server_that_stops_taking_the_request_runs_out_of_idle_time() {
    let address = tcp(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let endless = streamed(stream::repeat(Bytes::from_static(&[0; 64 * 1024])).map(Ok));
    let error = call(&within(LONG, 200, LONG, at(address)), post("/", endless)).await.unwrap_err();
    assert_eq!(error, UpstreamError::IdleTimeout);
}

#[tokio::test]
async fn a_reader_who_stops_reading_does_not_hold_the_provider() {
    let (closed, was_closed) = tokio::sync::oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let address = tcp(move |mut stream| {
        let closed = closed.lock().unwrap().take().unwrap();
        async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nmore\r\n").await.unwrap();
            read_to_end(&mut stream).await;
            let _ = closed.send(());
        }
    })
    .await;
    let response = call(&within(LONG, 100, LONG, at(address)), get("/")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "more");
    soon(was_closed).await.unwrap();
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(UpstreamError::in_body_error(&error), Some(&UpstreamError::ClientTimeout));
    assert!(body.frame().await.is_none());
}
