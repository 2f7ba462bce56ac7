//! The server is killed in the middle of a thousand calls: nothing is lost, nothing is charged twice.

use farebox::serve::{self, SocketSettings};
use farebox_db::{Db, NoFaults};
use farebox_net::{Client, Policy};
use farebox_testkit::app::{Ask, TestUpstream};
use farebox_testkit::engines::TestDb;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CALLS: usize = 1_000;
const PRICE_MICROS: i64 = 1_000;
const FUNDS: &str = "5";

/// The program in a process of its own, killed when dropped.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    async fn start(folder: &Path, place: &TestDb, upstream: &str, client: &Client, port: u16) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(folder);
        command.env("FAREBOX_NET_ALLOW", upstream).env("FAREBOX_LOG", "error");
        for (name, value) in [
            ("FAREBOX_NET_TOTAL_TIMEOUT_MS", "3000"),
            ("FAREBOX_NET_FIRST_BYTE_TIMEOUT_MS", "2000"),
            ("FAREBOX_NET_IDLE_TIMEOUT_MS", "2000"),
            ("FAREBOX_NET_CONNECT_TIMEOUT_MS", "2000"),
            ("FAREBOX_CALLS_HOLD_TTL_S", "4"),
        ] {
            command.env(name, value);
        }
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

    /// As `kill -9`.
    fn kill(mut self) {
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

fn command(folder: &Path, place: &TestDb, arguments: &[&str]) -> (bool, String) {
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

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_thousand_calls_the_books_stay_exact() {
    for place in TestDb::all().await {
        killed(&place).await;
    }
}

async fn killed(place: &TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let (buyer, seller) = (key(folder.path(), place, "buyer", "buyer"), key(folder.path(), place, "seller", "provider"));
    assert!(command(folder.path(), place, &["admin", "credit", "--owner", "buyer", "--amount", FUNDS]).0);

    let socket = serve::bind("127.0.0.1:0").await.unwrap();
    let upstream_address = socket.local_addr().unwrap().to_string();
    let upstream = Arc::new(TestUpstream::default());
    tokio::spawn(serve::serve(socket, upstream.clone(), SocketSettings::default(), std::future::pending()));

    let port = free_port();
    let allow = vec![format!("127.0.0.1:{port}").parse().unwrap()];
    let client = Client::new(Policy { allow, ..Policy::default() }).unwrap();
    let server = Server::start(folder.path(), place, &upstream_address, &client, port).await;
    let listing = json!({
        "name": "things", "slug": "things", "publisher_category": "integration", "price_per_call": "0.001",
        "api_url": format!("http://{upstream_address}"),
        "wallet_address": "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb1", "wallet_network_id": "base",
    });
    let listed = Ask::post("/organizations/default/publishers", listing).key(&seller).send(&client, &server.base).await;
    assert_eq!(listed.unwrap().status.as_u16(), 201);

    let answered = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..CALLS)
        .map(|n| {
            let (client, base, answered) = (client.clone(), server.base.clone(), answered.clone());
            let ask = Ask::get(format!("/publishers/things/slow/{}", n % 40)).key(&buyer);
            tokio::spawn(async move {
                let got = ask.send(&client, &base).await.ok().filter(|got| got.status.as_u16() == 200)?;
                answered.fetch_add(1, Ordering::SeqCst);
                Some(got.header("x-farebox-call-id").to_owned())
            })
        })
        .collect();
    while answered.load(Ordering::SeqCst) < CALLS / 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.kill();
    let mut received = BTreeSet::new();
    for task in tasks {
        received.extend(task.await.unwrap());
    }
    assert!((CALLS / 5..CALLS).contains(&received.len()), "{} of {CALLS} were answered", received.len());

    let server = Server::start(folder.path(), place, &upstream_address, &client, port).await;
    let open = resolved(folder.path(), place).await;
    assert_eq!(open, 0, "calls or holds are open after their expiry");
    let balance = Ask::get("/wallet/balance").key(&buyer).send(&client, &server.base).await.unwrap();
    server.kill();

    let charged = charged(folder.path(), place).await;
    assert!(received.is_subset(&charged), "an answer was received and not posted");
    assert!(charged.len() as u64 <= upstream.asked());
    let spent = 5_000_000 - balance.at("/data/balance_atomic").parse::<i64>().unwrap();
    assert_eq!(spent, charged.len() as i64 * PRICE_MICROS, "what left the balance is what was charged");
    let (clean, text) = command(folder.path(), place, &["check-ledger"]);
    assert!(clean, "{text}");
}

fn open_to_read(folder: &Path, place: &TestDb) -> Db {
    match place.url() {
        Some(url) => Db::postgres(url, 2, Arc::new(NoFaults)).unwrap(),
        None => Db::sqlite_read_only(&folder.join("farebox.db")).unwrap(),
    }
}

/// Waits until the restarted server has resolved everything, for at most thirty seconds; answers what is left.
async fn resolved(folder: &Path, place: &TestDb) -> i64 {
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

async fn charged(folder: &Path, place: &TestDb) -> BTreeSet<String> {
    let db = open_to_read(folder, place);
    let rows = db.query("SELECT id FROM call WHERE state = 'charged'", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}
