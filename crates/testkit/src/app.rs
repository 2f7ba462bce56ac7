//! The whole server in the test's process, on a port of its own, with an upstream beside it.

mod upstream;

pub use farebox::demo::client::{Ask, Got};
pub use upstream::{BLOCK, TestUpstream, block};

use crate::engines::{TestDb, UNNAMED_VARIABLE};
use farebox::App;
use farebox::config::{Config, ConfigSources, load};
use farebox::serve::{self, SocketSettings};
use farebox_base::{Micros, PartyId};
use farebox_billing::Grant;
use farebox_net::{Client, Policy};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running server with an upstream, gone when dropped.
pub struct TestApp {
    pub app: App,
    pub base: String,
    pub upstream: Arc<TestUpstream>,
    pub upstream_address: SocketAddr,
    client: Client,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
    folder: tempfile::TempDir,
}

/// An agent that registered, and what it needs to act.
#[derive(Clone, Debug)]
pub struct Agent {
    pub key: String,
    pub party: PartyId,
}

impl TestApp {
    /// Starts on a database, with settings over the defaults (`("net.allow", "…")`).
    pub async fn start(place: &TestDb, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let upstream_socket = serve::bind("127.0.0.1:0").await.unwrap();
        let upstream_address = upstream_socket.local_addr().unwrap();
        let listener = serve::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = config(place, folder.path(), address, upstream_address, settings);
        let app = App::start(&config, Some(folder.path())).await.unwrap();
        let upstream = Arc::new(TestUpstream::default());
        let limits = SocketSettings::default();
        tokio::spawn(serve::serve(upstream_socket, upstream.clone(), limits, std::future::pending()));
        let (stop, mut stopped) = watch::channel(false);
        let server = app.clone();
        let serving = tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            server.serve(listener, shutdown).await;
        });
        let allow = vec![address.to_string().parse().unwrap()];
        let client = Client::new(Policy { allow, ..Policy::default() }).unwrap();
        let (base, serving) = (format!("http://{address}"), Some(serving));
        Self { app, base, upstream, upstream_address, client, stop, serving, folder }
    }

    pub async fn ask(&self, ask: &Ask) -> Got {
        ask.send(&self.client, &self.base).await.unwrap()
    }

    /// Asks and expects a status; anything else fails the test with the reply.
    pub async fn expect(&self, ask: &Ask, status: u16) -> Got {
        let got = self.ask(ask).await;
        assert_eq!(got.status.as_u16(), status, "{}\n{}", ask.curl(&self.base), got.text);
        got
    }

    /// The data folder, where SQLite files that are listed as databases lie too.
    pub fn folder(&self) -> std::path::PathBuf {
        self.folder.path().to_owned()
    }

    /// The client that tests may send requests of their own with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Registers an agent at the platform door.
    pub async fn agent(&self, name: &str) -> Agent {
        let got = self.expect(&Ask::post("/auth/agent", json!({ "name": name })), 201).await;
        Agent {
            key: got.at("/data/agent/api_key"),
            party: PartyId::parse(&got.at("/data/agent/organization_id")).unwrap(),
        }
    }

    /// Gives an agent money.
    pub async fn fund(&self, party: PartyId, amount_micros: i64) {
        let id = format!("test-{party}-{}", farebox_base::uuid_v7(&*self.app.clock, &*self.app.rng));
        let amount = Micros::new(amount_micros);
        let grant = Grant { id, party, seller: None, amount, memo: "test money".to_owned() };
        assert!(self.app.wallets.grant(&grant).await.unwrap());
    }

    /// What an agent can spend, in micros.
    pub async fn balance(&self, party: PartyId) -> i64 {
        self.app.wallets.balances(party).await.unwrap().spendable().unwrap().get()
    }

    /// Lists the test's upstream through the platform door; answers slug and id.
    pub async fn list(&self, seller: &Agent, slug: &str, price: &str) -> (String, String) {
        let got = self.expect(&self.listing(seller, slug, price, &json!({})), 201).await;
        (got.at("/data/slug"), got.at("/data/id"))
    }

    /// A request that lists the test's upstream, with more fields.
    pub fn listing(&self, seller: &Agent, slug: &str, price: &str, more: &Value) -> Ask {
        let mut body = json!({
            "name": slug, "slug": slug, "publisher_category": "integration", "price_per_call": price,
            "api_url": format!("http://{}", self.upstream_address),
            "wallet_address": "0x742d35cC6634c0532925A3b844bc9E7595F0beB1", "wallet_network_id": "eip155:84532",
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        Ask::post("/organizations/default/publishers", body).key(&seller.key)
    }

    /// Fails the test where any invariant of the books is broken.
    pub async fn assert_books_balance(&self) {
        let mut findings = farebox_ledger::check::check(&self.app.db).await.unwrap();
        findings.extend(farebox_calls::check(&self.app.db).await.unwrap());
        findings.extend(self.deep_findings().await);
        for finding in findings {
            assert_eq!(finding.broken, 0, "{}: {:?}", finding.invariant, finding.examples);
        }
    }

    /// What the deep check finds once nobody writes: it reads the book in several statements.
    async fn deep_findings(&self) -> Vec<farebox_ledger::check::Finding> {
        for _ in 0..20 {
            let findings = farebox_ledger::check::check_deep(&self.app.db, |_| {}).await.unwrap().findings;
            if findings.iter().all(|finding| finding.broken == 0) {
                return findings;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        farebox_ledger::check::check_deep(&self.app.db, |_| {}).await.unwrap().findings
    }

    /// Waits until no call is open, for at most ten seconds.
    pub async fn settled(&self) {
        for _ in 0..1_000 {
            let row = self.app.db.one("SELECT COUNT(*) FROM call WHERE state = 'open'", &[]).await.unwrap();
            if row.unwrap().get::<i64>(0).unwrap() == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("calls are still open after ten seconds");
    }

    /// Stops as a signal would, and waits for the end.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

fn config(
    place: &TestDb,
    folder: &std::path::Path,
    address: SocketAddr,
    upstream: SocketAddr,
    settings: &[(&str, &str)],
) -> Config {
    let mut overrides = vec![
        ("database.data_dir".to_owned(), folder.display().to_string()),
        ("server.listen".to_owned(), address.to_string()),
        ("server.shutdown_grace_ms".to_owned(), "3000".to_owned()),
        ("net.allow".to_owned(), upstream.to_string()),
        ("marketplace.open_provider_registration".to_owned(), "true".to_owned()),
        ("limits.marketplace_enabled".to_owned(), "false".to_owned()),
        ("limits.sql_gateway_enabled".to_owned(), "false".to_owned()),
    ];
    if let Some(url) = place.url() {
        overrides.push(("database.url".to_owned(), url.to_owned()));
        let prepared = std::env::var_os(UNNAMED_VARIABLE).is_none();
        overrides.push(("database.prepared_statements".to_owned(), prepared.to_string()));
    }
    overrides.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    load(ConfigSources { file: None, env: std::iter::empty(), overrides }).unwrap()
}
