//! The facilitator for other servers' channels: deposits and vouchers verified, their orders put on chain.

use crate::channel_stage::{channel, channel_offer, claim, deploy, deposit, paying};
use crate::payments::{PRICE, body, local, service};
use crate::stage::{SELLER, count, each};
use alloy_primitives::{Address, B256, U256};
use farebox_db::sql;
use farebox_x402::chain::dev::{AnvilOptions, DEFAULT_TOKEN, DevRole};
use farebox_x402::evm::{ChannelConfig, RefundOrder, SigningKey};
use farebox_x402::facilitator::channels::Claim;
use farebox_x402::network::Method;
use serde_json::{Value, json};

const TEN: u64 = 10 * PRICE;

/// What the published channel manager sends.
fn order(payload: &Value) -> Vec<u8> {
    let requirements = json!({
        "scheme": "batch-settlement", "network": "eip155:84532", "asset": DEFAULT_TOKEN, "amount": "0",
        "payTo": SELLER, "maxTimeoutSeconds": 0, "extra": {},
    });
    body(2, &json!({ "x402Version": 2, "accepted": requirements, "payload": payload }), &requirements)
}

fn config(channel: &ChannelConfig) -> Value {
    json!({
        "payer": channel.payer, "payerAuthorizer": channel.payer_authorizer, "receiver": channel.receiver,
        "receiverAuthorizer": channel.receiver_authorizer, "token": channel.token,
        "withdrawDelay": channel.withdraw_delay_s, "salt": channel.salt,
    })
}

fn claims(all: &[Claim]) -> Value {
    let one = |claim: &Claim| {
        json!({
            "voucher": { "channel": config(&claim.channel), "maxClaimableAmount": claim.max_claimable.to_string() },
            "signature": claim.signature.to_hex(), "totalClaimed": claim.total_claimed.to_string(),
        })
    };
    all.iter().map(one).collect()
}

fn refund(amount: u64, nonce: u64, all: &[Claim], signer: Option<&SigningKey>) -> Vec<u8> {
    let offer = channel_offer(Method::Eip3009, 1);
    let (channel, id) = channel(&offer, 1);
    let signed = RefundOrder { channel: id, nonce: U256::from(nonce), amount: amount.into() };
    let signature = signer.map(|key| key.sign_digest(signed.digest(offer.network().channels())).to_hex());
    let mut payload = json!({
        "type": "refund", "channelConfig": config(&channel), "amount": amount.to_string(),
        "voucher": { "channelId": id.get(), "maxClaimableAmount": "0", "signature": B256::ZERO },
        "refundNonce": nonce.to_string(), "claims": claims(all),
    });
    if let Some(signature) = signature {
        payload["refundAuthorizerSignature"] = json!(signature);
    }
    order(&payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn deposits_and_vouchers_are_verified_with_the_state_of_their_channel() {
    each(AnvilOptions::default(), async |stage, db| {
        deploy(stage).await;
        let service = service(db, local(stage, db).await);
        let signed = deposit(Method::Eip3009, 1, TEN, PRICE);
        let verified = service.verify(&signed.body()).await.body;
        assert!(verified.is_valid, "{verified:?}");
        let extra = verified.extra.unwrap();
        assert_eq!((&extra["balance"], &extra["refundNonce"]), (&json!("0"), &json!("0")));
        let settled = service.settle(&signed.body()).await.body;
        assert_eq!((settled.success, settled.transaction.len()), (true, 66), "{settled:?}");
        assert_eq!(settled.amount.unwrap().0, U256::from(TEN));
        assert_eq!(settled.extra.as_ref().unwrap()["channelState"]["balance"], TEN.to_string());
        assert_eq!(service.settle(&signed.body()).await.body, settled);
        let again = service.verify(&signed.body()).await.body;
        let spent = "invalid_batch_settlement_evm_deposit_simulation_failed";
        assert_eq!(again.invalid_reason.as_deref(), Some(spent));
        let verified = service.verify(&paying(1, 2 * PRICE).body()).await.body;
        assert_eq!(verified.extra.unwrap()["balance"], TEN.to_string());
        let refused = service.verify(&paying(1, TEN + 1).body()).await.body;
        let beyond = "invalid_batch_settlement_evm_cumulative_exceeds_balance";
        assert_eq!(refused.invalid_reason.as_deref(), Some(beyond));
        let alone = service.settle(&paying(1, 2 * PRICE).body()).await.body;
        assert_eq!(alone.error_reason.as_deref(), Some("invalid_batch_settlement_evm_payload_type"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_a_server_are_done_once_and_refunds_only_with_its_signature() {
    each(AnvilOptions::default(), async |stage, db| {
        deploy(stage).await;
        let service = service(db, local(stage, db).await);
        assert!(service.settle(&deposit(Method::Eip3009, 1, TEN, PRICE).body()).await.body.success);
        let settle = async |body: Vec<u8>| service.settle(&body).await.body;
        let sweep = || order(&json!({ "type": "settle", "receiver": SELLER, "token": DEFAULT_TOKEN }));
        let refused = settle(sweep()).await;
        assert_eq!(refused.error_reason.as_deref(), Some("invalid_batch_settlement_evm_nothing_to_settle"));
        let own = [claim(1, (2 * PRICE).into(), PRICE.into())];
        let claim_body = || order(&json!({ "type": "claim", "claims": claims(&own) }));
        let claimed = settle(claim_body()).await;
        assert!(claimed.success, "{claimed:?}");
        assert_eq!(settle(claim_body()).await, claimed);
        let swept = settle(sweep()).await;
        assert_eq!((swept.success, swept.amount.unwrap().0), (true, U256::from(PRICE)), "{swept:?}");
        assert_eq!(settle(sweep()).await, swept);
        assert_eq!(stage.earned().await, PRICE);
        // The payer could send these as well.
        for (signer, reason) in [
            (None, "invalid_batch_settlement_evm_authorizer_not_configured"),
            (Some(DevRole::Payer.key().unwrap()), "invalid_batch_settlement_evm_refund_simulation_failed"),
        ] {
            let refused = settle(refund(9 * PRICE, 0, &[], signer.as_ref())).await;
            assert_eq!(refused.error_reason.as_deref(), Some(reason));
        }
        let key = DevRole::GasWallet.key().unwrap();
        let more = [claim(1, (2 * PRICE).into(), (2 * PRICE).into())];
        let back = settle(refund(9 * PRICE, 0, &more, Some(&key))).await;
        assert_eq!((back.success, back.amount.unwrap().0), (true, U256::from(8 * PRICE)), "{back:?}");
        let state = &back.extra.as_ref().unwrap()["channelState"];
        assert_eq!((&state["balance"], &state["refundNonce"]), (&json!((2 * PRICE).to_string()), &json!("1")));
        assert_eq!(settle(refund(9 * PRICE, 0, &more, Some(&key))).await, back);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_cannot_be_read_or_done_have_their_reason() {
    each(AnvilOptions::default(), async |stage, db| {
        deploy(stage).await;
        let service = service(db, local(stage, db).await);
        let mut elsewhere = claim(1, PRICE.into(), PRICE.into());
        elsewhere.channel.receiver_authorizer = Address::repeat_byte(9);
        let mut unknown = claim(1, PRICE.into(), PRICE.into());
        unknown.channel.token = Address::repeat_byte(9);
        let many = vec![claim(1, PRICE.into(), PRICE.into()); 101];
        for (payload, reason) in [
            (json!({ "type": "claim", "claims": [] }), "invalid_payload"),
            (json!({ "type": "claim", "claims": [7] }), "invalid_payload"),
            (json!({ "type": "claim", "claims": claims(&many) }), "invalid_payload"),
            (json!({ "type": "settle", "receiver": "x", "token": DEFAULT_TOKEN }), "invalid_payload"),
            (
                json!({ "type": "claim", "claims": claims(&[elsewhere]) }),
                "invalid_batch_settlement_evm_authorizer_address_mismatch",
            ),
            (json!({ "type": "claim", "claims": claims(&[unknown]) }), "invalid_batch_settlement_evm_token_mismatch"),
        ] {
            let refused = service.settle(&order(&payload)).await.body;
            assert_eq!(refused.error_reason.as_deref(), Some(reason), "{payload}");
        }
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 0);
    })
    .await;
}
