//! Several servers on one PostgreSQL: money is spent once, and what one changes the others know within a second.

use crate::process::{Server, Shop, command};
use farebox_db::{Db, NoFaults};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::{Pooler, TestDb};
use http::Method;
use serde_json::json;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What 5 USDC pay for at a cent each.
const PAID: usize = 500;
const AT_ONCE: usize = 40;
/// Every call's money is held in the database before the call goes on.
const HELD_IN_DATABASE: (&str, &str) = ("FAREBOX_CALLS_UNSECURED_MAX_USDC", "0");
/// Changes must be known everywhere after this long, says the manual.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_spend_the_same_money_once_and_learn_of_each_others_changes() {
    let Some(place) = TestDb::postgres() else { return };
    let shop = Shop::open(&place, "0.01").await;
    two_servers(&shop, &place, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_behind_a_pooler_of_transactions_do_the_same() {
    let Some(place) = TestDb::postgres() else { return };
    let pooler = match Pooler::start() {
        Ok(pooler) => pooler,
        Err(reason) => {
            writeln!(std::io::stderr(), "SKIPPED: servers behind a pooler of transactions; {reason}").unwrap();
            return;
        }
    };
    let pooled = TestDb::at(pooler.url(place.url().unwrap()));
    let mut shop = Shop::open(&place, "0.01").await;
    shop.place = &pooled;
    two_servers(&shop, &place, &[("FAREBOX_DATABASE_PREPARED_STATEMENTS", "false"), HELD_IN_DATABASE]).await;
}

async fn two_servers(shop: &Shop<'_>, place: &TestDb, settings: &[(&str, &str)]) {
    let (one, two) = (shop.serve(settings).await, shop.serve_beside(settings).await);
    let listing = shop.list(&one).await;
    // The second server learns of the listing before the race for the money begins.
    status_becomes(shop, &two, 200, "/publishers/things").await;
    let in_memory = settings.iter().all(|(name, _)| *name != HELD_IN_DATABASE.0);
    spend_it_all(shop, place, &one, &two, if in_memory { 2 * AT_ONCE as u64 } else { 0 }).await;
    refused_by_the_other(shop, &one, &two, &listing).await;
    drop((one, two));
    let (clean, text) = command(shop.folder.path(), place, &["check-ledger"]);
    assert!(clean, "{text}");
}

/// Servers that set money aside in memory may forward calls whose money the other has spent, as many as run at a time.
async fn spend_it_all(shop: &Shop<'_>, place: &TestDb, one: &Server, two: &Server, unpaid_max: u64) {
    let books = Db::postgres(place.url().unwrap(), 2, Arc::new(NoFaults)).unwrap();
    let before = books.one(COMMITS, &[]).await.unwrap().unwrap();
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in 0..AT_ONCE {
        let (client, base) = (shop.client.clone(), [one, two][worker % 2].base.clone());
        let ask = Ask::get("/publishers/things/ok").key(&shop.buyer);
        tasks.spawn(async move {
            let mut served = 0;
            loop {
                let got = ask.send(&client, &base).await.unwrap();
                match got.status.as_u16() {
                    200 => served += 1,
                    402 => return (worker % 2, served),
                    other => panic!("{other} {}", got.text),
                }
            }
        });
    }
    let mut served = [0, 0];
    while let Some(done) = tasks.join_next().await {
        let (server, calls) = done.unwrap();
        served[server] += calls;
    }
    let took = start.elapsed();
    assert_eq!(served[0] + served[1], PAID, "{served:?}");
    assert!(served.iter().all(|calls| *calls > PAID / 10), "both took part: {served:?}");
    let charged = books.one("SELECT COUNT(*) FROM call WHERE state = 'charged'", &[]).await.unwrap().unwrap();
    assert_eq!(charged.get::<i64>(0), Ok(PAID as i64));
    let unpaid = shop.upstream.asked() - PAID as u64;
    assert!(unpaid <= unpaid_max, "{unpaid} calls were forwarded that nobody paid for");
    let after = books.one(COMMITS, &[]).await.unwrap().unwrap();
    let since = |column| after.get::<i64>(column).unwrap() - before.get::<i64>(column).unwrap();
    println!(
        "{PAID} calls through two servers {served:?} in {took:.1?}: {:.0} calls/s; {} transactions committed, {} rolled \
         back, {} deadlocks",
        PAID as f64 / took.as_secs_f64(),
        since(0),
        since(1),
        since(2),
    );
    let wallet = Ask::get("/wallet/balance").key(&shop.buyer).send(&shop.client, &two.base).await.unwrap();
    assert_eq!(wallet.at("/data/balance_atomic"), "0");
}

const COMMITS: &str =
    "SELECT xact_commit, xact_rollback, deadlocks FROM pg_stat_database WHERE datname = current_database()";

async fn refused_by_the_other(shop: &Shop<'_>, one: &Server, two: &Server, listing: &str) {
    let credit = json!({ "name": "short-lived" });
    let made = Ask::post("/organizations/default/api-keys", credit).key(&shop.buyer);
    let made = made.send(&shop.client, &one.base).await.unwrap();
    let key = made.at("/data/api_key");
    let mine = Ask::get("/auth/me").key(&key);
    assert_eq!(mine.send(&shop.client, &two.base).await.unwrap().status.as_u16(), 200);
    let revoke = Ask::new(Method::DELETE, format!("/organizations/default/api-keys/{}", made.at("/data/id")));
    let took = change(shop, one, two, &revoke.key(&shop.buyer), &mine, 401).await;
    println!("a key that one server revoked was refused by the other after {took:.0?}");

    let call = Ask::get("/publishers/things/ok").key(&shop.buyer);
    assert_eq!(call.send(&shop.client, &two.base).await.unwrap().status.as_u16(), 402);
    let path = format!("/organizations/default/publishers/{listing}");
    let pause = Ask::new(Method::PUT, path).json(json!({ "is_active": false })).key(&shop.seller);
    let took = change(shop, one, two, &pause, &call, 404).await;
    println!("a listing that one server paused was refused by the other after {took:.0?}");
}

/// Makes a change through one server and waits until the other answers as it demands.
async fn change(shop: &Shop<'_>, one: &Server, two: &Server, change: &Ask, ask: &Ask, status: u16) -> Duration {
    let changed = change.send(&shop.client, &one.base).await.unwrap();
    assert!(changed.status.is_success(), "{} {}", changed.status, changed.text);
    let start = Instant::now();
    loop {
        let got = ask.send(&shop.client, &two.base).await.unwrap();
        let took = start.elapsed();
        if got.status.as_u16() == status {
            return took;
        }
        assert!(took < KNOWN_WITHIN, "after {took:?} still {}: {}", got.status, got.text);
    }
}

async fn status_becomes(shop: &Shop<'_>, server: &Server, status: u16, path: &str) {
    let start = Instant::now();
    while Ask::get(path).send(&shop.client, &server.base).await.unwrap().status.as_u16() != status {
        assert!(start.elapsed() < KNOWN_WITHIN, "{path} is not {status}");
    }
}
