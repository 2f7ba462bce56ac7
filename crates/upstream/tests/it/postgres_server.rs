//! PostgreSQL databases for the tests, reached over TCP and, where a test wants it, over TLS.
//!
//! The test server may listen on a socket in a folder only, where it knows no TLS; a bridge stands before it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use farebox_db::Engine;
use farebox_net::Client as Net;
use farebox_testkit::engines::TestDb;
use farebox_upstream::sql::{PostgresConnector, SqlConnector, SqlLimits};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use tokio_rustls::TlsAcceptor;

use crate::servers::client;

/// An empty database, gone when dropped.
pub struct Database {
    place: TestDb,
    config: Config,
}

/// How a bridge answers a request for TLS.
pub enum Bridge {
    Refuses,
    Accepts(TlsAcceptor),
}

impl Database {
    /// `None` where no server can be had; then a line has said so.
    pub fn new() -> Option<Self> {
        let place = TestDb::all_empty().into_iter().find(|place| place.engine() == Engine::Postgres)?;
        let config: Config = place.url().unwrap().parse().unwrap();
        Some(Self { place, config })
    }

    /// A session beside the connector, that may do anything.
    pub async fn admin(&self, setup: &str) -> Client {
        let (client, connection) = self.place.url().unwrap().parse::<Config>().unwrap().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(setup).await.unwrap();
        client
    }

    /// The address of a bridge to the server.
    pub async fn bridge(&self, bridge: Bridge) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (host, port) =
            (self.config.get_hosts()[0].clone(), self.config.get_ports().first().copied().unwrap_or(5432));
        let bridge = Arc::new(bridge);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (host, bridge) = (host.clone(), Arc::clone(&bridge));
                tokio::spawn(async move {
                    let _ = carry(stream, &bridge, &host, port).await;
                });
            }
        });
        address
    }

    /// A connection string for this database at `host` with an `sslmode`.
    pub fn text(&self, host: &str, port: u16, mode: &str) -> String {
        let (user, name) = (self.config.get_user().unwrap(), self.config.get_dbname().unwrap());
        let password = self
            .config
            .get_password()
            .map(|password| format!(":{}", String::from_utf8_lossy(password)))
            .unwrap_or_default();
        format!("postgresql://{user}{password}@{host}:{port}/{name}?sslmode={mode}&application_name=farebox_upstream")
    }

    /// A connector over a plain bridge.
    pub async fn connector(&self, limits: SqlLimits) -> SqlConnector {
        let address = self.bridge(Bridge::Refuses).await;
        connector(client(), &self.text("127.0.0.1", address.port(), "prefer"), limits)
    }
}

pub fn connector(net: Net, text: &str, limits: SqlLimits) -> SqlConnector {
    SqlConnector::Postgres(PostgresConnector::new(net, text, limits).unwrap())
}

/// A certificate for `localhost`: who accepts with it, and the file to trust.
pub fn certificate() -> (TlsAcceptor, PathBuf, TempDir) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), root, folder)
}

/// A request for TLS is a message of eight bytes that ends in this number.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

async fn carry(mut stream: TcpStream, bridge: &Bridge, host: &Host, port: u16) -> std::io::Result<()> {
    let mut first = [0; 8];
    stream.peek(&mut first).await?;
    if first != TLS_REQUEST {
        return join(stream, host, port).await;
    }
    stream.read_exact(&mut first).await?;
    match bridge {
        Bridge::Refuses => {
            stream.write_all(b"N").await?;
            join(stream, host, port).await
        }
        Bridge::Accepts(acceptor) => {
            stream.write_all(b"S").await?;
            join(acceptor.accept(stream).await?, host, port).await
        }
    }
}

async fn join<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, host: &Host, port: u16) -> std::io::Result<()> {
    match host {
        Host::Unix(folder) => {
            let mut server = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?;
            copy_bidirectional(&mut stream, &mut server).await?;
        }
        Host::Tcp(name) => {
            let mut server = TcpStream::connect((name.as_str(), port)).await?;
            copy_bidirectional(&mut stream, &mut server).await?;
        }
    }
    Ok(())
}
