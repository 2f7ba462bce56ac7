//! Single sends: their ends, and what is refused.

use crate::stage::{SELLER, Stage, count, each, local, mined, purpose, sender, until};
use alloy_primitives::{Bytes, U256};
use farebox_db::sql;
use farebox_x402::chain::abi::Transfer;
use farebox_x402::chain::dev::{AnvilOptions, DEFAULT_TOKEN, DevRole, permit2_deploy};
use farebox_x402::chain::{ChainSettings, FeeError, Send, SendError, SendOutcome, SenderParts};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_the_one_that_published_clients_sign_for() {
    let Some(stage) = Stage::set(AnvilOptions::default()).await else { return };
    assert_eq!((stage.token.name.as_str(), stage.token.version.as_str()), ("USDC", "2"));
    let domain = "0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818";
    assert_eq!(format!("{:#x}", stage.token.domain_separator), domain);
    permit2_deploy(&stage.rpc).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_mined_and_its_receipt_shows_the_transfer_also_later() {
    each(AnvilOptions::default(), async |stage, db| {
        let engine = sender(db, stage.settings()).await;
        let SendOutcome::Mined(receipt) = engine.send(stage.payment(1)).await.unwrap() else { panic!("not mined") };
        let transfer = receipt.logs.iter().find_map(Transfer::read).unwrap();
        assert_eq!((transfer.token, transfer.to, transfer.value), (DEFAULT_TOKEN, SELLER, U256::from(1)));
        assert_eq!(engine.outcome(purpose(1)).await.unwrap(), SendOutcome::Mined(receipt));
        assert!(matches!(engine.outcome(purpose(2)).await, Err(SendError::NotFound)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purpose_that_is_asked_for_twenty_times_is_sent_once() {
    each(AnvilOptions::default(), async |stage, db| {
        let engine = sender(db, stage.settings()).await;
        let sends: Vec<_> = (0..20)
            .map(|_| {
                let (engine, send) = (engine.clone(), stage.payment(1));
                tokio::spawn(async move { engine.send(send).await })
            })
            .collect();
        let mut hashes = Vec::new();
        for send in sends {
            hashes.push(mined(send.await.unwrap().unwrap()));
        }
        hashes.dedup();
        assert_eq!((hashes.len(), stage.earned().await), (1, 1));
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reverted_payment_fails_with_the_contracts_words() {
    each(AnvilOptions::default(), async |stage, db| {
        let engine = sender(db, stage.settings()).await;
        mined(engine.send(stage.payment(1)).await.unwrap());
        let again = Send { purpose_id: purpose(2), ..stage.payment(1) };
        let failed = engine.send(again).await.unwrap();
        let SendOutcome::Failed { reason, .. } = &failed else { panic!("{failed:?}") };
        assert!(reason.contains("authorization is used"), "{reason}");
        assert_eq!(engine.outcome(purpose(2)).await.unwrap(), failed);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_node_takes_fails_and_does_not_hold_up_what_follows() {
    let small_blocks = AnvilOptions { block_gas_limit: Some(6_000_000), ..AnvilOptions::default() };
    each(small_blocks, async |stage, db| {
        let engine = sender(db, stage.settings()).await;
        let hopeless = Send { gas_limit: 7_000_000, ..stage.payment(1) };
        let (bad, good) = tokio::join!(engine.send(hopeless), engine.send(stage.payment(2)));
        let SendOutcome::Failed { reason, .. } = bad.unwrap() else { panic!("not failed") };
        assert!(reason.contains("gas"), "{reason}");
        mined(good.unwrap());
        assert_eq!(stage.earned().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_gas_wallet_refuses_before_anything_is_journalled_and_goes_on_once_filled() {
    each(AnvilOptions::default(), async |stage, db| {
        let wallet = DevRole::GasWallet.key().unwrap().address();
        stage.rpc.dev_set_balance(wallet, U256::from(1)).await.unwrap();
        let engine = sender(db, stage.settings()).await;
        assert!(engine.gas().low && engine.gas().paused);
        assert!(matches!(engine.send(stage.payment(1)).await, Err(SendError::GasLow { .. })));
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 0);
        stage.rpc.dev_set_balance(wallet, U256::from(10).pow(U256::from(18))).await.unwrap();
        until("the wallet is filled", async || engine.send(stage.payment(1)).await.is_ok()).await;
        assert!(!engine.gas().low);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gas_above_the_limit_and_requests_beyond_all_measure_are_refused() {
    each(AnvilOptions::default(), async |stage, db| {
        let engine = sender(db, ChainSettings { max_fee_per_gas: 1, ..stage.settings() }).await;
        let refused = engine.send(stage.payment(1)).await;
        assert!(matches!(refused, Err(SendError::Fees(FeeError::TooHigh { limit: 1, .. }))), "{refused:?}");
        let elsewhere = Send { network: "eip155:1".to_owned(), ..stage.payment(1) };
        assert!(matches!(engine.send(elsewhere).await, Err(SendError::WrongNetwork(_))));
        let short = Send { gas_limit: 21_001, ..stage.payment(1) };
        assert!(matches!(engine.send(short).await, Err(SendError::TooLittleGas { .. })));
        let huge = Send { data: Bytes::from(vec![0; 200 << 10]), ..stage.payment(1) };
        assert!(matches!(engine.send(huge).await, Err(SendError::TooLarge)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_another_chain_is_refused_and_a_dead_one_is_passed_over() {
    each(AnvilOptions::default(), async |stage, db| {
        let other = ChainSettings { chain_id: 1, ..stage.settings() };
        let parts = SenderParts {
            db: db.clone(),
            client: farebox_x402::chain::dev::loopback_client().unwrap(),
            clock: std::sync::Arc::new(farebox_base::SystemClock::default()),
            key: DevRole::GasWallet.key().unwrap(),
            settings: other,
        };
        let refused = farebox_x402::chain::Sender::start(parts).await;
        assert!(matches!(refused.err(), Some(SendError::WrongChain { expected: 1, found: 84532 })));
        let rpc_urls = vec![local(1), stage.anvil.url().clone()];
        let engine = sender(db, ChainSettings { rpc_urls, ..stage.settings() }).await;
        mined(engine.send(stage.payment(1)).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_that_somebody_else_used_costs_no_payment() {
    each(AnvilOptions::default(), async |stage, db| {
        let engine = sender(db, stage.settings()).await;
        mined(engine.send(stage.payment(1)).await.unwrap());
        stage.rpc.dev_send(engine.wallet(), SELLER, &[]).await.unwrap();
        mined(engine.send(stage.payment(2)).await.unwrap());
        assert_eq!(stage.earned().await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_and_the_outcome_can_be_asked_for_later() {
    each(AnvilOptions { on_demand: true, ..AnvilOptions::default() }, async |stage, db| {
        let settings = ChainSettings { patience: Duration::from_millis(300), ..stage.settings() };
        let engine = sender(db, settings).await;
        let SendOutcome::Pending { hash } = engine.send(stage.payment(1)).await.unwrap() else { panic!("not pending") };
        until("the node has it", async || stage.rpc.transaction(hash).await.unwrap().is_some()).await;
        stage.rpc.dev_mine(1).await.unwrap();
        assert_eq!(mined(engine.outcome(purpose(1)).await.unwrap()), hash);
    })
    .await;
}
