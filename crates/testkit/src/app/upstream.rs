//! A seller's server for tests: real HTTP, with paths for good and for nasty behaviour.

use bytes::Bytes;
use farebox::serve::{Service, full};
use farebox_api_kit::{Body, BoxError};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Behaves by path:
/// `/ok`, `/echo` (method, path, query, headers, body), `/status/N`, `/slow/MS`, `/bytes/N` (streamed, of known
/// length), `/chunks/N` (of unknown length), `/told/AMOUNT/N` (the same with a charge), `/sink` (digest and length of what was sent), `/hang`, `/half`, `/events/N`.
#[derive(Debug, Default)]
pub struct TestUpstream {
    paths: Mutex<BTreeSet<String>>,
    asked: AtomicU64,
    running: AtomicI64,
    sent: Arc<AtomicU64>,
    named: Mutex<BTreeSet<String>>,
}

impl TestUpstream {
    /// The names that requests came with, as the part of the path behind the argument: `/ok/0/NAME`.
    pub fn named(&self) -> BTreeSet<String> {
        self.named.lock().clone()
    }

    /// Requests that arrived.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Paths of requests that arrived.
    pub fn paths(&self) -> BTreeSet<String> {
        self.paths.lock().clone()
    }

    /// Bytes of long replies that were handed to the network.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Requests and replies under way.
    pub fn running(&self) -> i64 {
        self.running.load(Ordering::SeqCst)
    }
}

impl TestUpstream {
    fn stream(&self, bytes: u64) -> Body {
        let (block, sent) = (block(), self.sent.clone());
        let frames = futures_util::stream::unfold(bytes, move |left| {
            let (block, sent) = (block.clone(), sent.clone());
            async move {
                let next = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK);
                sent.fetch_add(next as u64, Ordering::SeqCst);
                (next > 0).then(|| (Ok::<_, BoxError>(Frame::data(block.slice(..next))), left - next as u64))
            }
        });
        StreamBody::new(frames).boxed_unsync()
    }
}

/// A block of the pattern that long bodies repeat.
pub const BLOCK: usize = 64 << 10;

/// The block that long bodies are made of.
pub fn block() -> Bytes {
    (0..BLOCK).map(|n| u8::try_from(n * 7 % 251).unwrap_or(0)).collect()
}

struct Running<'a>(&'a AtomicI64);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service for TestUpstream {
    async fn handle(&self, request: Request<Body>, _peer: SocketAddr) -> Response<Body> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(&self.running);
        let path = request.uri().path().to_owned();
        self.paths.lock().insert(path.clone());
        let mut parts = path.trim_start_matches('/').split('/');
        let (name, argument) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let word = parts.next();
        self.named.lock().extend(word.map(str::to_owned));
        let number: u64 = argument.parse().unwrap_or(0);
        match name {
            "ok" => json_reply(StatusCode::OK, &json!({ "ok": true })),
            "public" => {
                let mut response = json_reply(StatusCode::OK, &json!({ "for": "everybody" }));
                let value = HeaderValue::from_static("public, max-age=3600");
                response.headers_mut().insert("cache-control", value);
                response
            }
            "echo" => echo(request).await,
            "status" => {
                json_reply(StatusCode::from_u16(u16::try_from(number).unwrap()).unwrap(), &json!({ "status": number }))
            }
            "slow" => {
                tokio::time::sleep(Duration::from_millis(number)).await;
                json_reply(StatusCode::OK, &json!({ "slow": number }))
            }
            "bytes" => with_length(self.stream(number), number),
            "told" => told(argument, self.stream(word.and_then(|word| word.parse().ok()).unwrap_or(4))),
            "chunks" => Response::new(self.stream(number)),
            "sink" => sink(request).await,
            "hang" => std::future::pending().await,
            "half" => half(),
            "events" => events(number),
            _ => json_reply(StatusCode::NOT_FOUND, &json!({ "error": "no such path" })),
        }
    }
}

fn json_reply(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(full(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

async fn echo(request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let text = String::from_utf8_lossy(&bytes);
    let uri = parts.uri;
    let (path, query) = (uri.path(), uri.query());
    let mut response = json_reply(
        StatusCode::OK,
        &json!({ "method": parts.method.as_str(), "path": path, "query": query, "headers": headers, "body": text }),
    );
    response.headers_mut().append("set-cookie", HeaderValue::from_static("a=1"));
    response.headers_mut().append("set-cookie", HeaderValue::from_static("b=2"));
    response.headers_mut().insert("x-acf-amount", HeaderValue::from_static("999"));
    response.headers_mut().insert("x-farebox-amount", HeaderValue::from_static("999"));
    response
}

fn with_length(body: Body, bytes: u64) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert("content-length", HeaderValue::from(bytes));
    response
}

/// Tells the gateway what the call costs.
fn told(charge: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert("x-farebox-charge", HeaderValue::from_str(charge).unwrap());
    response
}

async fn sink(request: Request<Body>) -> Response<Body> {
    let (mut hash, mut length, mut body) = (blake3::Hasher::new(), 0u64, request.into_body());
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => {
                hash.update(&data);
                length += data.len() as u64;
            }
            Ok(Err(_)) => {}
            Err(_) => break,
        }
    }
    json_reply(StatusCode::OK, &json!({ "length": length, "blake3": hash.finalize().to_hex().as_str() }))
}

/// Promises more than it sends.
fn half() -> Response<Body> {
    let frames = futures_util::stream::iter([
        Ok(Frame::data(Bytes::from_static(b"half of it"))),
        Err(BoxError::from("the seller's server broke off")),
    ]);
    with_length(StreamBody::new(frames).boxed_unsync(), 1_000)
}

/// Server-sent events, one each 20 ms.
fn events(count: u64) -> Response<Body> {
    let frames = futures_util::stream::unfold(0, move |sent| async move {
        if sent == count {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, BoxError>(Frame::data(Bytes::from(format!("data: {sent}\n\n")))), sent + 1))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
    response
}
