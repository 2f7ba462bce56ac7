//! Requests and answers: reuse of connections, what is sent again and what is not, broken answers, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farebox_net::{FetchLimits, NetErrorKind, empty, full};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::servers::{client, get, http, read_head, tcp};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const LIMITS: FetchLimits = FetchLimits { timeout_ms: 5_000, max_response_bytes: 1_000 };

#[tokio::test]
async fn a_connection_is_used_again() {
    let (address, accepted) = http(|_| async { Response::new(full("hi")) }).await;
    let client = client();
    for _ in 0..5 {
        let response = client.fetch(get(&format!("http://{address}/")), LIMITS).await.unwrap();
        assert_eq!(&response.body()[..], b"hi");
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (address, accepted) = http(|request: Request<_>| async move {
        assert_eq!(request.uri().path(), "/from");
        Response::builder().status(302).header("location", "http://169.254.169.254/").body(empty()).unwrap()
    })
    .await;
    let response = client().send(get(&format!("http://{address}/from"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()["location"], "http://169.254.169.254/");
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

/// Answers the first request of the first connection, reads the second one and closes without a word.
async fn closes_under_the_second_request(requests: Arc<AtomicUsize>) -> std::net::SocketAddr {
    tcp(move |number, mut stream| {
        let requests = Arc::clone(&requests);
        async move {
            while !read_head(&mut stream).await.is_empty() {
                if requests.fetch_add(1, Ordering::SeqCst) == 1 && number == 0 {
                    return;
                }
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_get_that_meets_a_stale_connection_is_sent_again() {
    let requests = Arc::new(AtomicUsize::new(0));
    let address = closes_under_the_second_request(Arc::clone(&requests)).await;
    let client = client();
    for _ in 0..2 {
        let response = client.fetch(get(&format!("http://{address}/")), LIMITS).await.unwrap();
        assert_eq!(&response.body()[..], b"ok");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_post_that_meets_a_stale_connection_is_not_sent_again() {
    let requests = Arc::new(AtomicUsize::new(0));
    let address = closes_under_the_second_request(Arc::clone(&requests)).await;
    let client = client();
    let post = || Request::builder().method(Method::POST).uri(format!("http://{address}/")).body(empty()).unwrap();
    client.fetch(post(), LIMITS).await.unwrap();
    let error = client.fetch(post(), LIMITS).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Closed, "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_get_on_a_fresh_connection_is_not_sent_again() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let address = tcp(move |_, mut stream| {
        let count = Arc::clone(&count);
        async move {
            read_head(&mut stream).await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let error = client().send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Closed, "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_a_protocol_error() {
    let address = tcp(|_, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await.unwrap();
    })
    .await;
    let error = client().send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn a_body_cut_short_is_an_error_of_the_body() {
    let address = tcp(|_, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let error = client().fetch(get(&format!("http://{address}/")), LIMITS).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn a_small_exchange_has_a_limit_of_bytes_and_of_time() {
    let (address, _) = http(|request: Request<_>| async move {
        if request.uri().path() == "/never" {
            std::future::pending::<()>().await;
        }
        Response::new(full(vec![b'x'; 2_000]))
    })
    .await;
    let error = client().fetch(get(&format!("http://{address}/")), LIMITS).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::ResponseTooLarge);
    let limits = FetchLimits { timeout_ms: 100, ..LIMITS };
    let error = client().fetch(get(&format!("http://{address}/never")), limits).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Timeout);
}

#[tokio::test]
async fn a_failing_request_body_is_told_from_a_failing_server() {
    let (address, _) = http(|request: Request<hyper::body::Incoming>| async move {
        let _ = request.into_body().collect().await;
        Response::new(empty())
    })
    .await;
    let frames =
        futures_util::stream::iter([Ok(hyper::body::Frame::data("part".into())), Err("the source dried up".into())]);
    let body = http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(frames));
    let request = Request::builder().method(Method::POST).uri(format!("http://{address}/")).body(body).unwrap();
    let error = client().send(request).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::RequestBody, "{error}");
}

#[tokio::test]
async fn the_caller_learns_when_a_connection_was_found() {
    let (address, _) = http(|_| async { Response::new(full("x")) }).await;
    let found = AtomicUsize::new(0);
    let count = || {
        found.fetch_add(1, Ordering::SeqCst);
    };
    client().send_noting(get(&format!("http://{address}/")), &count).await.unwrap();
    assert_eq!(found.load(Ordering::SeqCst), 1);
}
