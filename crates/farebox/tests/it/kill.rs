//! The server is killed in the middle of a thousand calls: nothing is lost, nothing is charged twice.

use crate::process::{Server, Shop, command, open_to_read, resolved};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CALLS: usize = 1_000;
const PRICE_MICROS: i64 = 1_000;
/// So that what a killed server left open expires while the test waits.
const SHORT_HOLDS: [(&str, &str); 5] = [
    ("FAREBOX_NET_TOTAL_TIMEOUT_MS", "3000"),
    ("FAREBOX_NET_FIRST_BYTE_TIMEOUT_MS", "2000"),
    ("FAREBOX_NET_IDLE_TIMEOUT_MS", "2000"),
    ("FAREBOX_NET_CONNECT_TIMEOUT_MS", "2000"),
    ("FAREBOX_CALLS_HOLD_TTL_S", "4"),
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_thousand_calls_the_books_stay_exact() {
    for place in TestDb::all().await {
        killed(&place).await;
    }
}

async fn killed(place: &TestDb) {
    let shop = Shop::open(place, "0.001").await;
    let server = shop.serve(&SHORT_HOLDS).await;
    shop.list(&server).await;
    let (folder, client, buyer) = (shop.folder.path(), &shop.client, &shop.buyer);
    let answered = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..CALLS)
        .map(|n| {
            let (client, base, answered) = (client.clone(), server.base.clone(), answered.clone());
            let ask = Ask::get(format!("/publishers/things/slow/{}", n % 40)).key(buyer);
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

    let server: Server = shop.serve(&SHORT_HOLDS).await;
    let open = resolved(folder, place).await;
    assert_eq!(open, 0, "calls or holds are open after their expiry");
    let balance = Ask::get("/wallet/balance").key(buyer).send(client, &server.base).await.unwrap();
    server.kill();

    let charged = charged(folder, place).await;
    assert!(received.is_subset(&charged), "an answer was received and not posted");
    assert!(charged.len() as u64 <= shop.upstream.asked());
    let spent = 5_000_000 - balance.at("/data/balance_atomic").parse::<i64>().unwrap();
    assert_eq!(spent, charged.len() as i64 * PRICE_MICROS, "what left the balance is what was charged");
    let (clean, text) = command(folder, place, &["check-ledger"]);
    assert!(clean, "{text}");
}

async fn charged(folder: &Path, place: &TestDb) -> BTreeSet<String> {
    let db = open_to_read(folder, place);
    let rows = db.query("SELECT id FROM call WHERE state = 'charged'", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}
