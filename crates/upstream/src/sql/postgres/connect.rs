//! From a connection string to an open session, under the address rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use farebox_net::Client as Net;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{CancelToken, Client, Config};

use super::failure::{connecting, running};
use super::frame::FrameLimit;
use super::tls::{Tls, any_certificate};
use crate::sql::error::SqlError;

/// What a message may hold beside a row: names, codes, and the texts of errors.
const SLACK_BYTES: u64 = 64 * 1024;

/// Where a database server is and how to log in.
pub(super) struct Server {
    net: Net,
    config: Config,
    tls: Arc<ClientConfig>,
    max_message_bytes: u64,
}

/// One logged-in connection.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) version: String,
    pub(super) is_superuser: bool,
    cancel: CancelToken,
    task: AbortHandle,
    is_over: Arc<AtomicBool>,
    host: String,
    port: u16,
}

impl Server {
    /// Reads a connection string. It must name a user and TCP hosts.
    pub(super) fn new(net: Net, text: &str, max_bytes: u64) -> Result<Self, SqlError> {
        let bad = |reason: &str| Err(SqlError::BadTarget(reason.to_owned()));
        let strict = ["verify-full", "verify-ca"]
            .iter()
            .fold(text.to_owned(), |text, mode| text.replace(&format!("sslmode={mode}"), "sslmode=require"));
        // The parser's errors name the option at fault and never its value.
        let config: Config =
            strict.parse().map_err(|error: tokio_postgres::Error| SqlError::BadTarget(error.to_string()))?;
        if config.get_user().is_none() {
            return bad("the connection string names no user");
        }
        if !config.get_hostaddrs().is_empty() {
            return bad("hostaddr is not supported; name the address as host");
        }
        let is_tcp = |host: &Host| matches!(host, Host::Tcp(_));
        if config.get_hosts().is_empty() || !config.get_hosts().iter().all(is_tcp) {
            return bad("the connection string must name a host");
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Prefer => Arc::new(any_certificate().map_err(|error| SqlError::Failed(error.to_string()))?),
            _ => net.tls_config(),
        };
        Ok(Self { net, config, tls, max_message_bytes: max_bytes.saturating_add(SLACK_BYTES) })
    }

    /// Opens a session on the first host that lets us in.
    pub(super) async fn connect(&self) -> Result<Session, SqlError> {
        let mut outcome = Err(SqlError::BadTarget("no host".to_owned()));
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let Host::Tcp(host) = host else { continue };
            let ports = self.config.get_ports();
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            outcome = self.connect_to(host, port).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    async fn connect_to(&self, host: &str, port: u16) -> Result<Session, SqlError> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (stream, tls) = self.stream(host, port, &is_over).await?;
        let limit = Duration::from_millis(self.net.policy().connect_timeout_ms);
        let opened = tokio::time::timeout(limit, self.config.connect_raw(stream, tls)).await;
        let (client, connection) = match opened {
            Err(_) => {
                return Err(SqlError::Unreachable(format!("{host}:{port}: no login within {} ms", limit.as_millis())));
            }
            Ok(outcome) => outcome.map_err(|error| connecting(&error))?,
        };
        let parameter = |name: &str| connection.parameter(name).unwrap_or_default().to_owned();
        let (version, is_superuser) = (parameter("server_version"), parameter("is_superuser") == "on");
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a seller's database ended");
            }
        });
        let cancel = client.cancel_token();
        Ok(Session {
            client,
            version,
            is_superuser,
            cancel,
            task: task.abort_handle(),
            is_over,
            host: host.to_owned(),
            port,
        })
    }

    async fn stream(
        &self,
        host: &str,
        port: u16,
        is_over: &Arc<AtomicBool>,
    ) -> Result<(FrameLimit<TcpStream>, Tls), SqlError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| SqlError::BadTarget(error.to_string()))?;
        let tcp = self.net.connect_tcp(host, port).await?;
        let (limit_bytes, is_over) = (self.max_message_bytes, Arc::clone(is_over));
        let stream = match self.config.get_ssl_mode() {
            SslMode::Disable => FrameLimit::messages(tcp, limit_bytes, is_over),
            _ => FrameLimit::negotiated(tcp, limit_bytes, is_over),
        };
        Ok((stream, Tls { config: Arc::clone(&self.tls), name }))
    }

    /// Ends what a session is doing, in the database too.
    pub(super) async fn kill(&self, session: Session) {
        session.task.abort();
        let Ok((stream, tls)) = self.stream(&session.host, session.port, &session.is_over).await else { return };
        if let Err(error) = session.cancel.cancel_query_raw(stream, tls).await {
            tracing::debug!(%error, "a query in a seller's database could not be cancelled");
        }
    }
}

impl Session {
    /// What an error of the driver means, knowing this session.
    pub(super) fn failure(&self, error: &tokio_postgres::Error, max_bytes: u64) -> SqlError {
        if self.is_over.load(Ordering::Relaxed) { crate::sql::rows::too_large(max_bytes) } else { running(error) }
    }
}
