//! Sizes, broken answers, and buyers who fail.

use bytes::Bytes;
use farebox_net::{Client, Policy, full};
use farebox_upstream::UpstreamError;
use farebox_upstream::http::{HttpTarget, Outgoing, forward};
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

use crate::servers::{
    at, call, get, headers, http, post, read_head, read_to_end, recorder, says, soon, streamed, tcp, text,
};

#[tokio::test]
async fn a_request_over_its_limit_is_refused_before_it_is_sent_where_the_length_is_known() {
    let (address, seen) = recorder().await;
    let target = HttpTarget { max_request_bytes: 10, ..at(address) };
    let chunks = streamed(stream::iter([Ok(Bytes::from("four"))]));
    for request in
        [post("/", full(vec![0; 11])), Outgoing { headers: headers(&[("content-length", "11")]), ..post("/", chunks) }]
    {
        let error = call(&target, request).await.unwrap_err();
        assert_eq!(error, UpstreamError::RequestTooLarge { limit_bytes: 10 });
        assert_eq!(error.to_error().kind.status(), 413);
    }
    assert!(seen.lock().is_empty());
    assert!(call(&target, post("/", full(vec![0; 10]))).await.is_ok());
}

#[tokio::test]
async fn a_request_that_grows_over_its_limit_is_cut_off() {
    let address = http(|request: Request<hyper::body::Incoming>| async move {
        let _ = request.into_body().collect().await;
        Response::new(full("never"))
    })
    .await;
    let target = HttpTarget { max_request_bytes: 100_000, ..at(address) };
    let endless = streamed(stream::repeat(Bytes::from_static(&[0; 1_000])).map(Ok));
    assert_eq!(
        call(&target, post("/", endless)).await.unwrap_err(),
        UpstreamError::RequestTooLarge { limit_bytes: 100_000 }
    );
}

#[tokio::test]
async fn an_answer_over_its_limit_is_cut_off() {
    let declared = HttpTarget {
        max_response_bytes: Some(4),
        ..at(says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfives").await)
    };
    let too_large = UpstreamError::ResponseTooLarge { limit_bytes: 4 };
    assert_eq!(call(&declared, get("/")).await.unwrap_err(), too_large);
    let chunked =
        at(says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n1\r\n5\r\n0\r\n\r\n").await);
    let limited = |limit| HttpTarget { max_response_bytes: Some(limit), ..chunked.clone() };
    assert_eq!(text(call(&limited(4), get("/")).await.unwrap()).await.unwrap_err(), too_large);
    assert_eq!(text(call(&limited(5), get("/")).await.unwrap()).await.unwrap(), "four5");
}

#[tokio::test]
async fn broken_answers_are_the_providers_fault_and_not_charged() {
    let half_body = tcp(|mut stream| async move {
        read_head(&mut stream).await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
            .await
            .unwrap();
    })
    .await;
    let error = text(call(&at(half_body), get("/")).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Closed(_)), "{error}");

    let no_answer = tcp(|mut stream| async move {
        read_head(&mut stream).await;
    })
    .await;
    let error = call(&at(no_answer), post("/", full("x"))).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Closed(_)), "{error}");

    let nonsense = says("what?\r\n\r\n").await;
    let error = call(&at(nonsense), get("/")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Protocol(_)), "{error}");

    let two_lengths = says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc").await;
    let error = call(&at(two_lengths), get("/")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Protocol(_)), "{error}");

    let bad_chunk = says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").await;
    let error = text(call(&at(bad_chunk), get("/")).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Protocol(_)), "{error}");
    let public = error.to_error();
    assert_eq!(public.kind.status(), 502);
    assert!(public.message.starts_with("Provider unreachable"), "{}", public.message);
    assert!(error.is_providers_fault() && !error.charged());
}

#[tokio::test]
async fn servers_that_cannot_be_reached_are_told_apart() {
    let closed = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    assert!(matches!(call(&at(closed), get("/")).await, Err(UpstreamError::Connect(_))));
    let strict = Client::new(Policy::default()).unwrap();
    assert!(matches!(forward(&strict, &at(closed), get("/")).await, Err(UpstreamError::Blocked(_))));
}

#[tokio::test]
async fn a_buyer_whose_body_fails_is_told_from_a_failing_provider() {
    let (closed, was_closed) = oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let address = tcp(move |mut stream| {
        let closed = closed.lock().unwrap().take().unwrap();
        async move {
            read_to_end(&mut stream).await;
            let _ = closed.send(());
        }
    })
    .await;
    let body = streamed(stream::iter([Ok(Bytes::from("part")), Err("connection reset".into())]));
    let error = call(&at(address), post("/", body)).await.unwrap_err();
    assert_eq!(error, UpstreamError::ClientGone);
    assert!(!error.is_providers_fault());
    soon(was_closed).await.unwrap();
}

#[tokio::test]
async fn a_body_that_breaks_its_declared_length_fails_the_call() {
    for declared in ["3", "5"] {
        let address = http(|request: Request<hyper::body::Incoming>| async move {
            let _ = request.into_body().collect().await;
            Response::new(full("ok"))
        })
        .await;
        let body = streamed(stream::iter([Ok(Bytes::from("four"))]));
        let request = Outgoing { headers: headers(&[("content-length", declared)]), ..post("/", body) };
        assert_eq!(call(&at(address), request).await.unwrap_err(), UpstreamError::ClientGone, "{declared}");
    }
}
