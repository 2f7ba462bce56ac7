//! The way to the chain fails while payments are settled, and clients leave: paid at most once, and every payment ends.

use super::bent::{Draft, encoded};
use super::stage::{Chain, FORTUNE, PRICE, Stage, gas_wallet, now, paying};
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_testkit::proxy::Fault;
use farebox_x402::Reason;
use farebox_x402::chain::rpc::CallAt;
use farebox_x402::client::{SignedHeader, read_receipt};
use farebox_x402::wire::{decode_base64_json, names};
use std::time::Duration;

const PATH: &str = "/publishers/things/ok";
const SLOW: &str = "/publishers/things/slow/400";

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_broadcast_gets_lost_and_the_call_is_served_and_paid_once() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::behind_proxy(&place, &[]).await else { return };
        let signed = stage.signed(PATH).await;
        fault(&stage, Fault::LoseAnswers);
        let got = until_known(&stage, PATH, &signed).await;
        assert_eq!(got.status.as_u16(), 200, "{}", got.text);
        fault(&stage, Fault::None);
        paid_once(&stage, PATH, &signed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_that_never_arrives_ends_in_served_or_not_taken() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::behind_proxy(&place, &[]).await else { return };
        let signed = stage.signed(PATH).await;
        fault(&stage, Fault::LoseBroadcasts);
        let asking = until_known(&stage, PATH, &signed);
        let healing = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            fault(&stage, Fault::None);
        };
        let (got, ()) = tokio::join!(asking, healing);
        assert_eq!(got.status.as_u16(), 200, "{}", got.text);
        paid_once(&stage, PATH, &signed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_falls_silent_after_a_broadcast_leaves_a_payment_pending_that_ends_by_itself() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::behind_proxy(&place, &[]).await else { return };
    let signed = stage.signed(PATH).await;
    fault(&stage, Fault::HangAfterBroadcast);
    let pending = stage.app.expect(&paying(PATH, &signed), 503).await;
    assert_eq!(pending.at("/error"), Reason::SettlementPending.code());
    assert!(pending.headers.contains_key("retry-after"));
    let receipt = decode_base64_json(pending.header(names::PAYMENT_RESPONSE)).unwrap();
    assert_eq!((&receipt["success"], &receipt["errorReason"]), (&false.into(), &"settlement_pending".into()));
    assert!(!pending.headers.contains_key(names::PAYMENT_REQUIRED), "it must not be signed again");
    let again = stage.app.expect(&paying(PATH, &signed), 409).await;
    assert_eq!(again.at("/error"), "payment_in_progress");
    fault(&stage, Fault::None);
    let got = until_known(&stage, PATH, &signed).await;
    assert_eq!(got.status.as_u16(), 200, "{}", got.text);
    paid_once(&stage, PATH, &signed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_while_its_chain_is_away_and_takes_payments_once_it_is_there() {
    for place in TestDb::all().await {
        let Some(chain) = Chain::behind_proxy().await else { return };
        chain.proxy.as_ref().unwrap().set(Fault::Away);
        let stage = Stage::on(chain, &place, &[]).await;
        let signed = stage.signed(PATH).await;
        let away = stage.app.expect(&paying(PATH, &signed), 503).await;
        let said = decode_base64_json(away.header(names::PAYMENT_REQUIRED)).unwrap();
        assert_eq!(said["error"], Reason::UnexpectedVerifyError.code());
        assert_eq!(stage.app.upstream.asked(), 0);
        fault(&stage, Fault::None);
        let got = until_known(&stage, PATH, &signed).await;
        assert_eq!(got.status.as_u16(), 200, "{}", got.text);
        paid_once(&stage, PATH, &signed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_left_comes_back_with_its_payment_and_gets_the_reply_once() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let signed = stage.signed(SLOW).await;
        let ask = paying(SLOW, &signed);
        stage.leaves(&ask).await;
        let under_way = stage.app.expect(&ask, 409).await;
        assert_eq!(under_way.at("/error"), "payment_in_progress");
        ended(&stage).await;
        let other = stage.app.expect(&paying(PATH, &signed), 402).await;
        let said = decode_base64_json(other.header(names::PAYMENT_REQUIRED)).unwrap();
        assert_eq!(said["error"], Reason::ExactNonceUsed.code());
        let got = stage.app.expect(&ask, 200).await;
        assert_eq!(got.at("/slow"), "400");
        let header = |name: &str| got.headers.get(name).and_then(|value| value.to_str().ok());
        assert!(read_receipt(header).unwrap().unwrap().success);
        paid_once(&stage, SLOW, &signed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_come_back_with_a_payment_one_gets_the_reply() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let signed = stage.signed(SLOW).await;
        let ask = paying(SLOW, &signed);
        stage.leaves(&ask).await;
        ended(&stage).await;
        let answers = futures_util::future::join_all((0..20).map(|_| stage.app.ask(&ask))).await;
        assert_eq!(answers.iter().filter(|got| got.status.as_u16() == 200).count(), 1);
        paid_once(&stage, SLOW, &signed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_who_cancels_while_the_seller_works_gets_no_reply_and_is_not_charged() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let draft = Draft::of(&stage, SLOW, 2).await;
        let ask = Ask::get(SLOW).with(names::PAYMENT_SIGNATURE, encoded(&draft.signed()));
        let cancelling = async {
            while stage.app.upstream.asked() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stage.send_to_token(draft.cancellation(stage.token.domain_separator)).await;
        };
        let (got, ()) = tokio::join!(stage.app.ask(&ask), cancelling);
        assert_eq!(got.status.as_u16(), 402, "{}", got.text);
        assert_eq!(got.at("/slow"), "", "the reply was not paid for");
        let receipt = decode_base64_json(got.header(names::PAYMENT_RESPONSE)).unwrap();
        let expected = (&false.into(), &Reason::ExactNonceUsed.code().into());
        assert_eq!((&receipt["success"], &receipt["errorReason"]), expected);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
        assert_eq!(under_way(&stage).await, 0);
        stage.app.assert_books_balance().await;
    }
}

fn fault(stage: &Stage, fault: Fault) {
    stage.proxy.as_ref().unwrap().set(fault);
}

/// Takes up, once no request is there any more, whatever requests have left.
async fn resume(stage: &Stage) {
    stage.app.app.calls.payments_resume_alone(now()).await.unwrap();
}

async fn under_way(stage: &Stage) -> i64 {
    let rows = stage.app.app.db.one("SELECT COUNT(*) FROM payment WHERE state IN ('reserved', 'earned')", &[]).await;
    rows.unwrap().unwrap().get(0).unwrap()
}

/// Waits until no payment is under way.
async fn ended(stage: &Stage) {
    for _ in 0..1_000 {
        if under_way(stage).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a payment is still under way");
}

/// The payment has moved the price once, by one transaction, and buys nothing more.
async fn paid_once(stage: &Stage, path: &str, signed: &SignedHeader) {
    let spent = stage.app.expect(&paying(path, signed), 402).await;
    let said = decode_base64_json(spent.header(names::PAYMENT_REQUIRED)).unwrap();
    assert_eq!(said["error"], Reason::ExactNonceUsed.code());
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
    assert_eq!(stage.balance(gas_wallet()).await, PRICE);
    assert_eq!(stage.rpc.nonce(gas_wallet(), CallAt::Latest).await.unwrap(), 1, "transactions of the gas wallet");
    assert_eq!(stage.app.upstream.asked(), 1);
    assert_eq!(under_way(stage).await, 0);
    stage.app.assert_books_balance().await;
}

/// Sends the payment until it was served or used, as a client that is told to come back would; for at most a minute.
async fn until_known(stage: &Stage, path: &str, signed: &SignedHeader) -> Got {
    for _ in 0..600 {
        let got = stage.app.ask(&paying(path, signed)).await;
        let said = decode_base64_json(got.header(names::PAYMENT_REQUIRED)).unwrap_or_default();
        let is_open = [409, 503].contains(&got.status.as_u16())
            || said["error"] == Reason::UnexpectedVerifyError.code()
            || said["error"] == Reason::UnexpectedSettleError.code();
        if !is_open {
            return got;
        }
        resume(stage).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the payment did not end in a minute");
}
