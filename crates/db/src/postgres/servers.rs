//! Connecting: to the servers of the URL, one after the other, each within its time.
//!
//! Invariants: a server that does not answer, or takes connections and says nothing, costs its own time limit and keeps
//! nobody from the next one; the server that worked last is asked first.

use super::refusals::{refusal, told};
use super::settings::{
    CONNECT_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, PostgresSettings, UNCONFIRMED_TIMEOUT,
};
use super::url;
use crate::DbError;
use deadpool_postgres::ClientWrapper;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The servers of one URL.
pub(super) struct Servers {
    each: Vec<Server>,
    /// Which one worked last.
    first: AtomicUsize,
    tls: Option<MakeRustlsConnect>,
}

struct Server {
    /// For error texts.
    name: String,
    config: Config,
    timeout: Duration,
}

impl Servers {
    /// Reads the URL and what else the settings say.
    ///
    /// # Errors
    /// `Other` where the URL or the authorities' file cannot be used.
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self, DbError> {
        let wrong = |rule: String| DbError::Other(format!("the PostgreSQL URL {rule}"));
        let config = read(settings).map_err(wrong)?;
        let each = apart(&config).map_err(wrong)?;
        let tls = match config.get_ssl_mode() {
            SslMode::Disable | SslMode::Prefer => None,
            _ => Some(MakeRustlsConnect::new(tls_config(settings.ca_file.as_deref())?)),
        };
        Ok(Self { each, first: AtomicUsize::new(0), tls })
    }

    /// A connection to the first server that takes one.
    ///
    /// # Errors
    /// `Unavailable` with what each server had against it.
    pub(super) async fn connect(&self) -> Result<ClientWrapper, DbError> {
        let first = self.first.load(Ordering::Relaxed);
        let mut reasons = vec![];
        for step in 0..self.each.len() {
            let index = (first + step) % self.each.len();
            let server = &self.each[index];
            let attempt = async {
                match &self.tls {
                    Some(tls) => open(&server.config, tls.clone()).await,
                    None => open(&server.config, NoTls).await,
                }
            };
            let reason = match tokio::time::timeout(server.timeout, attempt).await {
                Ok(Ok(client)) => {
                    self.first.store(index, Ordering::Relaxed);
                    return Ok(client);
                }
                Ok(Err(error)) => refusal(&error),
                Err(_) => format!("no connection within {} ms", server.timeout.as_millis()),
            };
            reasons.push((server.name.clone(), reason));
        }
        Err(DbError::Unavailable(told(reasons)))
    }
}

/// The database's servers and its name: `host1:port,host2:port/books`.
///
/// # Errors
/// Completes a sentence that begins with what names the URL.
pub(super) fn place(settings: &PostgresSettings) -> Result<String, String> {
    let config = read(settings)?;
    let names: Vec<_> = apart(&config)?.into_iter().map(|server| server.name).collect();
    // A URL without a database means the one that is named after the user.
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    Ok(format!("{}/{database}", names.join(",")))
}

fn read(settings: &PostgresSettings) -> Result<Config, String> {
    url::check(&settings.url)?;
    // What `verify-full` asks for is what `require` does here.
    let url = settings.url.replace("sslmode=verify-full", "sslmode=require");
    let mut config: Config = url.parse().map_err(|_| "cannot be read".to_owned())?;
    if settings.ca_file.is_some() {
        if config.get_ssl_mode() == SslMode::Disable {
            return Err("has sslmode=disable, which contradicts the file of authorities".to_owned());
        }
        config.ssl_mode(SslMode::Require);
    }
    Ok(config)
}

async fn open<T>(config: &Config, tls: T) -> Result<ClientWrapper, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket> + Send,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the database broke");
        }
    });
    Ok(ClientWrapper::new(client, task))
}

/// One configuration for each server, so that each gets a time limit of its own: the driver's own limit ends with the
/// TCP connection and would wait for ever for a server that says nothing.
fn apart(config: &Config) -> Result<Vec<Server>, String> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err("names no server".to_owned());
    }
    if (ports.len() > 1 && ports.len() != count)
        || (!addresses.is_empty() && !hosts.is_empty() && hosts.len() != addresses.len())
    {
        return Err("has other numbers of hosts than of ports or addresses".to_owned());
    }
    let each = (0..count).map(|index| {
        let mut own = without_servers(config);
        let mut name = String::new();
        match hosts.get(index) {
            Some(Host::Tcp(host)) => {
                own.host(host);
                name.clone_from(host);
            }
            #[cfg(unix)]
            Some(Host::Unix(path)) => {
                own.host_path(path);
                name = path.display().to_string();
            }
            None => {}
        }
        if let Some(address) = addresses.get(index) {
            own.hostaddr(*address);
            name = address.to_string();
        }
        if let Some(port) = ports.get(index).or(ports.first()) {
            own.port(*port);
            name = format!("{name}:{port}");
        }
        // Of several servers only the one that may write holds the books.
        if count > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            own.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Server { name, config: own, timeout: config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT) }
    });
    Ok(each.collect())
}

fn without_servers(config: &Config) -> Config {
    let mut own = Config::new();
    own.ssl_mode(config.get_ssl_mode());
    own.ssl_negotiation(config.get_ssl_negotiation());
    own.channel_binding(config.get_channel_binding());
    own.target_session_attrs(config.get_target_session_attrs());
    own.keepalives(config.get_keepalives());
    own.keepalives_idle(config.get_keepalives_idle().min(KEEPALIVE_IDLE));
    own.keepalives_interval(config.get_keepalives_interval().unwrap_or(KEEPALIVE_INTERVAL));
    own.keepalives_retries(config.get_keepalives_retries().unwrap_or(KEEPALIVE_RETRIES));
    own.tcp_user_timeout(config.get_tcp_user_timeout().copied().unwrap_or(UNCONFIRMED_TIMEOUT));
    if let Some(user) = config.get_user() {
        own.user(user);
    }
    if let Some(password) = config.get_password() {
        own.password(password);
    }
    if let Some(dbname) = config.get_dbname() {
        own.dbname(dbname);
    }
    if let Some(options) = config.get_options() {
        own.options(options);
    }
    if let Some(name) = config.get_application_name() {
        own.application_name(name);
    }
    own
}

/// Certificates are checked against the authorities and the host's name: stricter than the mode asks for.
fn tls_config(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, DbError> {
    let roots = match ca_file {
        Some(path) => authorities(path)?,
        None => rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DbError::Other(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn authorities(path: &Path) -> Result<rustls::RootCertStore, DbError> {
    let wrong = |reason: String| DbError::Other(format!("the file of authorities {} {reason}", path.display()));
    let mut roots = rustls::RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    for certificate in found {
        let certificate = certificate.map_err(|error| wrong(format!("is no PEM file: {error}")))?;
        roots.add(certificate).map_err(|error| wrong(format!("holds what cannot be trusted: {error}")))?;
    }
    if roots.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(url: &str) -> Result<Servers, DbError> {
        Servers::new(&PostgresSettings::new(url))
    }

    #[test]
    fn each_server_of_a_url_has_its_port_and_keeps_all_the_rest() {
        let all = servers("postgres://u:p@a:1,b:2/books?connect_timeout=3&application_name=f").unwrap();
        let names: Vec<_> = all.each.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["a:1", "b:2"]);
        for server in &all.each {
            assert_eq!((server.config.get_user(), server.config.get_dbname()), (Some("u"), Some("books")));
            assert_eq!(server.config.get_application_name(), Some("f"));
            assert_eq!(server.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!((server.timeout, server.config.get_hosts().len()), (Duration::from_secs(3), 1));
        }
        let one = servers("postgres://u@a/books").unwrap();
        assert_eq!(one.each[0].config.get_target_session_attrs(), TargetSessionAttrs::Any);
        assert!(servers("postgres:///books").is_err());
    }

    #[test]
    fn a_place_is_named_without_user_and_password() {
        let place = |url: &str| place(&PostgresSettings::new(url));
        assert_eq!(place("postgres://u:hunter2@a,b:2/books"), Ok("a:5432,b:2/books".to_owned()));
        assert_eq!(place("postgres://u:hunter2@/books?host=/run/pg&port=7"), Ok("/run/pg:7/books".to_owned()));
        let counts = place("postgres://u:hunter2@/books?host=a&host=b&host=c&port=1,2").unwrap_err();
        assert!(counts.contains("numbers of hosts"), "{counts}");
    }

    #[test]
    fn authorities_that_cannot_be_used_are_refused_at_once() {
        let mut settings = PostgresSettings::new("postgres://u@a/books");
        settings.ca_file = Some("/no/such/file".into());
        assert!(Servers::new(&settings).is_err_and(|error| error.to_string().contains("/no/such/file")));
        assert!(servers("postgres://u@a/books?sslmode=verify-full").unwrap().tls.is_some());
    }
}
