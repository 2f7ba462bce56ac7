//! PostgreSQL servers of a test's own: one that takes writes with a copy that confirms every commit, and one with TLS.
//!
//! They listen on 127.0.0.1 with ports of their own and end with the test's process at the latest.

use super::databases;
use super::pooler::free_port;
use super::server::{self, Account};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const REPLICA_POLLS: u32 = 500;
const REPLICA_POLL: Duration = Duration::from_millis(20);

/// A server that speaks TLS.
pub struct SecureServer(Node);

/// Two servers.
pub struct Cluster {
    programs: PathBuf,
    primary: Node,
    replica: Node,
}

struct Node {
    folder: PathBuf,
    account: Option<Account>,
    port: u16,
    _supervisor: Child,
}

impl SecureServer {
    /// Starts a server with a certificate and its key, both PEM.
    ///
    /// # Errors
    /// Why there can be none, as a line for a test that is skipped.
    pub fn start(certificate: &str, key: &str) -> Result<Self, String> {
        let programs = server::programs().ok_or("PostgreSQL is not installed")?;
        let (folder, account) = server::folder()?;
        server::initialise(&programs, folder.path(), account)?;
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            server::write_private(&folder.path().join("data").join(name), text, account)?;
        }
        Node::start(&programs, folder, account, &["ssl=on"]).map(Self)
    }

    /// The URL, by a name that may stand in the certificate or not.
    pub fn url(&self, host: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres", self.0.port)
    }
}

impl Cluster {
    /// Starts both, with an empty database `books`; an acknowledged commit is on both.
    ///
    /// # Errors
    /// Why there can be none, as a line for a test that is skipped.
    pub fn start() -> Result<Self, String> {
        let programs = server::programs().ok_or("PostgreSQL is not installed")?;
        if !programs.join("pg_basebackup").is_file() {
            return Err("pg_basebackup is not installed".to_owned());
        }
        let (folder, account) = server::folder()?;
        server::initialise(&programs, folder.path(), account)?;
        let primary = Node::start(&programs, folder, account, &["hot_standby=on"])?;
        databases::ask(&primary.url("postgres"), "CREATE DATABASE books")?;
        let (folder, account) = server::folder()?;
        let (port, data) = (primary.port.to_string(), folder.path().join("data"));
        let mut copy = server::as_account(programs.join("pg_basebackup"), folder.path(), account);
        copy.args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "-N", "-D"]);
        let copied = copy.arg(data).stdin(Stdio::null()).output().map_err(|error| format!("pg_basebackup: {error}"))?;
        if !copied.status.success() {
            let said = String::from_utf8_lossy(&copied.stderr).into_owned();
            return Err(format!("pg_basebackup failed: {}", server::cause(&said)));
        }
        let replica = Node::start(&programs, folder, account, &["hot_standby=on"])?;
        let cluster = Self { programs, primary, replica };
        cluster.synchronise()?;
        Ok(cluster)
    }

    /// From here on a commit waits for the copy. Said after the copy was made, which so does not wait for another.
    fn synchronise(&self) -> Result<(), String> {
        let url = self.primary.url("postgres");
        databases::ask(&url, "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        databases::ask(&url, "SELECT pg_reload_conf()")?;
        for _ in 0..REPLICA_POLLS {
            let states = databases::ask(&url, "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")?;
            if states.iter().any(|state| state == "sync") {
                return Ok(());
            }
            std::thread::sleep(REPLICA_POLL);
        }
        Err("the copy does not follow".to_owned())
    }

    /// The URL with both servers.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/books?connect_timeout=2",
            self.primary.port, self.replica.port
        )
    }

    /// The URL of the copy alone.
    pub fn replica_url(&self) -> String {
        self.replica.url("books")
    }

    /// Kills every process of the first server, as `kill -9`.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn kill_primary(&self) {
        let file = self.primary.folder.join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("the server runs");
        let parent = text.lines().next().expect("its number").to_owned();
        let children =
            std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).expect("its processes");
        let mut kill = std::process::Command::new("kill");
        kill.arg("-9").arg(&parent).args(children.split_whitespace()).stderr(Stdio::null());
        // One of the children may have ended by itself.
        let _status = kill.status().expect("kill runs");
    }

    /// Makes the copy the one that takes writes; returns when it does.
    ///
    /// # Panics
    /// Where it does not take over within a minute.
    pub fn promote(&self) {
        let mut promote = server::as_account(self.programs.join("pg_ctl"), &self.replica.folder, self.replica.account);
        let promote = promote.args(["promote", "-w", "-D"]).arg(self.replica.folder.join("data"));
        let done = promote.stdin(Stdio::null()).output().expect("pg_ctl runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Node {
    fn start(programs: &Path, folder: TempDir, account: Option<Account>, more: &[&str]) -> Result<Self, String> {
        let port = free_port()?;
        let at = format!("port={port}");
        let settings = [&["listen_addresses=127.0.0.1", at.as_str()], more].concat();
        let supervisor = server::run_server(programs, folder.path(), account, &settings)?;
        let node = Self { folder: folder.keep(), account, port, _supervisor: supervisor };
        server::wait_for(&node.url("postgres"), &node.folder)?;
        Ok(node)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}
