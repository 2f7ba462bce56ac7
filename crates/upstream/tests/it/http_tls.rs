//! Providers that speak HTTP/2 over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use farebox_net::{Body, Client, Policy};
use farebox_upstream::http::{HttpTarget, Outgoing, forward};
use futures_util::{StreamExt as _, stream};
use http::{Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::servers::{headers, loopback_policy, post, serve, soon, streamed, target, tcp};

struct Secure {
    target: HttpTarget,
    client: Client,
    _folder: TempDir,
}

/// An HTTP/2 server on TLS, and a client that trusts it.
async fn secure<F, R>(answer: F) -> Secure
where
    F: Fn(Request<hyper::body::Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let address: SocketAddr = tcp(move |stream| {
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, answer).await;
            }
        }
    })
    .await;
    let client = Client::new(Policy { extra_root_certificates: Some(root), ..loopback_policy() }).unwrap();
    Secure { target: target(&format!("https://localhost:{}/base", address.port())), client, _folder: folder }
}

#[tokio::test]
async fn a_call_over_http2_is_the_same_call() {
    let secure = secure(|request: Request<hyper::body::Incoming>| async move {
        assert_eq!(request.version(), Version::HTTP_2);
        assert_eq!(request.uri().path_and_query().unwrap(), "/base/x?a=1");
        assert!(!request.headers().contains_key("authorization") && !request.headers().contains_key("connection"));
        assert_eq!(request.headers()["te"], "trailers");
        let all = request.into_body().collect().await.unwrap();
        let trailers = all.trailers().cloned().unwrap_or_default();
        let frames = [Ok(Frame::data(all.to_bytes())), Ok(Frame::trailers(trailers))];
        Response::builder()
            .header("x-acf-amount", "9")
            .body(StreamBody::new(stream::iter(frames)).boxed_unsync())
            .unwrap()
    })
    .await;
    let frames = [Ok(Frame::data(Bytes::from("data"))), Ok(Frame::trailers(headers(&[("x-sum", "42")])))];
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    let sent = headers(&[("te", "trailers"), ("authorization", "buyer"), ("connection", "x"), ("keep-alive", "1")]);
    let response = soon(forward(&secure.client, &secure.target, Outgoing { headers: sent, ..post("/x?a=1", body) }))
        .await
        .unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
    assert!(!response.headers().contains_key("x-acf-amount"));
    let all = response.into_body().collect().await.unwrap();
    assert_eq!(all.trailers().unwrap()["x-sum"], "42");
    assert_eq!(all.to_bytes(), "data");
}

#[tokio::test]
async fn leaving_an_http2_answer_resets_its_stream_only() {
    let (gone, mut is_gone) = mpsc::unbounded_channel();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let secure = secure(move |request: Request<hyper::body::Incoming>| {
        count.fetch_add(1, Ordering::SeqCst);
        let gone = gone.clone();
        let ticket = Ticket(gone);
        let held = stream::iter([Ok(Bytes::from("begin"))]).chain(stream::pending()).map(move |chunk| {
            let _ = &ticket;
            chunk
        });
        tokio::spawn(request.into_body().collect());
        async move { Response::new(streamed(held)) }
    })
    .await;
    for _ in 0..2 {
        let upload = streamed(stream::iter([Ok(Bytes::from("part"))]).chain(stream::pending()));
        let mut body = soon(forward(&secure.client, &secure.target, post("/", upload))).await.unwrap().into_body();
        assert_eq!(soon(body.frame()).await.unwrap().unwrap().into_data().unwrap(), "begin");
        drop(body);
        soon(is_gone.recv()).await.unwrap();
    }
    assert_eq!(served.load(Ordering::SeqCst), 2);
}

/// Says so when it is dropped.
struct Ticket(mpsc::UnboundedSender<()>);

impl Drop for Ticket {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
