//! Payments that somebody else's facilitator may have settled, and does not say so.

use crate::payments::{PRICE, Signed, carried, exact, exact_until, now_s, offer, payer, permit2};
use crate::permit2::{approve_permit2, deploy, send_elsewhere as permit_sent};
use crate::remote::{remote_by, scripted};
use crate::settles::{not_taken, send_elsewhere, settled};
use crate::stage::{Stage, each, purpose};
use alloy_primitives::{Address, B256, U256};
use farebox_base::{ManualClock, SystemClock};
use farebox_x402::Reason;
use farebox_x402::chain::dev::AnvilOptions;
use farebox_x402::chain::rpc::Call;
use farebox_x402::evm::{Authorization, Signature};
use farebox_x402::facilitator::{Earlier, Facilitator as _, RemoteFacilitator, Settle, Settlement};
use farebox_x402::network::Method;
use farebox_x402::offer::Terms;
use farebox_x402::payment::Payment;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn refusing(reason: Reason) -> String {
    let network = "eip155:84532";
    json!({ "success": false, "transaction": "", "network": network, "errorReason": reason.code() }).to_string()
}

async fn asked(facilitator: &RemoteFacilitator, signed: &Signed, earlier: Earlier) -> Settlement {
    facilitator.settle(Settle { earlier, ..signed.settle(purpose(1)) }).await
}

/// A facilitator that always says the same, by this clock; asked at a chain where there is a stage.
async fn saying(clock: Arc<ManualClock>, reply: String, stage: Option<&Stage>) -> Arc<RemoteFacilitator> {
    let (port, _) = scripted(vec![reply]).await;
    remote_by(clock, port, None, stage.map(Stage::settings))
}

fn clock() -> Arc<ManualClock> {
    use farebox_base::Clock as _;
    Arc::new(ManualClock::at(SystemClock::default().now()))
}

fn open(doubt: Option<Reason>) -> Settlement {
    Settlement::Pending { transaction: String::new(), doubt }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_settled_payment_is_told_too_never_refuses_one_that_may_have_been_sent() {
    let signed = exact(PRICE, 1);
    for reason in [
        Reason::ExactNonceUsed,
        Reason::DuplicateSettlement,
        Reason::ExactSimulationFailed,
        Reason::InsufficientFunds,
        Reason::Permit2InvalidNonce,
    ] {
        let facilitator = saying(clock(), refusing(reason), None).await;
        assert_eq!(not_taken(asked(&facilitator, &signed, Earlier::No).await), reason);
        assert_eq!(asked(&facilitator, &signed, Earlier::Maybe).await, open(Some(reason)));
        assert_eq!(asked(&facilitator, &signed, Earlier::Doubted).await, open(Some(reason)));
    }
    let facilitator = saying(clock(), refusing(Reason::ExactSignature), None).await;
    assert_eq!(not_taken(asked(&facilitator, &signed, Earlier::Maybe).await), Reason::ExactSignature);
    assert_eq!(asked(&facilitator, &signed, Earlier::Doubted).await, open(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_time_is_over_is_given_up_unless_it_seemed_to_be_taken() {
    let (signed, clock) = (exact_until(PRICE, 1, 60), clock());
    let facilitator = saying(clock.clone(), refusing(Reason::ExactValidBefore), None).await;
    assert_eq!(asked(&facilitator, &signed, Earlier::Maybe).await, open(None), "by its own clock it is good");
    clock.advance(Duration::from_secs(100));
    assert_eq!(asked(&facilitator, &signed, Earlier::Maybe).await, open(None), "a block may be late");
    clock.advance(Duration::from_secs(100));
    assert_eq!(asked(&facilitator, &signed, Earlier::Doubted).await, open(None));
    assert_eq!(not_taken(asked(&facilitator, &signed, Earlier::Maybe).await), Reason::ExactValidBefore);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_names_no_transaction_is_not_the_end() {
    let signed = exact(PRICE, 1);
    let facilitator = saying(clock(), r#"{"success":true}"#.to_owned(), None).await;
    for earlier in [Earlier::No, Earlier::Maybe] {
        assert_eq!(asked(&facilitator, &signed, earlier).await, open(Some(Reason::DuplicateSettlement)));
    }
    let nothing = Settle { amount: U256::ZERO, ..signed.settle(purpose(2)) };
    assert_eq!(settled(facilitator.settle(nothing).await), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_says_what_became_of_a_payment_that_its_facilitator_does_not_tell_of() {
    each(AnvilOptions::default(), async |stage, _| {
        let used = refusing(Reason::ExactNonceUsed);
        let facilitator = saying(clock(), used, Some(stage)).await;
        let signed = exact(PRICE, 1);
        assert_eq!(asked(&facilitator, &signed, Earlier::Maybe).await, open(Some(Reason::ExactNonceUsed)));
        let theirs = send_elsewhere(stage, &signed).await;
        for earlier in [Earlier::Maybe, Earlier::Doubted] {
            assert_eq!(settled(asked(&facilitator, &signed, earlier).await), theirs);
        }
        let silent = saying(clock(), "<html>".to_owned(), Some(stage)).await;
        assert_eq!(settled(asked(&silent, &signed, Earlier::Maybe).await), theirs);
        assert_eq!(asked(&silent, &signed, Earlier::No).await, open(None), "nothing was sent before");
        // The same nonce, spent for somebody else.
        let (mine, other) = (exact(PRICE, 2), to_somebody(2));
        send_elsewhere(stage, &other).await;
        assert_eq!(not_taken(asked(&facilitator, &mine, Earlier::Doubted).await), Reason::ExactNonceUsed);
        assert_eq!(stage.earned().await, PRICE);
        // However many blocks later.
        stage.rpc.dev_mine(600).await.unwrap();
        assert_eq!(settled(asked(&facilitator, &signed, Earlier::Doubted).await), theirs);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_the_chain_does_not_know_ends_when_its_time_is_over_there() {
    each(AnvilOptions::default(), async |stage, _| {
        let signed = exact_until(PRICE, 1, 60);
        let facilitator = saying(clock(), refusing(Reason::ExactValidBefore), Some(stage)).await;
        assert_eq!(asked(&facilitator, &signed, Earlier::Doubted).await, open(None));
        stage.rpc.call_changing(Call::new("evm_increaseTime", json!([300]))).await.unwrap();
        stage.rpc.call_changing(Call::new("evm_mine", json!([]))).await.unwrap();
        assert_eq!(not_taken(asked(&facilitator, &signed, Earlier::Doubted).await), Reason::ExactValidBefore);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_is_found_on_its_chain_by_what_was_signed() {
    each(AnvilOptions::default(), async |stage, _| {
        deploy(stage).await;
        approve_permit2(stage, 3 * PRICE).await;
        let facilitator = saying(clock(), refusing(Reason::Permit2InvalidNonce), Some(stage)).await;
        let (first, second) =
            (permit2(Terms::Exact(Method::Permit2), PRICE, 1), permit2(Terms::Exact(Method::Permit2), PRICE, 2));
        let theirs = permit_sent(stage, &first).await;
        permit_sent(stage, &second).await;
        assert_eq!(settled(asked(&facilitator, &first, Earlier::Doubted).await), theirs);
        let third = permit2(Terms::Exact(Method::Permit2), PRICE, 3);
        assert_eq!(asked(&facilitator, &third, Earlier::Maybe).await, open(Some(Reason::Permit2InvalidNonce)));
    })
    .await;
}

/// A payment to somebody else under the `n`th nonce.
fn to_somebody(n: u64) -> Signed {
    let offer = offer(Terms::Exact(Method::Eip3009), PRICE);
    let authorization = Authorization {
        from: payer().address(),
        to: Address::repeat_byte(0x11),
        value: offer.amount,
        valid_after: U256::ZERO,
        valid_before: U256::from(now_s() + 60),
        nonce: B256::from(U256::from(n)),
    };
    let signature = Signature::Ecdsa(payer().sign_digest(authorization.digest(offer.token().domain())));
    carried(offer, Payment::Eip3009 { authorization, signature })
}
