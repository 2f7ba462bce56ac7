//! TLS: whom the client trusts, and which HTTP it speaks then.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farebox_net::{Client, NetErrorKind, Policy, full};
use http::{Request, Response, Version};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::servers::{get, loopback_policy, serve};

/// A TLS server for the name `localhost` that answers with the version of HTTP it was asked in.
struct TlsServer {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    root: PathBuf,
    _folder: TempDir,
}

async fn tls_server(alpn: &[&[u8]]) -> TlsServer {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, |request: Request<_>| async move {
                        Response::new(full(format!("{:?}", request.version())))
                    })
                    .await;
                }
            });
        }
    });
    TlsServer { address, accepted, root, _folder: folder }
}

impl TlsServer {
    fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }

    fn policy(&self) -> Policy {
        Policy { extra_root_certificates: Some(self.root.clone()), ..loopback_policy() }
    }
}

#[tokio::test]
async fn http2_is_spoken_where_the_server_offers_it_and_one_connection_carries_all() {
    let server = tls_server(&[b"h2", b"http/1.1"]).await;
    let client = Client::new(server.policy()).unwrap();
    assert_eq!(client.send(get(&server.url())).await.unwrap().version(), Version::HTTP_2);
    let (url, again) = (server.url(), &client);
    let calls = (0..20).map(|_| again.send(get(&url)));
    for response in futures_util::future::join_all(calls).await {
        assert_eq!(response.unwrap().version(), Version::HTTP_2);
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn http1_is_spoken_where_the_server_or_the_policy_wants_it() {
    let server = tls_server(&[b"http/1.1"]).await;
    let client = Client::new(server.policy()).unwrap();
    assert_eq!(client.send(get(&server.url())).await.unwrap().version(), Version::HTTP_11);

    let server = tls_server(&[b"h2", b"http/1.1"]).await;
    let client = Client::new(Policy { prefer_http2: false, ..server.policy() }).unwrap();
    assert_eq!(client.send(get(&server.url())).await.unwrap().version(), Version::HTTP_11);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = tls_server(&[]).await;
    let error = Client::new(loopback_policy()).unwrap().send(get(&server.url())).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Tls, "{error}");
    let other_name = format!("https://127.0.0.1:{}/", server.address.port());
    let error = Client::new(server.policy()).unwrap().send(get(&other_name)).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Tls, "{error}");
}

#[test]
fn a_bad_file_of_roots_is_reported_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificates here").unwrap();
    for path in [empty, folder.path().join("missing.pem")] {
        let policy = Policy { extra_root_certificates: Some(path), ..Policy::default() };
        let error = Client::new(policy).err().unwrap();
        assert_eq!(error.code, "invalid_certificates");
    }
}
