//! The books of earlier schemas, saved with real content, come up under this program and are what they were.
//!
//! `tests/data/books-NNNN.sqlite` is a database that ended with migration NNNN, `.json` beside it what its keys are and what
//! they read then. One is made anew by the first test here; `tests/data/README.md` says when and how.

use crate::process::{Server, Shop, command, resolved};
use farebox_net::Client;
use farebox_testkit::app::{Ask, TestUpstream};
use farebox_testkit::engines::TestDb;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Names the folder that the made database and its note are saved in.
const SAVE_TO: &str = "FAREBOX_TEST_SAVE_BOOKS";
const SETTINGS: [(&str, &str); 2] =
    [("FAREBOX_FEES_GATEWAY_FEE_BASIS_POINTS", "500"), ("FAREBOX_LIMITS_MARKETPLACE_ENABLED", "false")];
/// What the buyer, and what the seller, reads before and after.
const BUYERS: [&str; 3] = ["/wallet/balance", "/wallet/transactions?limit=100", "/api/v1/usage/me"];
const SELLERS: [&str; 3] = ["/wallet/balance", "/wallet/transactions?limit=100", "/organizations/default/publishers"];

#[tokio::test(flavor = "multi_thread")]
async fn books_with_calls_and_holds_in_every_state_can_be_made_for_later_upgrades() {
    let place = TestDb::sqlite().await;
    let shop = Shop::open(&place, "0.001").await;
    let server = shop.serve(&SETTINGS).await;
    shop.list(&server).await;
    trade(&shop, &server).await;
    abandon(&shop, server, 2).await;
    // The next server closes what the first left open, as expired; it is killed over open calls again.
    let server = shop.serve(&SETTINGS).await;
    let read = json!({
        "buyer": read(&shop.client, &server, &shop.buyer, &BUYERS).await,
        "seller": read(&shop.client, &server, &shop.seller, &SELLERS).await,
    });
    abandon(&shop, server, 3).await;
    // Opens and closes the database without looking at calls, so that its log is folded in.
    let (ok, text) = command(shop.folder.path(), &place, &["migrate"]);
    assert!(ok, "{text}");
    let (ok, text) = command(shop.folder.path(), &place, &["check-ledger"]);
    assert!(ok, "{text}");
    let file = shop.folder.path().join("farebox.db");
    assert_eq!(
        states(&file).await,
        json!({
            "call": ["canceled", "charged", "expired", "failed", "free", "open"],
            "hold": ["held", "posted", "voided"],
            "idempotency": ["done", "running", "too_large"],
        })
    );
    if let Ok(folder) = std::env::var(SAVE_TO) {
        let note = json!({
            "secret_key": std::fs::read_to_string(shop.folder.path().join("secret.key")).unwrap().trim(),
            "buyer_key": shop.buyer, "seller_key": shop.seller, "read": read,
        });
        let last = farebox_db::migrations().last().unwrap().0;
        let stem = Path::new(&folder).join(format!("books-{}", &last[..4]));
        std::fs::copy(&file, stem.with_extension("sqlite")).unwrap();
        std::fs::write(stem.with_extension("json"), format!("{note:#}\n")).unwrap();
    }
}

/// Everything that moves money or leaves a row, through the doors.
async fn trade(shop: &Shop<'_>, server: &Server) {
    let expect = async |ask: Ask, status: u16| {
        let got = ask.send(&shop.client, &server.base).await.unwrap();
        assert_eq!(got.status.as_u16(), status, "{}\n{}", ask.curl(&server.base), got.text);
        got
    };
    let buyer = |ask: Ask| ask.key(&shop.buyer);
    for _ in 0..5 {
        expect(buyer(Ask::get("/publishers/things/ok")), 200).await;
    }
    expect(buyer(Ask::get("/publishers/things/status/404")), 404).await;
    expect(buyer(Ask::get("/publishers/things/status/500")), 500).await;
    expect(buyer(Ask::post("/publishers/things/echo", json!({"n": 1}))).with("Idempotency-Key", "one"), 200).await;
    expect(buyer(Ask::get("/publishers/things/bytes/1100000")).with("Idempotency-Key", "long"), 200).await;
    expect(buyer(Ask::post("/wallet/bonus/signup", json!({}))), 200).await;
    let service = json!({
        "name": "tried", "description": "the same server with a free tier", "category": "data", "price_per_call": "0.02",
        "endpoint": format!("http://{}", shop.upstream_address), "free_tier_calls": 2,
    });
    let made = expect(Ask::post("/api/v1/services", service).key(&shop.seller), 201).await;
    for _ in 0..3 {
        expect(buyer(Ask::get(format!("/api/v1/proxy/{}/ok", made.at("/id")))), 200).await;
    }
    let provider = json!({
        "name": "Quotes", "email": "owner@example.com", "connectionString": "postgresql://reader:secret@192.0.2.1/quotes",
        "walletAddress": "0x1f9090aaE28b8a3dCeaDf281B0F12828e676c326",
    });
    expect(Ask::post("/api/providers/register", provider), 201).await;
    leave(shop, server).await;
}

/// A client that leaves before its answer began: the call is canceled.
async fn leave(shop: &Shop<'_>, server: &Server) {
    let (client, base) = (shop.client.clone(), server.base.clone());
    let ask = Ask::get("/publishers/things/hang").key(&shop.buyer);
    let leaving = tokio::spawn(async move { ask.send(&client, &base).await.is_ok() });
    hanging(&shop.upstream, 1).await;
    leaving.abort();
    assert_eq!(resolved(shop.folder.path(), shop.place).await, 0);
}

/// Kills the server while so many calls hang at the seller, one of them with an idempotency key.
async fn abandon(shop: &Shop<'_>, server: Server, calls: i64) {
    hanging(&shop.upstream, 0).await;
    let tasks: Vec<_> = (0..calls)
        .map(|n| {
            let (client, base) = (shop.client.clone(), server.base.clone());
            let mut ask = Ask::get("/publishers/things/hang").key(&shop.buyer);
            if n == 0 {
                ask = ask.with("Idempotency-Key", format!("hangs-{calls}"));
            }
            tokio::spawn(async move { ask.send(&client, &base).await.is_ok() })
        })
        .collect();
    hanging(&shop.upstream, calls).await;
    server.kill();
    for task in tasks {
        assert!(!task.await.unwrap(), "a call that hung was answered");
    }
}

async fn hanging(upstream: &TestUpstream, calls: i64) {
    for _ in 0..1_000 {
        if upstream.running() == calls {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {calls} but {} calls hang at the seller", upstream.running());
}

/// Which states there are, by table.
async fn states(file: &Path) -> Value {
    let db = farebox_db::Db::sqlite_read_only(file).unwrap();
    let mut all = json!({});
    for (table, statement) in [
        ("call", "SELECT DISTINCT state FROM call ORDER BY state"),
        ("hold", "SELECT DISTINCT state FROM hold ORDER BY state"),
        ("idempotency", "SELECT DISTINCT state FROM idempotency ORDER BY state"),
    ] {
        let rows = db.query(statement, &[]).await.unwrap();
        all[table] = rows.iter().map(|row| row.get::<String>(0).unwrap()).collect();
    }
    all
}

async fn read(client: &Client, server: &Server, key: &str, paths: &[&str]) -> Value {
    let mut all = json!({});
    for path in paths {
        let got = Ask::get(*path).key(key).send(client, &server.base).await.unwrap();
        assert_eq!(got.status.as_u16(), 200, "{path}: {}", got.text);
        all[*path] = serde_json::from_str(&got.text).unwrap();
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_of_every_earlier_schema_come_up_and_are_what_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let saved: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|end| end == "sqlite")).collect();
    assert!(!saved.is_empty(), "no saved books");
    for file in saved {
        println!("{}", file.display());
        upgraded(&file).await;
    }
}

async fn upgraded(saved: &Path) {
    let note: Value = serde_json::from_str(&std::fs::read_to_string(saved.with_extension("json")).unwrap()).unwrap();
    let text = |name: &str| note[name].as_str().unwrap();
    let (place, folder) = (TestDb::sqlite().await, tempfile::tempdir().unwrap());
    std::fs::copy(saved, folder.path().join("farebox.db")).unwrap();
    std::fs::write(folder.path().join("secret.key"), text("secret_key")).unwrap();
    for arguments in [["migrate"], ["check-ledger"]] {
        let (ok, said) = command(folder.path(), &place, &arguments);
        assert!(ok, "{said}");
    }
    let (upstream, upstream_address) = crate::process::upstream().await;
    let port = crate::process::free_port();
    let client = crate::process::client(port);
    let server = Server::start(folder.path(), &place, &upstream_address, &client, port, &SETTINGS).await;
    assert_eq!(resolved(folder.path(), &place).await, 0, "calls or holds are open");
    for (key, paths, before) in
        [("buyer_key", BUYERS, &note["read"]["buyer"]), ("seller_key", SELLERS, &note["read"]["seller"])]
    {
        let now = read(&client, &server, text(key), &paths).await;
        assert!(still_says(&now, before), "{key} reads\n{now:#}\nand read\n{before:#}");
    }
    calls_go_on(&client, &server, &upstream, &upstream_address, &note).await;
    server.kill();
    let (ok, said) = command(folder.path(), &place, &["check-ledger"]);
    assert!(ok, "{said}");
}

/// Old keys list, call and pay.
async fn calls_go_on(client: &Client, server: &Server, upstream: &Arc<TestUpstream>, address: &str, note: &Value) {
    let text = |name: &str| note[name].as_str().unwrap();
    let balance = async || {
        let got = Ask::get("/wallet/balance").key(text("buyer_key")).send(client, &server.base).await.unwrap();
        got.at("/data/balance_atomic").parse::<i64>().unwrap()
    };
    let listing = crate::process::listing("later", address, "0.001");
    let ask = Ask::post("/organizations/default/publishers", listing).key(text("seller_key"));
    assert_eq!(ask.send(client, &server.base).await.unwrap().status.as_u16(), 201);
    let before = balance().await;
    let got = Ask::get("/publishers/later/ok").key(text("buyer_key")).send(client, &server.base).await.unwrap();
    assert_eq!((got.status.as_u16(), upstream.asked()), (200, 1), "{}", got.text);
    assert_eq!(before - balance().await, 1_000);
}

/// Whether all that was said is said again; a newer program may say more.
fn still_says(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            // A line that sums up a day's calls is named anew by each schema; what it says stays.
            let sums_up = before.get("source").is_some_and(|source| source == "usage");
            let kept = before.iter().filter(|(name, _)| !(sums_up && *name == "id"));
            kept.into_iter().all(|(name, value)| now.get(name).is_some_and(|now| still_says(now, value)))
        }
        (Value::Array(now), Value::Array(before)) => {
            now.len() == before.len() && now.iter().zip(before).all(|(now, before)| still_says(now, before))
        }
        (now, before) => now == before,
    }
}
