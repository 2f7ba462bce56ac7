//! Many sends at once, from one process and from two.

use crate::stage::{Stage, count, each, mined, sender};
use farebox_base::{Clock as _, SystemClock};
use farebox_db::{Db, NoFaults, sql};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::dev::AnvilOptions;
use farebox_x402::chain::{ChainSettings, Sender};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Sends these purposes at once, each by the next sender; answers the hashes.
async fn send_all(
    stage: &Stage,
    senders: &[&Sender],
    purposes: impl Iterator<Item = u64>,
) -> Vec<alloy_primitives::B256> {
    let sends: Vec<_> = purposes
        .zip(senders.iter().cycle())
        .map(|(n, sender)| {
            let (sender, send) = ((*sender).clone(), stage.payment(n));
            tokio::spawn(async move { sender.send(send).await })
        })
        .collect();
    let mut hashes = Vec::with_capacity(sends.len());
    for send in sends {
        hashes.push(mined(send.await.unwrap().unwrap()));
    }
    hashes
}

async fn two_hundred(stage: &Stage, db: &Db, settings: ChainSettings) {
    let engine = sender(db, settings).await;
    let clock = SystemClock::default();
    let start = clock.ticks();
    let hashes = send_all(stage, &[&engine], 0..200).await;
    println!("200 sends in {:?}", clock.ticks().since(start));
    assert_eq!(hashes.into_iter().collect::<HashSet<_>>().len(), 200);
    assert_eq!(stage.earned().await, 200);
    assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction WHERE state = 'mined'")).await, 200);
    assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_replaced")).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_sends_at_once_are_each_mined_once_in_blocks_of_their_own() {
    each(AnvilOptions::default(), async |stage, db| two_hundred(stage, db, stage.settings()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_sends_at_once_share_the_blocks_of_a_second() {
    each(AnvilOptions { block_time_s: Some(1), ..AnvilOptions::default() }, async |stage, db| {
        let settings = ChainSettings { block_time_hint: Duration::from_secs(1), confirmations: 2, ..stage.settings() };
        two_hundred(stage, db, settings).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_one_wallet_and_its_purposes() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(AnvilOptions::default()).await else { return };
        let first = place.open(Arc::new(NoFaults));
        let second = if place.url().is_some() { place.open(Arc::new(NoFaults)) } else { first.clone() };
        let one = sender(&first, stage.settings()).await;
        let other = sender(&second, stage.settings()).await;
        // Each purpose is asked for twice, by the one and by the other.
        let hashes = send_all(&stage, &[&one, &other], (0..60).flat_map(|n| [n, n])).await;
        assert_eq!(hashes.into_iter().collect::<HashSet<_>>().len(), 60);
        assert_eq!(stage.earned().await, 60);
        assert_eq!(count(&first, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 60);
    }
}
