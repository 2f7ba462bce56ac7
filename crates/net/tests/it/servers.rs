//! What the tests talk to: HTTP servers, scripted TCP servers, resolvers with prepared answers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farebox_net::{Body, Client, Policy, Resolver, Resolving, empty};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

/// A client that may talk to loopback.
pub fn client() -> Client {
    Client::new(loopback_policy()).unwrap()
}

pub fn loopback_policy() -> Policy {
    Policy { allow: vec!["127.0.0.1".parse().unwrap(), "localhost".parse().unwrap()], ..Policy::default() }
}

pub fn get(url: &str) -> Request<Body> {
    Request::builder().uri(url).body(empty()).unwrap()
}

/// An HTTP server; the second value counts the connections it has accepted.
pub async fn http<F, R>(answer: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, answer.clone()));
        }
    });
    (address, accepted)
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

/// A TCP server that runs `script` with each connection and its number, from 0.
pub async fn tcp<F, R>(script: F) -> SocketAddr
where
    F: Fn(usize, TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            tokio::spawn(script(number, stream));
        }
    });
    address
}

/// Reads up to the empty line that ends a request's head; the text read, empty at the end of the connection.
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

/// A resolver that gives prepared answers in order, the last one again and again.
pub struct Answers {
    prepared: Mutex<VecDeque<Vec<SocketAddr>>>,
    pub asked: AtomicUsize,
}

impl Answers {
    pub fn new(answers: impl IntoIterator<Item = Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self { prepared: Mutex::new(answers.into_iter().collect()), asked: AtomicUsize::new(0) })
    }
}

impl Resolver for Answers {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut prepared = self.prepared.lock();
        let answer = if prepared.len() > 1 { prepared.pop_front() } else { prepared.front().cloned() };
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A resolver that never answers.
pub struct Silent;

impl Resolver for Silent {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}
