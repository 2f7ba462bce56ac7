//! Large and slow bodies in constant memory, and answers that begin early.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use farebox_net::{Body, BoxError, empty, full};
use farebox_upstream::http::{Outgoing, forward};
use futures_util::{StreamExt as _, stream};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt as _;

use crate::servers::{at, call, get, http, post, read_head, soon, streamed, tcp, text};

const CHUNK_BYTES: usize = 64 * 1024;
const TOTAL_BYTES: u64 = 64 * 1024 * 1024;
/// What the kernel's socket buffers and the engines may hold between the two ends.
const AHEAD_BYTES: u64 = 16 * 1024 * 1024;

/// A body of `TOTAL_BYTES` that counts what has been taken from it.
fn counted(taken: Arc<AtomicU64>) -> Body {
    streamed(stream::iter(0..TOTAL_BYTES / CHUNK_BYTES as u64).map(move |number| {
        taken.fetch_add(CHUNK_BYTES as u64, Ordering::SeqCst);
        Ok::<_, BoxError>(Bytes::from(vec![u8::try_from(number % 251).unwrap(); CHUNK_BYTES]))
    }))
}

/// Lets everything else on this thread run as far as it can.
async fn let_others_run() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_large_answer_flows_no_faster_than_it_is_read() {
    let made = Arc::new(AtomicU64::new(0));
    let source = Arc::clone(&made);
    let address = http(move |_| {
        let body = counted(Arc::clone(&source));
        async move { Response::new(body) }
    })
    .await;
    let mut body = call(&at(address), get("/")).await.unwrap().into_body();
    let (mut read, mut most_ahead) = (0, 0);
    while let Some(frame) = soon(body.frame()).await {
        let data = frame.unwrap().into_data().unwrap();
        for byte in data.iter().step_by(CHUNK_BYTES) {
            assert!(*byte < 251);
        }
        read += data.len() as u64;
        let_others_run().await;
        most_ahead = most_ahead.max(made.load(Ordering::SeqCst) - read);
    }
    assert_eq!(read, TOTAL_BYTES);
    assert!(most_ahead < AHEAD_BYTES, "the provider was {most_ahead} bytes ahead of the reader");
}

#[tokio::test]
async fn a_large_request_flows_no_faster_than_it_is_taken() {
    let made = Arc::new(AtomicU64::new(0));
    let sent = Arc::clone(&made);
    let address = http(move |request: Request<Incoming>| {
        let sent = Arc::clone(&sent);
        async move {
            let mut body = request.into_body();
            let (mut taken, mut most_ahead) = (0, 0);
            while let Some(frame) = body.frame().await {
                taken += frame.unwrap().into_data().unwrap().len() as u64;
                let_others_run().await;
                most_ahead = most_ahead.max(sent.load(Ordering::SeqCst) - taken);
            }
            assert_eq!(taken, TOTAL_BYTES);
            Response::new(full(most_ahead.to_string()))
        }
    })
    .await;
    let answer = text(call(&at(address), post("/", counted(Arc::clone(&made)))).await.unwrap()).await.unwrap();
    let most_ahead: u64 = answer.parse().unwrap();
    assert_eq!(made.load(Ordering::SeqCst), TOTAL_BYTES);
    assert!(most_ahead < AHEAD_BYTES, "the buyer was {most_ahead} bytes ahead of the provider");
}

#[tokio::test]
async fn both_directions_flow_at_once() {
    let address = http(|request: Request<Incoming>| async move {
        Response::new(request.into_body().map_err(Into::into).boxed_unsync())
    })
    .await;
    let made = Arc::new(AtomicU64::new(0));
    let mut body = call(&at(address), post("/", counted(made))).await.unwrap().into_body();
    let mut read = 0;
    while let Some(frame) = soon(body.frame()).await {
        read += frame.unwrap().into_data().unwrap().len() as u64;
    }
    assert_eq!(read, TOTAL_BYTES);
}

#[tokio::test]
async fn an_answer_may_begin_before_the_request_has_ended() {
    let (next, chunks) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let body = streamed(stream::unfold(chunks, |mut chunks| async move { Some((Ok(chunks.recv().await?), chunks)) }));
    let address = http(|request: Request<Incoming>| async move {
        Response::new(request.into_body().map_err(Into::into).boxed_unsync())
    })
    .await;
    next.send(Bytes::from("ping")).unwrap();
    let mut answer = call(&at(address), post("/", body)).await.unwrap().into_body();
    assert_eq!(soon(answer.frame()).await.unwrap().unwrap().into_data().unwrap(), "ping");
    next.send(Bytes::from("pong")).unwrap();
    assert_eq!(soon(answer.frame()).await.unwrap().unwrap().into_data().unwrap(), "pong");
    drop(next);
    assert!(soon(answer.frame()).await.is_none());
}

#[tokio::test]
async fn an_early_refusal_is_passed_on_whole_and_stops_the_upload() {
    let address = tcp(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 9\r\n\r\ntoo large").await.unwrap();
        crate::servers::read_to_end(&mut stream).await;
    })
    .await;
    let endless = streamed(stream::repeat(Bytes::from_static(&[0; CHUNK_BYTES])).map(Ok));
    let response = call(&at(address), post("/", endless)).await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(text(response).await.unwrap(), "too large");
}

#[tokio::test]
async fn events_of_a_stream_arrive_one_by_one() {
    let (next, chunks) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let chunks = Arc::new(std::sync::Mutex::new(Some(chunks)));
    let address = http(move |_| {
        let chunks = chunks.lock().unwrap().take().unwrap();
        let events = stream::unfold(chunks, |mut chunks| async move { Some((Ok(chunks.recv().await?), chunks)) });
        async move { Response::builder().header("content-type", "text/event-stream").body(streamed(events)).unwrap() }
    })
    .await;
    let mut body = call(&at(address), get("/")).await.unwrap().into_body();
    for number in 0..3 {
        let event = format!("data: {number}\n\n");
        next.send(Bytes::from(event.clone())).unwrap();
        assert_eq!(soon(body.frame()).await.unwrap().unwrap().into_data().unwrap(), event);
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_every_kind_of_whole_exchange() {
    let connections = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&connections);
    let address = tcp(move |stream| {
        count.fetch_add(1, Ordering::SeqCst);
        crate::servers::serve(stream, |request: Request<Incoming>| async move {
            let status = if request.uri().path() == "/empty" { 204 } else { 200 };
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Response::builder().status(status).body(if status == 204 { full("") } else { full(body) }).unwrap()
        })
    })
    .await;
    let (client, target) = (crate::servers::client(), at(address));
    let chunked = || streamed(stream::iter([Ok(Bytes::from("chunk")), Ok(Bytes::from("ed"))]));
    let head = || Outgoing { method: Method::HEAD, ..get("/") };
    for request in
        [get("/"), post("/", full("known")), post("/", chunked()), head(), get("/empty"), post("/", empty()), get("/")]
    {
        let response = soon(forward(&client, &target, request)).await.unwrap();
        text(response).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
