//! Payment channels on a real node: deposits, vouchers, claims, payment of receivers, refunds, withdrawals.

use crate::channel_stage::{channel, channel_offer, claim, deploy, deposit, deposit_call, paying, state};
use crate::payments::{PRICE, gas_wallet, local, payer, unready};
use crate::permit2::approve_permit2;
use crate::settles::{check, not_taken, settled};
use crate::stage::{FORTUNE, SELLER, Stage, count, each, local as at, purpose, until};
use alloy_primitives::U256;
use farebox_db::sql;
use farebox_testkit::proxy::{Fault, Proxy};
use farebox_x402::Reason;
use farebox_x402::chain::ChainSettings;
use farebox_x402::chain::abi::channels::BATCH_SETTLEMENT;
use farebox_x402::chain::dev::{AnvilOptions, DEFAULT_TOKEN, DEV_CHAIN_ID, DevRole, permit2_deploy};
use farebox_x402::facilitator::channels::{Channels as _, Refund};
use farebox_x402::facilitator::{Facilitator as _, LocalFacilitator, Settlement};
use farebox_x402::network::Method;
use std::sync::Arc;
use std::time::Duration;

const TEN: u64 = 10 * PRICE;

/// With deposits of ten prices in so many channels.
async fn funded(stage: &Stage, db: &farebox_db::Db, channels: u64) -> Arc<LocalFacilitator> {
    deploy(stage).await;
    let facilitator = local(stage, db).await;
    for n in 1..=channels {
        let signed = deposit(Method::Eip3009, n, TEN, PRICE);
        settled(facilitator.settle(signed.settle(purpose(1_000 + n))).await);
    }
    facilitator
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_by_authorization_opens_a_channel_once() {
    each(AnvilOptions::default(), async |stage, db| {
        let before = local(stage, db).await;
        assert!(!before.is_ready() && before.channels().is_some());
        deploy(stage).await;
        let facilitator = local(stage, db).await;
        assert!(facilitator.is_ready());
        let supported = serde_json::to_string(&facilitator.supported()).unwrap();
        assert!(supported.contains(&format!("\"receiverAuthorizer\":\"{}\"", gas_wallet())), "{supported}");
        let signed = deposit(Method::Eip3009, 1, TEN, PRICE);
        assert_eq!(check(&facilitator, &signed).await, Ok(()));
        let hash = settled(facilitator.settle(signed.settle(purpose(1))).await);
        assert_eq!(settled(facilitator.settle(signed.settle(purpose(1))).await), hash);
        let now = state(&facilitator, 1).await;
        assert_eq!((now.balance, now.total_claimed, now.withdrawal), (TEN.into(), 0, None));
        assert_eq!(check(&facilitator, &signed).await, Err(Reason::DepositSimulationFailed));
        let again = facilitator.settle(signed.settle(purpose(2))).await;
        assert_eq!(not_taken(again), Reason::DepositSimulationFailed);
        let too_dear = deposit(Method::Eip3009, 2, FORTUNE, PRICE);
        assert_eq!(check(&facilitator, &too_dear).await, Err(Reason::ChannelInsufficientBalance));
        let too_small = deposit(Method::Eip3009, 3, PRICE, 2 * PRICE);
        assert_eq!(check(&facilitator, &too_small).await, Err(Reason::VoucherExceedsBalance));
        assert_eq!(stage.token.balance(&stage.rpc, BATCH_SETTLEMENT).await.unwrap(), U256::from(TEN));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_by_permit2_needs_an_allowance() {
    each(AnvilOptions::default(), async |stage, db| {
        permit2_deploy(&stage.rpc).await.unwrap();
        deploy(stage).await;
        let facilitator = local(stage, db).await;
        let signed = deposit(Method::Permit2, 1, TEN, PRICE);
        assert_eq!(check(&facilitator, &signed).await, Err(Reason::DepositPermit2Allowance));
        approve_permit2(stage, TEN).await;
        assert_eq!(check(&facilitator, &signed).await, Ok(()));
        settled(facilitator.settle(signed.settle(purpose(1))).await);
        assert_eq!(state(&facilitator, 1).await.balance, TEN.into());
        assert_eq!(check(&facilitator, &signed).await, Err(Reason::DepositSimulationFailed));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_somebody_else_has_sent_is_in_the_channel_and_not_settled() {
    each(AnvilOptions::default(), async |stage, db| {
        permit2_deploy(&stage.rpc).await.unwrap();
        deploy(stage).await;
        let facilitator = local(stage, db).await;
        approve_permit2(stage, TEN).await;
        for (n, method) in [(1, Method::Eip3009), (2, Method::Permit2)] {
            let signed = deposit(method, n, TEN, PRICE);
            assert_eq!(check(&facilitator, &signed).await, Ok(()));
            let somebody = DevRole::Minter.key().unwrap().address();
            let theirs = stage.rpc.dev_send(somebody, BATCH_SETTLEMENT, &deposit_call(&signed)).await.unwrap();
            until("it is mined", async || stage.rpc.receipt(theirs).await.unwrap().is_some()).await;
            for purpose_id in [n, 10 + n].map(purpose) {
                let Settlement::NotTaken(refusal) = facilitator.settle(signed.settle(purpose_id)).await else {
                    panic!("taken by {method:?}")
                };
                assert_eq!(refusal.reason, Reason::DepositSimulationFailed);
                assert!(refusal.message.contains(&theirs.to_string()), "{refusal}");
            }
            assert_eq!(state(&facilitator, n).await.balance, TEN.into());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_has_to_fit_what_the_chain_knows_of_its_channel() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = funded(stage, db, 1).await;
        assert_eq!(check(&facilitator, &paying(1, PRICE)).await, Ok(()));
        assert_eq!(check(&facilitator, &paying(1, TEN)).await, Ok(()));
        assert_eq!(check(&facilitator, &paying(1, TEN + 1)).await, Err(Reason::VoucherExceedsBalance));
        assert_eq!(check(&facilitator, &paying(2, PRICE)).await, Err(Reason::ChannelNotFound));
        settled(facilitator.claim(purpose(1), &[claim(1, PRICE.into(), PRICE.into())]).await);
        assert_eq!(check(&facilitator, &paying(1, PRICE)).await, Err(Reason::VoucherBelowClaimed));
        let alone = facilitator.settle(paying(1, 2 * PRICE).settle(purpose(2))).await;
        assert_eq!(not_taken(alone), Reason::ChannelPayloadType);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vouchers_of_many_channels_are_claimed_at_once_and_their_receiver_is_paid() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = funded(stage, db, 3).await;
        let claims: Vec<_> = (1..=3_u64).map(|n| claim(n, (3 * PRICE).into(), (n * PRICE).into())).collect();
        assert_eq!(settled(facilitator.sweep(purpose(9), SELLER, DEFAULT_TOKEN).await), "");
        let hash = settled(facilitator.claim(purpose(1), &claims).await);
        assert_eq!(settled(facilitator.claim(purpose(1), &claims).await), hash);
        for n in 1..=3 {
            assert_eq!(state(&facilitator, n).await.total_claimed, (n * PRICE).into());
        }
        assert_eq!(stage.earned().await, 0);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 4);
        settled(facilitator.claim(purpose(2), &claims).await);
        settled(facilitator.sweep(purpose(3), SELLER, DEFAULT_TOKEN).await);
        assert_eq!(stage.earned().await, 6 * PRICE);
        assert_eq!(settled(facilitator.sweep(purpose(4), SELLER, DEFAULT_TOKEN).await), "");
        let beyond = [claim(1, (TEN + 1).into(), (TEN + 1).into())];
        assert_eq!(not_taken(facilitator.claim(purpose(5), &beyond).await), Reason::VoucherExceedsBalance);
        let unsigned = [claim(1, PRICE.into(), (2 * PRICE).into())];
        assert_eq!(not_taken(facilitator.claim(purpose(6), &unsigned).await), Reason::ChargeExceedsVoucher);
        let mut forged = claim(1, (5 * PRICE).into(), (5 * PRICE).into());
        forged.signature = claim(1, (4 * PRICE).into(), 0).signature;
        assert_eq!(not_taken(facilitator.claim(purpose(7), &[forged]).await), Reason::ClaimSimulationFailed);
        assert_eq!(not_taken(facilitator.claim(purpose(8), &[]).await), Reason::InvalidPayload);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_claims_what_was_promised_and_gives_the_rest_back() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = funded(stage, db, 1).await;
        let (config, _) = channel(&channel_offer(Method::Eip3009, 1), 1);
        let refund = |n, amount: u64, nonce: u64, claim| Refund {
            id: purpose(n),
            channel: config,
            amount: amount.into(),
            nonce: U256::from(nonce),
            claim,
        };
        let first = refund(1, PRICE, 0, Some(claim(1, (2 * PRICE).into(), (2 * PRICE).into())));
        let hash = settled(facilitator.refund(&first).await);
        assert_eq!(settled(facilitator.refund(&first).await), hash);
        let now = state(&facilitator, 1).await;
        assert_eq!((now.balance, now.total_claimed), ((TEN - PRICE).into(), (2 * PRICE).into()));
        assert_eq!(now.refund_nonce, U256::ONE);
        let old = refund(2, PRICE, 0, None);
        assert_eq!(not_taken(facilitator.refund(&old).await), Reason::RefundSimulationFailed);
        // More than there is gives back what there is.
        settled(facilitator.refund(&refund(3, TEN, 1, None)).await);
        let payer_has = stage.token.balance(&stage.rpc, payer().address()).await.unwrap();
        assert_eq!(payer_has, U256::from(FORTUNE - 2 * PRICE));
        assert_eq!(not_taken(facilitator.refund(&refund(4, PRICE, 2, None)).await), Reason::RefundNoBalance);
        settled(facilitator.sweep(purpose(5), SELLER, DEFAULT_TOKEN).await);
        assert_eq!(stage.earned().await, 2 * PRICE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_the_payer_has_begun_is_seen() {
    each(AnvilOptions::default(), async |stage, db| {
        let facilitator = funded(stage, db, 1).await;
        let (config, _) = channel(&channel_offer(Method::Eip3009, 1), 1);
        let mut call = vec![0xcf, 0x5c, 0xf3, 0xdc];
        for address in
            [config.payer, config.payer_authorizer, config.receiver, config.receiver_authorizer, config.token]
        {
            call.extend_from_slice(address.into_word().as_slice());
        }
        for number in [config.withdraw_delay_s, 1, 3 * PRICE] {
            call.extend(U256::from(number).to_be_bytes::<32>());
        }
        let hash = stage.rpc.dev_send(payer().address(), BATCH_SETTLEMENT, &call).await.unwrap();
        until("it is begun", async || stage.rpc.receipt(hash).await.unwrap().is_some()).await;
        let now = state(&facilitator, 1).await;
        assert_eq!(now.withdrawal.map(|withdrawal| withdrawal.amount), Some((3 * PRICE).into()));
        assert!(now.withdrawal.unwrap().begun_at_s > 1_700_000_000);
        assert_eq!(now.balance, TEN.into());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_the_broadcast_deposits_and_claims_once() {
    let on_demand = AnvilOptions { chain_id: DEV_CHAIN_ID, on_demand: true, ..AnvilOptions::default() };
    each(on_demand, async |stage, db| {
        deploy(stage).await;
        let proxy = Proxy::start(stage.anvil.url().port().unwrap()).await;
        let settings =
            ChainSettings { rpc_urls: vec![at(proxy.port)], patience: Duration::from_millis(300), ..stage.settings() };
        let facilitator = unready(db, settings);
        facilitator.ready().await;
        let signed = deposit(Method::Eip3009, 1, TEN, PRICE);
        let claims = [claim(1, PRICE.into(), PRICE.into())];
        for step in 0..2 {
            let ask = async || match step {
                0 => facilitator.settle(signed.settle(purpose(1))).await,
                _ => facilitator.claim(purpose(2), &claims).await,
            };
            proxy.set(Fault::LoseAnswers);
            let Settlement::Pending { transaction, .. } = ask().await else { panic!("not pending") };
            proxy.set(Fault::None);
            let hash = transaction.parse().unwrap();
            until("the node has it", async || stage.rpc.transaction(hash).await.unwrap().is_some()).await;
            stage.rpc.dev_mine(1).await.unwrap();
            until("it is settled", async || ask().await == Settlement::Settled { transaction: transaction.clone() })
                .await;
        }
        let now = state(&facilitator, 1).await;
        assert_eq!((now.balance, now.total_claimed), (TEN.into(), PRICE.into()));
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 2);
    })
    .await;
}
