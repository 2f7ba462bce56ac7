//! The program in processes of its own: a server that can be killed, and what it needs to sell something.

use farebox::serve::{self, SocketSettings};
use farebox_db::{Db, NoFaults};
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
    /// Starts a server on a data folder and waits until it answers.
    pub async fn start(
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
        Self { child, base: format!("http://127.0.0.1:{port}") }.up(client).await
    }

    /// Waits until it answers.
    async fn up(self, client: &Client) -> Self {
        for _ in 0..600 {
            if Ask::get("/health").send(client, &self.base).await.is_ok() {
                return self;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server did not come up in 30 seconds");
    }

    /// The same on the embedded database, with all that it logs in a file.
    pub async fn start_logging(
        folder: &Path,
        place: &TestDb,
        upstream: &str,
        client: &Client,
        port: u16,
        log: &Path,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(folder);
        command.env("FAREBOX_NET_ALLOW", upstream).env("FAREBOX_LOG", "trace");
        if let Some(url) = place.url() {
            command.args(["--database-url", url]);
        }
        let file = std::fs::File::create(log).unwrap();
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, base: format!("http://127.0.0.1:{port}") }.up(client).await
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
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a subcommand to its end; answers whether it succeeded, and all that it printed.
pub fn command(folder: &Path, place: &TestDb, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
    command.args(arguments).arg("--data-dir").arg(folder);
    if let Some(url) = place.url() {
        command.args(["--database-url", url]);
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn key(folder: &Path, place: &TestDb, owner: &str, role: &str) -> String {
    let (ok, text) = command(folder, place, &["admin", "create-key", "--owner", owner, "--role", role]);
    assert!(ok, "{text}");
    text.split_whitespace().find(|word| word.starts_with("fbx_")).unwrap().to_owned()
}

/// A seller's server, and where it listens.
pub async fn upstream() -> (Arc<TestUpstream>, String) {
    let socket = serve::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let upstream = Arc::new(TestUpstream::default());
    tokio::spawn(serve::serve(socket, upstream.clone(), SocketSettings::default(), std::future::pending()));
    (upstream, address)
}

/// A client that may reach a server on this machine.
pub fn client(port: u16) -> Client {
    let allow = vec![format!("127.0.0.1:{port}").parse().unwrap()];
    Client::new(Policy { allow, ..Policy::default() }).unwrap()
}

/// What lists a server at the platform's door.
pub fn listing(slug: &str, address: &str, price: &str) -> serde_json::Value {
    json!({
        "name": slug, "slug": slug, "publisher_category": "integration", "price_per_call": price,
        "api_url": format!("http://{address}"),
        "wallet_address": "0x742d35cC6634c0532925A3b844bc9E7595F0beB1", "wallet_network_id": "base",
    })
}

/// The books of a folder or server, to read.
pub fn open_to_read(folder: &Path, place: &TestDb) -> Db {
    match place.url() {
        Some(url) => Db::postgres(url, 2, Arc::new(NoFaults)).unwrap(),
        None => Db::sqlite_read_only(&folder.join("farebox.db")).unwrap(),
    }
}

/// Waits until no call and no hold is open, for at most thirty seconds; answers how many are left.
pub async fn resolved(folder: &Path, place: &TestDb) -> i64 {
    let db = open_to_read(folder, place);
    let mut open = 0;
    for _ in 0..600 {
        let row = db
            .one("SELECT (SELECT COUNT(*) FROM call WHERE state = 'open') + (SELECT COUNT(*) FROM hold WHERE state = 'held')", &[])
            .await;
        open = row.unwrap().unwrap().get(0).unwrap();
        if open == 0 {
            return 0;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    open
}

/// A seller's upstream, a funded buyer, and a data folder that outlives servers.
pub struct Shop<'a> {
    /// What servers are started on.
    pub place: &'a TestDb,
    pub folder: tempfile::TempDir,
    pub upstream: Arc<TestUpstream>,
    pub upstream_address: String,
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
        Self::open_all(place, price, funds, tempfile::tempdir().unwrap()).await
    }

    /// As [`Shop::open`], with its data in a folder of the caller's.
    pub async fn open_in(place: &'a TestDb, price: &str, folder: tempfile::TempDir) -> Self {
        Self::open_all(place, price, FUNDS, folder).await
    }

    async fn open_all(place: &'a TestDb, price: &str, funds: &str, folder: tempfile::TempDir) -> Self {
        let buyer = key(folder.path(), place, "buyer", "buyer");
        let seller = key(folder.path(), place, "seller", "provider");
        let credit = ["admin", "credit", "--owner", "buyer", "--amount", funds];
        assert!(command(folder.path(), place, &credit).0);
        let (upstream, upstream_address) = upstream().await;
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
        let listing = listing("things", &self.upstream_address, &self.price);
        let ask = Ask::post("/organizations/default/publishers", listing).key(&self.seller);
        let got = ask.send(&self.client, &server.base).await.unwrap();
        assert_eq!(got.status.as_u16(), 201, "{}", got.text);
        got.at("/data/id")
    }
}
