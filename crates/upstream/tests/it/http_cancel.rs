//! When the buyer goes away, the provider's connection goes too.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use farebox_upstream::http::forward;
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::oneshot;

use crate::servers::{at, call, client, get, post, read_head, read_to_end, soon, streamed, tcp};

/// A server that says `answer` to the head of a request; the receivers fire when it has, and when the
/// connection is gone.
async fn watched(answer: &'static str) -> (std::net::SocketAddr, oneshot::Receiver<()>, oneshot::Receiver<()>) {
    let (began, has_begun) = oneshot::channel();
    let (ended, has_ended) = oneshot::channel();
    let signals = Mutex::new(Some((began, ended)));
    let address = tcp(move |mut stream| {
        let (began, ended) = signals.lock().unwrap().take().unwrap();
        async move {
            read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = began.send(());
            read_to_end(&mut stream).await;
            let _ = ended.send(());
        }
    })
    .await;
    (address, has_begun, has_ended)
}

#[tokio::test]
async fn a_buyer_who_leaves_before_the_answer_closes_the_connection() {
    let (address, has_begun, has_ended) = watched("").await;
    let (client, target) = (client(), at(address));
    tokio::select! {
        _ = forward(&client, &target, get("/")) => panic!("there is no answer"),
        _ = has_begun => {}
    }
    soon(has_ended).await.unwrap();
}

#[tokio::test]
async fn a_buyer_who_leaves_while_sending_closes_the_connection() {
    let (address, has_begun, has_ended) = watched("").await;
    let (client, target) = (client(), at(address));
    let stalled = streamed(stream::iter([Ok(Bytes::from("part"))]).chain(stream::pending()));
    tokio::select! {
        _ = forward(&client, &target, post("/", stalled)) => panic!("there is no answer"),
        _ = has_begun => {}
    }
    soon(has_ended).await.unwrap();
}

#[tokio::test]
async fn a_buyer_who_leaves_during_the_answer_closes_the_connection() {
    let (address, _, has_ended) = watched("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin").await;
    let mut body = call(&at(address), get("/")).await.unwrap().into_body();
    soon(body.frame()).await.unwrap().unwrap();
    drop(body);
    soon(has_ended).await.unwrap();
}

#[tokio::test]
async fn leaving_the_answer_ends_an_upload_under_way_and_lets_its_body_go() {
    let (address, _, has_ended) = watched("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let held = Arc::new(());
    let kept = Arc::clone(&held);
    let endless = streamed(stream::iter([Ok(Bytes::from("part"))]).chain(stream::pending()).map(move |chunk| {
        let _ = &kept;
        chunk
    }));
    let response = call(&at(address), post("/", endless)).await.unwrap();
    drop(response);
    soon(has_ended).await.unwrap();
    soon(async {
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
