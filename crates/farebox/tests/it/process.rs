//! The program in processes of its own: a server that can be killed, and what it needs to sell something.

use farebox::serve::{self, SocketSettings};
use farebox_net::{Client, Policy};
use farebox_testkit::app::{Ask, TestUpstream};
use farebox_testkit::engines::TestDb;
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Funds of the buyer where nobody says otherwise, in USDC.
const FUNDS: &str = "5";

/// The program in a process of its own, killed when dropped.
pub struct Server {
    child: Child,
    pub base: String,
}

impl Server {
    async fn start(
        folder: &Path,
        place: &TestDb,
        upstream: &str,
        client: &Client,
        port: u16,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(folder);
        command.env("FAREBOX_NET_ALLOW", upstream).env("FAREBOX_LOG", "error");
        command.envs(settings.iter().copied());
        if let Some(url) = place.url() {
            command.args(["--database-url", url]);
        }
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let server = Self { child, base: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if Ask::get("/health").send(client, &server.base).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server did not come up in 30 seconds");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn command(folder: &Path, place: &TestDb, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
    command.args(arguments).arg("--data-dir").arg(folder);
    if let Some(url) = place.url() {
        command.args(["--database-url", url]);
    }
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn key(folder: &Path, place: &TestDb, owner: &str, role: &str) -> String {
    let (ok, text) = command(folder, place, &["admin", "create-key", "--owner", owner, "--role", role]);
    assert!(ok, "{text}");
    text.split_whitespace().find(|word| word.starts_with("fbx_")).unwrap().to_owned()
}

/// A seller's upstream, a funded buyer, and a data folder that outlives servers.
pub struct Shop<'a> {
    /// What servers are started on.
    pub place: &'a TestDb,
    pub folder: tempfile::TempDir,
    pub upstream: Arc<TestUpstream>,
    upstream_address: String,
    pub client: Client,
    pub buyer: String,
    pub seller: String,
    price: String,
    port: u16,
}

impl<'a> Shop<'a> {
    pub async fn open(place: &'a TestDb, price: &str) -> Self {
        Self::open_with(place, price, FUNDS).await
    }

    /// With funds for the buyer, in USDC.
    pub async fn open_with(place: &'a TestDb, price: &str, funds: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let buyer = key(folder.path(), place, "buyer", "buyer");
        let seller = key(folder.path(), place, "seller", "provider");
        let credit = ["admin", "credit", "--owner", "buyer", "--amount", funds];
        assert!(command(folder.path(), place, &credit).0);
        let socket = serve::bind("127.0.0.1:0").await.unwrap();
        let upstream_address = socket.local_addr().unwrap().to_string();
        let upstream = Arc::new(TestUpstream::default());
        tokio::spawn(serve::serve(socket, upstream.clone(), SocketSettings::default(), std::future::pending()));
        let port = free_port();
        let allow = vec!["127.0.0.1".parse().unwrap()];
        let client = Client::new(Policy { allow, ..Policy::default() }).unwrap();
        let price = price.to_owned();
        Self { place, folder, upstream, upstream_address, client, buyer, seller, price, port }
    }

    /// Starts a server on the folder, with settings from the environment, and waits until it answers.
    pub async fn serve(&self, settings: &[(&str, &str)]) -> Server {
        Server::start(self.folder.path(), self.place, &self.upstream_address, &self.client, self.port, settings).await
    }

    /// Starts one more server on the folder, at a port of its own.
    pub async fn serve_beside(&self, settings: &[(&str, &str)]) -> Server {
        let port = free_port();
        Server::start(self.folder.path(), self.place, &self.upstream_address, &self.client, port, settings).await
    }

    /// Lists the upstream as `things`; answers the listing's id.
    pub async fn list(&self, server: &Server) -> String {
        let listing = json!({
            "name": "things", "slug": "things", "publisher_category": "integration", "price_per_call": self.price,
            "api_url": format!("http://{}", self.upstream_address),
            "wallet_address": "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb1", "wallet_network_id": "base",
        });
        let ask = Ask::post("/organizations/default/publishers", listing).key(&self.seller);
        let got = ask.send(&self.client, &server.base).await.unwrap();
        assert_eq!(got.status.as_u16(), 201, "{}", got.text);
        got.at("/data/id")
    }
}
