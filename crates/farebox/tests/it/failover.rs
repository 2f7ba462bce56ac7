//! PostgreSQL's first server is killed under load and its copy takes over: the server goes on by itself, and every
//! answer that a client received is charged exactly once in the books that are left.

use crate::process::{Server, Shop, command};
use farebox_db::{Db, NoFaults};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::{Cluster, TestDb};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const PRICE_MICROS: i64 = 1_000;
const FUNDS_MICROS: i64 = 500_000_000;
/// So that what was under way when the first server died expires while the test waits.
const SETTINGS: [(&str, &str); 5] = [
    ("FAREBOX_NET_TOTAL_TIMEOUT_MS", "3000"),
    ("FAREBOX_NET_FIRST_BYTE_TIMEOUT_MS", "2000"),
    ("FAREBOX_NET_IDLE_TIMEOUT_MS", "2000"),
    ("FAREBOX_NET_CONNECT_TIMEOUT_MS", "2000"),
    ("FAREBOX_CALLS_HOLD_TTL_S", "4"),
];

/// Set by `cargo xtask drill failover`: clients at once, and calls answered before and after the failover.
const CLIENTS_VARIABLE: &str = "FAREBOX_TEST_FAILOVER_CLIENTS";
const CALLS_VARIABLE: &str = "FAREBOX_TEST_FAILOVER_CALLS";
/// How long the server may refuse once the copy has taken over.
const BACK_WITHIN: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(40);
/// How long the calls before and after may take on a busy machine.
const LOAD_PATIENCE: Duration = Duration::from_secs(180);

/// What the clients saw.
#[derive(Default)]
struct Seen {
    /// Ids of calls that were answered with 200.
    received: BTreeSet<String>,
    /// Other answers, by status and code; 0 where none came.
    refused: BTreeMap<(u16, String), usize>,
    longest_wait: Duration,
}

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_primary_costs_refusals_and_no_charge_is_wrong() {
    let cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(reason) => {
            writeln!(std::io::stderr(), "SKIPPED: failover of PostgreSQL; {reason}").unwrap();
            return;
        }
    };
    let place = TestDb::at(cluster.url());
    let shop = Shop::open_with(&place, "0.001", "500").await;
    let server = shop.serve(&SETTINGS).await;
    shop.list(&server).await;
    let seen = load(&shop, &server, &cluster).await;

    let books = Db::postgres(&cluster.replica_url(), 2, Arc::new(NoFaults)).unwrap();
    let open = resolved(&books).await;
    assert_eq!(open, 0, "calls or holds are open after their expiry");
    let charged = charged(&books).await;
    let lost: Vec<_> = seen.received.iter().filter(|id| !charged.contains_key(*id)).collect();
    assert!(lost.is_empty(), "received and not charged: {lost:?}");
    let forwarded = shop.upstream.paths();
    let unserved: Vec<_> = charged.iter().filter(|(_, path)| !forwarded.contains(*path)).collect();
    assert!(unserved.is_empty(), "charged and not forwarded: {unserved:?}");
    let balance = Ask::get("/wallet/balance").key(&shop.buyer).send(&shop.client, &server.base).await.unwrap();
    let spent = FUNDS_MICROS - balance.at("/data/balance_atomic").parse::<i64>().unwrap();
    assert_eq!(spent, charged.len() as i64 * PRICE_MICROS, "what left the balance is what was charged");
    println!(
        "{} calls reached the seller, {} were charged, {} of those unheard: committed, and their answer was lost",
        shop.upstream.asked(),
        charged.len(),
        charged.keys().filter(|id| !seen.received.contains(*id)).count()
    );
    drop(server);
    let (clean, text) = command(shop.folder.path(), &place, &["check-ledger"]);
    assert!(clean, "{text}");
    println!("check-ledger on the copy that took over: {}", text.lines().last().unwrap_or_default());
}

/// Calls from many clients; the first server dies in the middle, the copy takes over, and calls go on.
async fn load(shop: &Shop<'_>, server: &Server, cluster: &Cluster) -> Seen {
    let (clients, calls) = (number(CLIENTS_VARIABLE, 24), number(CALLS_VARIABLE, 200));
    let (answered, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let (key, http, base) = (shop.buyer.clone(), shop.client.clone(), server.base.clone());
        let (answered, refused, stop) = (answered.clone(), refused.clone(), stop.clone());
        tasks.spawn(async move {
            let mut seen = Seen::default();
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let start = Instant::now();
                // A path of its own, by which the seller knows the call.
                let ask = Ask::get(format!("/publishers/things/slow/{}/{client}-{n}", client % 20)).key(&key);
                let got = ask.send(&http, &base).await;
                seen.longest_wait = seen.longest_wait.max(start.elapsed());
                if seen.add(got) {
                    answered.fetch_add(1, Ordering::SeqCst);
                } else {
                    refused.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            seen
        });
    }
    reaches(&answered, calls, LOAD_PATIENCE).await;
    let died = Instant::now();
    cluster.kill_primary();
    let before = answered.load(Ordering::SeqCst);
    // Only once clients are being refused, so that the outage was one.
    reaches(&refused, clients, PATIENCE).await;
    let refusing = died.elapsed();
    tokio::task::block_in_place(|| cluster.promote());
    let promoted = Instant::now();
    let after = answered.load(Ordering::SeqCst);
    let back = reaches(&answered, after + 1, PATIENCE).await;
    reaches(&answered, after + calls, LOAD_PATIENCE).await;
    stop.store(true, Ordering::SeqCst);
    let mut seen = Seen::default();
    while let Some(task) = tasks.join_next().await {
        seen.merge(task.unwrap());
    }
    println!(
        "{before} calls were answered before the first server died, {} after",
        answered.load(Ordering::SeqCst) - before
    );
    println!(
        "without a server that writes for {:.1?} (refusing after {refusing:.1?}); the next answer came {back:.1?} later",
        promoted - died
    );
    println!(
        "refused meanwhile, by status and code: {:?}; the longest a client waited: {:.1?}",
        seen.refused, seen.longest_wait
    );
    assert!(back < BACK_WITHIN, "the server refused for {back:?} after the copy had taken over");
    seen
}

/// Waits until the count is reached; answers how long that took.
async fn reaches(count: &AtomicUsize, wanted: usize, patience: Duration) -> Duration {
    let start = Instant::now();
    while count.load(Ordering::SeqCst) < wanted {
        assert!(start.elapsed() < patience, "{} of {wanted} calls after {patience:?}", count.load(Ordering::SeqCst));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}

impl Seen {
    /// Whether it was an answer that is charged for.
    fn add(&mut self, got: farebox_base::Result<farebox_testkit::app::Got>) -> bool {
        let (status, code) = match got {
            Ok(got) if got.status.as_u16() == 200 => {
                assert!(self.received.insert(got.header("x-farebox-call-id").to_owned()), "an id was given twice");
                return true;
            }
            Ok(got) => (got.status.as_u16(), got.at("/error")),
            Err(_) => (0, "no answer".to_owned()),
        };
        assert!(matches!(status, 0 | 503), "{status} {code}");
        *self.refused.entry((status, code)).or_default() += 1;
        false
    }

    fn merge(&mut self, other: Seen) {
        self.received.extend(other.received);
        self.longest_wait = self.longest_wait.max(other.longest_wait);
        for (answer, times) in other.refused {
            *self.refused.entry(answer).or_default() += times;
        }
    }
}

/// Waits until the server has resolved everything, for at most the patience; answers what is left.
async fn resolved(books: &Db) -> i64 {
    const OPEN: &str =
        "SELECT (SELECT COUNT(*) FROM call WHERE state = 'open') + (SELECT COUNT(*) FROM hold WHERE state = 'held')";
    let start = Instant::now();
    loop {
        let open = books.one(OPEN, &[]).await.unwrap().unwrap().get(0).unwrap();
        if open == 0 || start.elapsed() > PATIENCE {
            return open;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The charged calls, by id, with their paths at the seller.
async fn charged(books: &Db) -> BTreeMap<String, String> {
    let rows = books.query("SELECT id, path FROM call WHERE state = 'charged'", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect()
}
