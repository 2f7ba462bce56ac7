//! Our own facilitator against a real node: what it refuses, what it settles, and what it makes of others' transactions.

use crate::payments::{PRICE, Signed, exact, exact_until, local, payer, unready, unready_by};
use crate::stage::{FORTUNE, Stage, count, each, local as at, purpose, until};
use alloy_primitives::U256;
use farebox_base::{Clock as _, ManualClock, SystemClock};
use farebox_db::sql;
use farebox_testkit::proxy::{Fault, Proxy};
use farebox_x402::Reason;
use farebox_x402::chain::ChainSettings;
use farebox_x402::chain::abi::token::{Authorization, transfer_with_bytes};
use farebox_x402::chain::dev::{AnvilOptions, DEV_CHAIN_ID, DevRole};
use farebox_x402::facilitator::{Facilitator as _, Facilitators, LocalFacilitator, Settlement};
use farebox_x402::payment::Payment;
use std::sync::Arc;
use std::time::Duration;

const ON_DEMAND: AnvilOptions =
    AnvilOptions { chain_id: DEV_CHAIN_ID, block_time_s: None, on_demand: true, block_gas_limit: None };

pub async fn check(facilitator: &LocalFacilitator, signed: &Signed) -> Result<(), Reason> {
    let checked = facilitator.check(&signed.offer, &signed.payment, &signed.header).await;
    checked.map(drop).map_err(|refusal| refusal.reason)
}

pub fn not_taken(settlement: Settlement) -> Reason {
    match settlement {
        Settlement::NotTaken(refusal) => refusal.reason,
        other => panic!("{other:?}"),
    }
}

pub fn settled(settlement: Settlement) -> String {
    match settlement {
        Settlement::Settled { transaction } => transaction,
        other => panic!("{other:?}"),
    }
}

/// The call that puts the payment on chain, for whoever wants to send it.
fn calldata(signed: &Signed) -> Vec<u8> {
    let Payment::Eip3009 { authorization: it, signature } = &signed.payment else { panic!("another scheme") };
    let (from, to, value, nonce) = (it.from, it.to, it.value, it.nonce);
    let (valid_after, valid_before) = (it.valid_after, it.valid_before);
    let authorization = Authorization { from, to, value, valid_after, valid_before, nonce };
    transfer_with_bytes(&authorization, &signature.to_bytes())
}

/// Somebody else sends it.
pub async fn send_elsewhere(stage: &Stage, signed: &Signed) -> String {
    let somebody = DevRole::Minter.key().unwrap().address();
    let hash = stage.rpc.dev_send(somebody, stage.token.address, &calldata(signed)).await.unwrap();
    until("it is mined", async || stage.rpc.receipt(hash).await.unwrap().is_some()).await;
    hash.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_checked_and_settled_and_then_its_nonce_is_spent() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = local(stage, db).await;
        let signed = exact(PRICE, 1);
        assert_eq!(check(&facilitator, &signed).await, Ok(()));
        let hash = settled(facilitator.settle(signed.settle(purpose(1))).await);
        assert_eq!((hash.len(), stage.earned().await), (66, PRICE));
        assert_eq!(settled(facilitator.settle(signed.settle(purpose(1))).await), hash);
        assert_eq!(check(&facilitator, &signed).await, Err(Reason::ExactNonceUsed));
        let again = facilitator.settle(signed.settle(purpose(2))).await;
        assert_eq!(not_taken(again), Reason::ExactNonceUsed);
        assert_eq!(stage.earned().await, PRICE);
        let status = facilitator.status();
        assert!(status.reachable && status.gas.is_some_and(|gas| !gas.low));
        let supported = serde_json::to_value(facilitator.supported()).unwrap();
        assert_eq!(supported["kinds"][0]["network"], "base-sepolia");
        assert_eq!(supported["kinds"][1]["network"], "eip155:84532");
        assert_eq!(supported["kinds"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_not_promised_twice_and_a_drained_one_pays_nothing() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = local(stage, db).await;
        let (first, second) = (exact(FORTUNE / 2 + 1, 1), exact(FORTUNE / 2 + 1, 2));
        assert_eq!(check(&facilitator, &first).await, Ok(()));
        assert_eq!(check(&facilitator, &first).await, Ok(()));
        assert_eq!(check(&facilitator, &second).await, Err(Reason::InsufficientFunds));
        settled(facilitator.settle(first.settle(purpose(1))).await);
        assert_eq!(check(&facilitator, &second).await, Err(Reason::InsufficientFunds));
        let drained = facilitator.settle(second.settle(purpose(2))).await;
        assert_eq!(not_taken(drained), Reason::InsufficientFunds);
        assert_eq!(stage.earned().await, FORTUNE / 2 + 1);
        let small = exact(PRICE, 3);
        assert_eq!(check(&facilitator, &small).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_stays_promised_while_the_verified_payment_is_held() {
    each(AnvilOptions::default(), async |stage, db| {
        let clock = Arc::new(ManualClock::at(SystemClock::default().now()));
        let facilitator = unready_by(clock.clone(), db, stage.settings());
        facilitator.ready().await;
        let all = Facilitators::new(vec![facilitator.clone()]).unwrap();
        let (first, second) = (exact(FORTUNE / 2 + 1, 1), exact(FORTUNE / 2 + 1, 2));
        let verified = all.verify(&first.offer, &first.payment, &first.header, clock.now()).await.unwrap();
        clock.advance(Duration::from_secs(30));
        assert_eq!(check(&facilitator, &second).await, Err(Reason::InsufficientFunds));
        drop(verified);
        assert_eq!(check(&facilitator, &second).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_somebody_else_has_sent_is_settled_by_their_transaction() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = local(stage, db).await;
        let unseen = exact(PRICE, 1);
        assert_eq!(check(&facilitator, &unseen).await, Ok(()));
        let theirs = send_elsewhere(stage, &unseen).await;
        assert_eq!(settled(facilitator.settle(unseen.settle(purpose(1))).await), theirs);
        let sent = count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await;
        // Seen as spent before, so that no gas is lost.
        let seen = exact(PRICE, 2);
        let theirs = send_elsewhere(stage, &seen).await;
        assert_eq!(check(&facilitator, &seen).await, Err(Reason::ExactNonceUsed));
        assert_eq!(settled(facilitator.settle(seen.settle(purpose(2))).await), theirs);
        // Nor where nobody has looked: it is looked at before anything is sent.
        let last = exact(PRICE, 3);
        let theirs = send_elsewhere(stage, &last).await;
        assert_eq!(settled(facilitator.settle(last.settle(purpose(3))).await), theirs);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, sent);
        assert_eq!(stage.earned().await, 3 * PRICE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_that_is_about_to_end_is_not_sent() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = local(stage, db).await;
        let late = exact_until(PRICE, 1, 3);
        assert_eq!(not_taken(facilitator.settle(late.settle(purpose(1))).await), Reason::ExactValidBefore);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 0);
        let in_time = exact_until(PRICE, 2, 3);
        let theirs = send_elsewhere(stage, &in_time).await;
        assert_eq!(settled(facilitator.settle(in_time.settle(purpose(2))).await), theirs);
        assert_eq!(stage.earned().await, PRICE);
        assert_eq!(payer().address(), in_time.payment.payer());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_the_broadcast_is_pending_and_then_settled() {
    each(ON_DEMAND, async |stage, db| {
        let proxy = Proxy::start(stage.anvil.url().port().unwrap()).await;
        let settings =
            ChainSettings { rpc_urls: vec![at(proxy.port)], patience: Duration::from_millis(300), ..stage.settings() };
        let facilitator = unready(db, settings);
        facilitator.ready().await;
        let signed = exact(PRICE, 1);
        proxy.set(Fault::LoseAnswers);
        let Settlement::Pending { transaction, .. } = facilitator.settle(signed.settle(purpose(1))).await else {
            panic!("not pending")
        };
        proxy.set(Fault::None);
        let hash = transaction.parse().unwrap();
        until("the node has it", async || stage.rpc.transaction(hash).await.unwrap().is_some()).await;
        stage.rpc.dev_mine(1).await.unwrap();
        until("it is settled", async || {
            let again = facilitator.settle(signed.settle(purpose(1))).await;
            again == Settlement::Settled { transaction: transaction.clone() }
        })
        .await;
        assert_eq!(stage.earned().await, PRICE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_away_at_the_start_is_said_to_be_and_found_when_it_comes() {
    each(AnvilOptions::default(), async |stage, db| {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let facilitator = unready(db, ChainSettings { rpc_urls: vec![at(port)], ..stage.settings() });
        let signed = exact(PRICE, 1);
        let refused = facilitator.check(&signed.offer, &signed.payment, &signed.header).await.unwrap_err();
        assert_eq!(refused.reason, Reason::UnexpectedVerifyError);
        assert!(refused.message.contains("not reachable") && !refused.message.contains("127.0.0.1"), "{refused}");
        let settlement = facilitator.settle(signed.settle(purpose(1))).await;
        assert_eq!(not_taken(settlement), Reason::UnexpectedSettleError);
        assert!(!facilitator.status().reachable && facilitator.status().gas.is_none());
        let _proxy = Proxy::start_at(stage.anvil.url().port().unwrap(), port).await;
        facilitator.ready().await;
        assert_eq!(check(&facilitator, &signed).await, Ok(()));
        settled(facilitator.settle(signed.settle(purpose(1))).await);
        assert_eq!(stage.token.balance(&stage.rpc, payer().address()).await.unwrap(), U256::from(FORTUNE - PRICE));
    })
    .await;
}
