//! What the tests talk to, and the way to talk to it.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farebox_net::{Body, BoxError, Client, Policy, empty};
use farebox_upstream::UpstreamError;
use farebox_upstream::http::{HttpTarget, Outgoing, PassthroughPolicy, Timeouts, forward};
use futures_util::Stream;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything a test waits for; reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that must happen soon.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it should have happened by now")
}

/// A client that may talk to loopback.
pub fn client() -> Client {
    Client::new(loopback_policy()).unwrap()
}

pub fn loopback_policy() -> Policy {
    Policy { allow: vec!["127.0.0.1".parse().unwrap(), "localhost".parse().unwrap()], ..Policy::default() }
}

pub fn target(base: &str) -> HttpTarget {
    HttpTarget {
        base: base.parse().unwrap(),
        set_headers: Vec::new(),
        add_query: Vec::new(),
        passthrough: PassthroughPolicy::All,
        timeouts: Timeouts::default(),
        max_request_bytes: 1 << 30,
        max_response_bytes: None,
    }
}

pub fn at(address: SocketAddr) -> HttpTarget {
    target(&format!("http://{address}"))
}

pub fn get(path: &str) -> Outgoing<'_> {
    Outgoing { method: Method::GET, path_and_query: path, headers: HeaderMap::new(), body: empty() }
}

pub fn post(path: &str, body: Body) -> Outgoing<'_> {
    Outgoing { method: Method::POST, path_and_query: path, headers: HeaderMap::new(), body }
}

pub fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

pub async fn call(target: &HttpTarget, request: Outgoing<'_>) -> Result<Response<Body>, UpstreamError> {
    soon(forward(&client(), target, request)).await
}

/// Reads a body to its end.
pub async fn text(response: Response<Body>) -> Result<String, UpstreamError> {
    match soon(response.into_body().collect()).await {
        Ok(all) => Ok(String::from_utf8(all.to_bytes().to_vec()).unwrap()),
        Err(error) => Err(UpstreamError::in_body_error(&error).expect("errors of bodies are ours").clone()),
    }
}

/// A body of unknown length.
pub fn streamed(chunks: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static) -> Body {
    StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))).boxed_unsync()
}

/// An HTTP server, versions 1 and 2.
pub async fn http<F, R>(answer: F) -> SocketAddr
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    tcp(move |stream| serve(stream, answer.clone())).await
}

/// Serves one connection until it ends.
pub async fn serve<S, F, R>(stream: S, answer: F)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// A TCP server that runs `script` with each connection.
pub async fn tcp<F, R>(script: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(script(stream));
        }
    });
    address
}

/// A TCP server that reads the head of a request, says `answer`, and then keeps the connection open.
pub async fn says(answer: &'static str) -> SocketAddr {
    tcp(move |mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await;
    })
    .await
}

/// A TCP server that records each request head, byte for byte, and answers 200.
pub async fn recorder() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let address = tcp(move |mut stream| {
        let record = Arc::clone(&record);
        async move {
            let head = read_head(&mut stream).await;
            record.lock().push(head);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await.unwrap();
            read_to_end(&mut stream).await;
        }
    })
    .await;
    (address, seen)
}

/// Reads up to the empty line that ends a request's head; empty at the end of the connection.
pub async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Reads until the other side closes or breaks the connection.
pub async fn read_to_end(stream: &mut TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}
