//! A pgbouncer in front of the tests' PostgreSQL, in transaction mode: each transaction may get another connection.

use super::databases;
use super::server;
use std::path::PathBuf;
use std::process::Child;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A running pgbouncer; ends when dropped.
pub struct Pooler {
    /// `HOST:PORT`.
    pub address: String,
    _supervisor: Child,
}

impl Pooler {
    /// Starts one, or says why there is none.
    ///
    /// # Errors
    /// A line for a test that is skipped.
    pub fn start() -> Result<Self, String> {
        let program = program().ok_or("pgbouncer is not installed")?;
        let url = server::server_url().ok_or("there is no PostgreSQL")?;
        let (folder, account) = server::folder()?;
        let port = free_port()?;
        let file = folder.path().join("pgbouncer.ini");
        server::write_private(&file, &settings(url, port)?, account)?;
        let arguments = [program.display().to_string(), file.display().to_string()];
        let supervisor = server::supervise(folder.path(), account, &[&arguments[0], &arguments[1]])?;
        let folder = folder.keep();
        let pooler = Self { address: format!("127.0.0.1:{port}"), _supervisor: supervisor };
        server::wait_for(&pooler.url(url), &folder)?;
        Ok(pooler)
    }

    /// A database's URL, through the pooler.
    pub fn url(&self, url: &str) -> String {
        through(&self.address, url)
    }
}

/// The same database, through the pooler.
pub(super) fn through(pooler: &str, url: &str) -> String {
    format!("postgres://postgres@{pooler}/{}", databases::database_name(url))
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16, String> {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(socket.local_addr().map_err(|error| error.to_string())?.port())
}

fn program() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let folders: Vec<PathBuf> = [folders, vec![PathBuf::from("/usr/sbin")]].concat();
    folders.into_iter().map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

fn settings(url: &str, port: u16) -> Result<String, String> {
    let config: Config = url.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => return Err("the server's URL names no host".to_owned()),
    };
    let server_port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap_or("postgres");
    Ok(format!(
        "[databases]\n* = host={host} port={server_port} user={user}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n\
         max_client_conn = 1000\n"
    ))
}
