//! What goes wrong on the way: lost requests and answers, killed processes, stuck transactions, reorganisations.

use crate::stage::{Stage, count, each, local, mined, purpose, sender, until};
use farebox_db::{Db, sql};
use farebox_testkit::proxy::{Fault, Proxy};
use farebox_x402::chain::dev::{AnvilOptions, DEV_CHAIN_ID};
use farebox_x402::chain::{ChainSettings, SendOutcome};
use std::time::Duration;

const ON_DEMAND: AnvilOptions =
    AnvilOptions { chain_id: DEV_CHAIN_ID, block_time_s: None, on_demand: true, block_gas_limit: None };
const IMPATIENT: Duration = Duration::from_millis(200);

async fn in_state(db: &Db, state: &str) -> i64 {
    let select = sql!("SELECT COUNT(*) FROM chain_transaction WHERE state = $1");
    db.one(select, &[state.into()]).await.unwrap().unwrap().get(0).unwrap()
}

async fn through(stage: &Stage, proxy: &Proxy) -> ChainSettings {
    ChainSettings { rpc_urls: vec![local(proxy.port)], ..stage.settings() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_broadcast_is_no_failure_and_no_second_payment() {
    each(AnvilOptions::default(), async |stage, db| {
        let proxy = Proxy::start(stage.anvil.url().port().unwrap()).await;
        let engine = sender(db, through(stage, &proxy).await).await;
        proxy.set(Fault::LoseAnswers);
        mined(engine.send(stage.payment(1)).await.unwrap());
        assert_eq!(stage.earned().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_between_journal_and_broadcast_loses_nothing() {
    each(AnvilOptions::default(), async |stage, db| {
        let proxy = Proxy::start(stage.anvil.url().port().unwrap()).await;
        let settings = ChainSettings { patience: IMPATIENT, ..through(stage, &proxy).await };
        let killed = sender(db, settings).await;
        proxy.set(Fault::LoseBroadcasts);
        for n in 0..5 {
            assert!(matches!(killed.send(stage.payment(n)).await.unwrap(), SendOutcome::Pending { .. }));
        }
        drop(killed);
        assert_eq!((stage.earned().await, in_state(db, "new").await), (0, 5));
        let next = sender(db, stage.settings()).await;
        assert_eq!(next.recover().await.unwrap(), 5);
        for n in 0..5 {
            mined(next.outcome(purpose(n)).await.unwrap());
        }
        assert_eq!((stage.earned().await, in_state(db, "mined").await), (5, 5));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_between_broadcast_and_receipt_loses_nothing() {
    each(ON_DEMAND, async |stage, db| {
        let killed = sender(db, ChainSettings { patience: IMPATIENT, ..stage.settings() }).await;
        let SendOutcome::Pending { hash } = killed.send(stage.payment(1)).await.unwrap() else { panic!("not pending") };
        until("the node has it", async || stage.rpc.transaction(hash).await.unwrap().is_some()).await;
        drop(killed);
        stage.rpc.dev_mine(1).await.unwrap();
        let next = sender(db, stage.settings()).await;
        assert_eq!(next.recover().await.unwrap(), 1);
        assert_eq!(mined(next.outcome(purpose(1)).await.unwrap()), hash);
        assert_eq!(stage.earned().await, 1);
    })
    .await;
}

/// A block that is too dear for what waits.
async fn dear_block(stage: &Stage) {
    stage.rpc.dev_set_base_fee(40_000_000_000).await.unwrap();
    stage.rpc.dev_mine(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_transaction_is_replaced_with_higher_fees_and_paid_once() {
    each(ON_DEMAND, async |stage, db| {
        let settings = ChainSettings { stuck_after: Duration::from_secs(1), patience: IMPATIENT, ..stage.settings() };
        let engine = sender(db, settings).await;
        let SendOutcome::Pending { hash } = engine.send(stage.payment(1)).await.unwrap() else { panic!("not pending") };
        dear_block(stage).await;
        until("it is replaced", async || count(db, sql!("SELECT COUNT(*) FROM chain_replaced")).await > 0).await;
        until("it is mined", async || {
            stage.rpc.dev_mine(1).await.unwrap();
            matches!(engine.outcome(purpose(1)).await.unwrap(), SendOutcome::Mined(_))
        })
        .await;
        assert_ne!(mined(engine.outcome(purpose(1)).await.unwrap()), hash);
        assert_eq!(stage.earned().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_do_not_rise_on_a_chain_that_stands_still() {
    each(ON_DEMAND, async |stage, db| {
        let settings = ChainSettings {
            stuck_after: Duration::from_millis(300),
            patience: Duration::from_secs(2),
            ..stage.settings()
        };
        let engine = sender(db, settings).await;
        assert!(matches!(engine.send(stage.payment(1)).await.unwrap(), SendOutcome::Pending { .. }));
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_replaced")).await, 0);
        stage.rpc.dev_mine(1).await.unwrap();
        mined(engine.outcome(purpose(1)).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_taken_back_sends_its_transaction_again() {
    each(AnvilOptions::default(), async |stage, db| {
        let settings = ChainSettings { confirmations: 3, patience: IMPATIENT, ..stage.settings() };
        let engine = sender(db, settings).await;
        let before = stage.rpc.dev_snapshot().await.unwrap();
        assert!(matches!(engine.send(stage.payment(1)).await.unwrap(), SendOutcome::Pending { .. }));
        until("it is in a block", async || in_state(db, "included").await == 1).await;
        stage.rpc.dev_revert(before).await.unwrap();
        assert_eq!(stage.earned().await, 0);
        until("it is in another block", async || stage.earned().await == 1).await;
        assert_eq!(in_state(db, "mined").await, 0);
        stage.rpc.dev_mine(3).await.unwrap();
        until("it is deep enough", async || in_state(db, "mined").await == 1).await;
        mined(engine.outcome(purpose(1)).await.unwrap());
        assert_eq!(stage.earned().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_that_nobody_has_is_filled() {
    each(AnvilOptions::default(), async |stage, db| {
        let settings = ChainSettings { stuck_after: Duration::from_secs(1), ..stage.settings() };
        let engine = sender(db, settings).await;
        let mut skip = db.begin(farebox_db::Isolation::ReadCommitted).await.unwrap();
        skip.execute(sql!("UPDATE gas_wallet SET next_nonce = next_nonce + 2"), &[]).await.unwrap();
        skip.commit().await.unwrap();
        mined(engine.send(stage.payment(1)).await.unwrap());
        assert_eq!(stage.earned().await, 1);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 3);
    })
    .await;
}

/// Sends each purpose from a process that is killed again and again, through a connection that loses requests and
/// answers in turn; then everything is taken up by one that is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_lost_and_whoever_is_killed_each_purpose_is_paid_once() {
    const PURPOSES: u64 = 40;
    each(AnvilOptions { block_time_s: Some(1), ..AnvilOptions::default() }, async |stage, db| {
        let proxy = Proxy::start(stage.anvil.url().port().unwrap()).await;
        let settings = ChainSettings {
            patience: Duration::from_millis(100),
            stuck_after: Duration::from_secs(2),
            confirmations: 2,
            ..through(stage, &proxy).await
        };
        for (round, fault) in
            [Fault::LoseAnswers, Fault::LoseBroadcasts, Fault::LoseAnswers, Fault::None].into_iter().enumerate()
        {
            let engine = sender(db, settings.clone()).await;
            engine.recover().await.unwrap();
            proxy.set(fault);
            // Each round begins a quarter anew and asks again for what came before.
            let begun = (round as u64 + 1) * PURPOSES / 4;
            let sends: Vec<_> = (0..begun)
                .map(|n| {
                    let (engine, send) = (engine.clone(), stage.payment(n));
                    tokio::spawn(async move { drop(engine.send(send).await) })
                })
                .collect();
            for send in sends {
                send.await.unwrap();
            }
            proxy.set(Fault::None);
        }
        let last = sender(db, ChainSettings { patience: Duration::from_secs(60), ..settings }).await;
        last.recover().await.unwrap();
        for n in 0..PURPOSES {
            mined(last.send(stage.payment(n)).await.unwrap());
        }
        assert_eq!(stage.earned().await, PURPOSES);
        assert_eq!(in_state(db, "mined").await, PURPOSES as i64);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_help_the_same_transaction_agree_on_its_end() {
    each(ON_DEMAND, async |stage, db| {
        let settings =
            ChainSettings { stuck_after: Duration::from_millis(700), patience: IMPATIENT, ..stage.settings() };
        let (one, other) = (sender(db, settings.clone()).await, sender(db, settings).await);
        assert!(matches!(one.send(stage.payment(1)).await.unwrap(), SendOutcome::Pending { .. }));
        assert_eq!(other.recover().await.unwrap(), 1);
        dear_block(stage).await;
        until("it is replaced", async || count(db, sql!("SELECT COUNT(*) FROM chain_replaced")).await > 0).await;
        let ended = async |engine: &farebox_x402::chain::Sender| {
            stage.rpc.dev_mine(1).await.unwrap();
            matches!(engine.outcome(purpose(1)).await.unwrap(), SendOutcome::Mined(_))
        };
        until("the one knows", async || ended(&one).await).await;
        until("the other knows", async || ended(&other).await).await;
        assert_eq!(one.outcome(purpose(1)).await.unwrap(), other.outcome(purpose(1)).await.unwrap());
        assert_eq!((stage.earned().await, in_state(db, "mined").await), (1, 1));
    })
    .await;
}
