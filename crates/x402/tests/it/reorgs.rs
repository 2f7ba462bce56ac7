//! Reorganisations that take back what was final: settled payments are sent again as they were, and no nonce is emptied.

use crate::stage::{SELLER, Stage, count, each, mined, purpose, sender, until};
use alloy_primitives::{B256, Bytes, U256, hex};
use farebox_db::{Db, sql};
use farebox_x402::chain::dev::{AnvilOptions, DevRole};
use farebox_x402::chain::rpc::CallAt;
use farebox_x402::chain::{ChainSettings, Send, SendOutcome, Sender, Transaction};
use std::time::Duration;
use uuid::Uuid;

const EVERY_SECOND: AnvilOptions = AnvilOptions {
    chain_id: farebox_x402::chain::dev::DEV_CHAIN_ID,
    block_time_s: Some(1),
    on_demand: false,
    block_gas_limit: None,
};

fn settings(stage: &Stage) -> ChainSettings {
    ChainSettings {
        confirmations: 2,
        stuck_after: Duration::from_secs(3),
        patience: Duration::from_secs(40),
        ..stage.settings()
    }
}

/// A sender on a chain with blocks to spare: a reorganisation does not take the token.
async fn begin(stage: &Stage, db: &Db) -> Sender {
    stage.rpc.dev_mine(3).await.unwrap();
    sender(db, settings(stage)).await
}

/// Pays for these purposes at once; answers the hashes.
async fn pay(stage: &Stage, engine: &Sender, purposes: std::ops::Range<u64>) -> Vec<B256> {
    let sends: Vec<_> = purposes
        .map(|n| {
            let (engine, send) = (engine.clone(), stage.payment(n));
            tokio::spawn(async move { engine.send(send).await })
        })
        .collect();
    let mut hashes = Vec::new();
    for send in sends {
        hashes.push(mined(send.await.unwrap().unwrap()));
    }
    hashes
}

/// Takes back all blocks from that of the first of these on, and leaves empty ones in their place.
async fn take_back(stage: &Stage, hashes: &[B256]) {
    let mut first = u64::MAX;
    for hash in hashes {
        first = first.min(stage.rpc.receipt(*hash).await.unwrap().unwrap().block);
    }
    // One more, because a block may come in between.
    let head = stage.rpc.block_number().await.unwrap();
    stage.rpc.dev_reorg(head - first + 2).await.unwrap();
    for hash in hashes {
        assert!(stage.rpc.receipt(*hash).await.unwrap().is_none());
    }
}

async fn are_in_blocks(stage: &Stage, hashes: &[B256]) -> bool {
    let receipts = stage.rpc.receipts(hashes).await.unwrap();
    receipts.into_iter().all(|receipt| receipt.unwrap().is_some_and(|receipt| receipt.succeeded))
}

async fn all_are_mined(db: &Db, rows: i64) -> bool {
    count(db, sql!("SELECT COUNT(*) FROM chain_transaction WHERE state = 'mined' AND block IS NOT NULL")).await == rows
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_dropped_payments_is_settled_again_as_signed_and_new_ones_go_on() {
    each(EVERY_SECOND, async |stage, db| {
        let engine = begin(stage, db).await;
        let settled = pay(stage, &engine, 0..24).await;
        take_back(stage, &settled).await;
        assert_eq!(stage.earned().await, 0);
        pay(stage, &engine, 24..25).await;
        until("all are settled again", async || are_in_blocks(stage, &settled).await).await;
        assert_eq!(stage.earned().await, 25);
        until("all are final again", async || all_are_mined(db, 25).await).await;
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 25);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_replaced")).await, 0);
        assert_eq!((engine.reorganised().sent_again, engine.reorganised().lost), (24, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_as_deep_as_confirmations_empties_no_settled_payment() {
    each(EVERY_SECOND, async |stage, db| {
        let engine = begin(stage, db).await;
        let settled = pay(stage, &engine, 0..1).await;
        take_back(stage, &settled).await;
        // Nobody calls: it is settled again by itself.
        until("it is settled again", async || are_in_blocks(stage, &settled).await).await;
        assert_eq!(stage.earned().await, 1);
        until("it is final again", async || all_are_mined(db, 1).await).await;
        pay(stage, &engine, 1..2).await;
        assert_eq!(stage.earned().await, 2);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_dropped_while_no_process_ran_is_settled_by_the_next_one() {
    each(EVERY_SECOND, async |stage, db| {
        let killed = begin(stage, db).await;
        let settled = pay(stage, &killed, 0..3).await;
        drop(killed);
        take_back(stage, &settled).await;
        let next = sender(db, settings(stage)).await;
        next.recover().await.unwrap();
        until("all are settled again", async || are_in_blocks(stage, &settled).await).await;
        pay(stage, &next, 3..4).await;
        assert_eq!(stage.earned().await, 4);
    })
    .await;
}

/// As after a fall of the server that lasted longer than ended transactions are watched.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_of_nonces_is_closed_with_what_the_journal_has_whatever_its_age() {
    each(EVERY_SECOND, async |stage, db| {
        let killed = begin(stage, db).await;
        let settled = pay(stage, &killed, 0..20).await;
        drop(killed);
        take_back(stage, &settled).await;
        let mut age = db.begin(farebox_db::Isolation::ReadCommitted).await.unwrap();
        age.execute(sql!("UPDATE chain_transaction SET updated_at = 0"), &[]).await.unwrap();
        age.commit().await.unwrap();
        let next = sender(db, settings(stage)).await;
        pay(stage, &next, 20..21).await;
        assert!(are_in_blocks(stage, &settled).await);
        assert_eq!(stage.earned().await, 21);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 21);
    })
    .await;
}

/// More nonces than are filled at once, none of which the journal has.
#[tokio::test(flavor = "multi_thread")]
async fn a_wide_gap_that_nobody_has_bytes_for_is_filled_all_the_same() {
    each(AnvilOptions::default(), async |stage, db| {
        let engine =
            sender(db, ChainSettings { confirmations: 1, stuck_after: Duration::from_secs(1), ..settings(stage) })
                .await;
        let mut skip = db.begin(farebox_db::Isolation::ReadCommitted).await.unwrap();
        skip.execute(sql!("UPDATE gas_wallet SET next_nonce = next_nonce + 40"), &[]).await.unwrap();
        skip.commit().await.unwrap();
        mined(engine.send(stage.payment(1)).await.unwrap());
        assert_eq!(stage.earned().await, 1);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 41);
    })
    .await;
}

/// Sends the payer's whole balance elsewhere.
async fn impoverish(stage: &Stage) {
    let payer = DevRole::Payer.key().unwrap().address();
    let balance = stage.token.balance(&stage.rpc, payer).await.unwrap();
    let mut transfer = hex!("a9059cbb").to_vec();
    transfer.extend_from_slice(alloy_primitives::Address::repeat_byte(0x77).into_word().as_slice());
    transfer.extend_from_slice(&balance.to_be_bytes::<32>());
    stage.rpc.dev_send(payer, stage.token.address, &transfer).await.unwrap();
    until("the payer has nothing", async || stage.token.balance(&stage.rpc, payer).await.unwrap() == U256::ZERO).await;
}

/// Uses the wallet's next nonce for something that the journal does not know.
async fn use_nonce(stage: &Stage) {
    let key = DevRole::GasWallet.key().unwrap();
    let nonce = stage.rpc.nonce(key.address(), CallAt::Latest).await.unwrap();
    let foreign = Transaction {
        chain_id: stage.settings().chain_id,
        nonce,
        max_priority_fee_per_gas: 5_000_000_000,
        max_fee_per_gas: 50_000_000_000,
        gas_limit: 21_000,
        to: SELLER,
        value: U256::from(1),
        data: Bytes::new(),
    };
    stage.rpc.send_raw_transaction(&foreign.sign(&key).raw).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_payment_that_cannot_be_had_again_is_counted_as_lost() {
    each(AnvilOptions::default(), async |stage, db| {
        let settings = ChainSettings { confirmations: 1, ..settings(stage) };
        let killed = sender(db, settings.clone()).await;
        let before = stage.rpc.dev_snapshot().await.unwrap();
        pay(stage, &killed, 0..1).await;
        drop(killed);
        stage.rpc.dev_revert(before).await.unwrap();
        use_nonce(stage).await;
        impoverish(stage).await;
        let next = sender(db, settings).await;
        until("it is given up", async || {
            // Its nonce counts as used by something else only with further blocks.
            stage.rpc.dev_mine(1).await.unwrap();
            next.reorganised().lost == 1
        })
        .await;
        assert!(matches!(next.outcome(purpose(0)).await.unwrap(), SendOutcome::Failed { .. }));
        assert_eq!((stage.earned().await, next.reorganised().sent_again), (0, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_told_as_failed_takes_nothing_after_a_reorganisation() {
    each(AnvilOptions::default(), async |stage, db| {
        let engine = sender(db, ChainSettings { confirmations: 1, ..settings(stage) }).await;
        pay(stage, &engine, 0..1).await;
        let before = stage.rpc.dev_snapshot().await.unwrap();
        impoverish(stage).await;
        assert!(matches!(engine.send(stage.payment(1)).await.unwrap(), SendOutcome::Failed { .. }));
        stage.rpc.dev_revert(before).await.unwrap();
        let again = Send { purpose_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, b"2"), ..stage.payment(2) };
        mined(engine.send(again).await.unwrap());
        until("it has failed again", async || {
            count(db, sql!("SELECT COUNT(*) FROM chain_transaction WHERE state = 'failed' AND refusal IS NOT NULL"))
                .await
                == 1
        })
        .await;
        assert!(matches!(engine.outcome(purpose(1)).await.unwrap(), SendOutcome::Failed { .. }));
        assert_eq!((stage.earned().await, engine.reorganised().lost), (2, 0));
    })
    .await;
}
