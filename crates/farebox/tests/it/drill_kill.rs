//! The server is killed again and again, at random moments of its work, and started on the same books.
//!
//! A few rounds as a test; `cargo xtask drill kill` makes a hundred.

use crate::load::{Load, Seen, assert_exact};
use crate::process::{Shop, command, resolved};
use farebox_base::{Rng as _, SystemRng};
use farebox_db::Engine;
use farebox_testkit::engines::TestDb;
use std::time::Duration;

const ROUNDS: &str = "FAREBOX_TEST_DRILL_ROUNDS";
const BUYERS: usize = 12;
const FUNDS_MICROS: i64 = 5_000_000;
const PRICE_MICROS: i64 = 1;
const LONGEST_LIFE_MS: u64 = 400;
/// On PostgreSQL what a killed server left open waits for its expiry, so not each round waits for it.
const ROUNDS_PER_WAIT: usize = 5;
const SHORT_HOLDS: [(&str, &str); 6] = [
    ("FAREBOX_NET_TOTAL_TIMEOUT_MS", "1000"),
    ("FAREBOX_NET_FIRST_BYTE_TIMEOUT_MS", "900"),
    ("FAREBOX_NET_IDLE_TIMEOUT_MS", "900"),
    ("FAREBOX_NET_CONNECT_TIMEOUT_MS", "900"),
    ("FAREBOX_CALLS_HOLD_TTL_S", "2"),
    ("FAREBOX_LIMITS_MARKETPLACE_ENABLED", "false"),
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_again_and_again_the_books_stay_exact() {
    let wanted: Option<usize> = std::env::var(ROUNDS).ok().map(|text| text.parse().expect("a number of rounds"));
    println!("engine      rounds  answered  unheard  charged  expired  failed+canceled  books");
    for place in TestDb::all().await {
        let rounds = match place.engine() {
            Engine::Sqlite => wanted.unwrap_or(3),
            Engine::Postgres => wanted.map_or(2, |rounds| (rounds / 5).max(1)),
        };
        killed(&place, rounds).await;
    }
    println!(
        "unheard: charged, since the commit was made, and the answer was lost with the killed process or its connection; \
         charged is answered + unheard"
    );
}

async fn killed(place: &TestDb, rounds: usize) {
    let shop = Shop::open(place, "0.000001").await;
    let mut server = shop.serve(&SHORT_HOLDS).await;
    shop.list(&server).await;
    let mut seen = Seen::default();
    for round in 1..=rounds {
        let load = Load::start(&shop, &server.base, &format!("r{round}"), BUYERS);
        tokio::time::sleep(Duration::from_millis(1 + SystemRng.below(LONGEST_LIFE_MS))).await;
        server.kill();
        seen.add(load.end().await);
        server = shop.serve(&SHORT_HOLDS).await;
        if place.engine() == Engine::Sqlite || round % ROUNDS_PER_WAIT == 0 || round == rounds {
            assert_eq!(resolved(shop.folder.path(), place).await, 0, "round {round}: calls or holds stay open");
            seen.ask_again(&shop, &server.base).await;
        }
        if round % 10 == 0 {
            println!("{:?}: {round} rounds, {} answers received", place.engine(), seen.received.len());
        }
    }
    assert!(!seen.received.is_empty(), "nothing was answered before the server was killed");
    let charged = assert_exact(&shop, &server.base, &seen, FUNDS_MICROS, PRICE_MICROS).await;
    server.kill();
    let (clean, text) = command(shop.folder.path(), place, &["check-ledger"]);
    assert!(clean, "{text}");
    let unheard: Vec<_> = charged.calls.keys().filter(|name| !seen.received.contains_key(*name)).collect();
    let refused: Vec<_> = unheard.iter().filter(|name| seen.refused.contains(**name)).collect();
    assert!(refused.is_empty(), "charged, and the client was told that it failed: {refused:?}");
    let state = |name: &str| charged.states.get(name).copied().unwrap_or(0);
    println!(
        "{:<10} {rounds:>7} {:>9} {:>8} {:>8} {:>8} {:>16}  balance",
        format!("{:?}", place.engine()),
        seen.received.len(),
        unheard.len(),
        state("charged"),
        state("expired"),
        state("failed") + state("canceled"),
    );
}
