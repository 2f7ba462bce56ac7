//! How a PostgreSQL database is reached, as whoever opens it says; and the limits that nobody sets.

use super::servers;
use std::path::PathBuf;
use std::time::Duration;

/// How long one server may take to be connected to, login included, where the URL has no `connect_timeout`.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction may wait for a connection of the pool.
pub(super) const POOL_WAIT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server whose machine is gone without a word: sent data stays unconfirmed for this long before the socket is broken.
pub(super) const UNCONFIRMED_TIMEOUT: Duration = Duration::from_secs(10);
/// The same where nothing is being sent: after so long an idle connection is probed, and then `KEEPALIVE_RETRIES` times.
pub(super) const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
pub(super) const KEEPALIVE_RETRIES: u32 = 3;
/// How long an answer may take where nobody says otherwise.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_CONNECTIONS: usize = 16;

/// How a PostgreSQL database is reached.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?options`; several servers are written `host1:port1,host2:port2`.
    pub url: String,
    /// The most connections that are kept.
    pub max_connections: usize,
    /// Whether statements stay prepared on their connection. Must be off behind a pooler that gives each transaction
    /// another server connection.
    pub prepared_statements: bool,
    /// How long the server may take to answer a statement; its connection is given up then. Not for migrations.
    pub answer_timeout: Option<Duration>,
    /// PEM file with the authorities that may have signed the server's certificate, in place of the public ones.
    /// Makes TLS obligatory.
    pub ca_file: Option<PathBuf>,
}

impl PostgresSettings {
    /// Everything but the URL as most want it.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: MAX_CONNECTIONS,
            prepared_statements: true,
            answer_timeout: Some(ANSWER_TIMEOUT),
            ca_file: None,
        }
    }

    /// The servers and the database that the URL names, `host1:port,host2:port/books`, without user and password.
    /// Connects to nothing.
    ///
    /// # Errors
    /// What cannot work about the URL, as the end of a sentence that begins with what names it: "has a wrong sslmode:
    /// it must be one of …". Quotes no value.
    pub fn place(&self) -> Result<String, String> {
        servers::place(self)
    }
}
