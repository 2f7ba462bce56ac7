//! Requests that come again: with a payment whose time is over, and with an identifier whose first request still runs.

use super::bent::{Draft, encoded};
use super::stage::{FORTUNE, PRICE, Stage, now};
use alloy_primitives::U256;
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_testkit::proxy::Fault;
use farebox_x402::Reason;
use farebox_x402::wire::{decode_base64_json, names};
use serde_json::{Value, json};
use std::time::Duration;

const SLOW: &str = "/publishers/things/slow/400";

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_time_is_over_gets_its_saved_reply_once_and_an_unknown_one_its_reason() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[("x402.timeout_s", "10")]).await else { return };
    let (mut known, mut unknown) = (Draft::of(&stage, SLOW, 2).await, Draft::of(&stage, SLOW, 2).await);
    // Twice as long as a signature has to be good at least, for machines that are busy.
    let end_s = now().seconds() + 12;
    let until = U256::from(u64::try_from(end_s).unwrap());
    let known = paying(encoded(&known.authorizing(|it| it.valid_before = until)));
    let unknown = paying(encoded(&unknown.authorizing(|it| it.valid_before = until)));
    stage.leaves(&known).await;
    stage.app.settled().await;
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE, "it was in time");
    while now().seconds() <= end_s {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let said = refusal(&stage, &unknown).await;
    assert_eq!(said, Reason::ExactValidBefore.code(), "over, and nobody knows it");
    let got = stage.app.expect(&known, 200).await;
    assert_eq!(got.at("/slow"), "400");
    let receipt = decode_base64_json(got.header(names::PAYMENT_RESPONSE)).unwrap();
    assert_eq!(receipt["success"], true, "{receipt}");
    assert_eq!(refusal(&stage, &known).await, Reason::ExactNonceUsed.code(), "the reply is handed over once");
    assert_eq!(stage.app.upstream.asked(), 1);
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_whose_first_request_still_runs_is_told_so_in_its_own_words() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let name = "pay_0123456789abcdef";
        let (first, second) = (named(&stage, name).await, named(&stage, name).await);
        let meanwhile = async {
            while stage.app.upstream.asked() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stage.app.expect(&second, 409).await
        };
        let (served, refused) = tokio::join!(stage.app.expect(&first, 200), meanwhile);
        assert_eq!(refused.at("/error"), "idempotency_key_in_use");
        assert!(refused.at("/message").starts_with("payment-identifier:"), "{}", refused.text);
        assert!(!refused.text.contains("Idempotency-Key"), "{}", refused.text);
        assert_eq!(refused.header("retry-after"), "1");
        let again = stage.app.expect(&second, 200).await;
        assert_eq!(again.text, served.text);
        assert_eq!(stage.app.upstream.asked(), 1);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_that_comes_again_brings_the_receipt_of_the_payment_that_was_taken() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let name = "pay_0123456789abcdef";
        let first = stage.app.expect(&named(&stage, name).await, 200).await;
        let again = stage.app.expect(&named(&stage, name).await, 200).await;
        for field in ["success", "transaction", "network", "payer"] {
            assert_eq!(receipt(&again)[field], receipt(&first)[field], "{field}");
        }
        assert!(receipt(&again)["transaction"].as_str().unwrap().starts_with("0x"));
        assert_eq!((again.text.as_str(), again.header("x-farebox-replayed")), (first.text.as_str(), "true"));
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_brings_the_answer_of_a_payment_that_ended_after_its_request_was_gone() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::behind_proxy(&place, &[]).await else { return };
        let name = "pay_0123456789abcdef";
        let (first, second) = (named(&stage, name).await, named(&stage, name).await);
        let proxy = stage.proxy.as_ref().unwrap();
        proxy.set(Fault::HangAfterBroadcast);
        stage.app.expect(&first, 503).await;
        proxy.set(Fault::None);
        let mut answers = Vec::new();
        for _ in 0..500 {
            stage.app.app.calls.payments_resume_alone(now()).await.unwrap();
            let got = stage.app.ask(&second).await;
            if got.status.as_u16() != 409 {
                answers.push(got);
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for ask in [&second, &first, &named(&stage, name).await] {
            answers.push(stage.app.expect(ask, 200).await);
        }
        let transaction = receipt(&answers[0])["transaction"].clone();
        for got in &answers {
            assert_eq!((got.status.as_u16(), got.at("/slow").as_str()), (200, "400"), "{}", got.text);
            assert_eq!(receipt(got)["transaction"], transaction);
            assert_eq!(got.headers["content-type"], answers[0].headers["content-type"]);
        }
        assert_eq!(stage.app.upstream.asked(), 1);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

/// A payment of its own for the slow path, under a name.
async fn named(stage: &Stage, name: &str) -> Ask {
    let draft = Draft::of(stage, SLOW, 2).await;
    let info = json!({ "required": false, "id": name });
    paying(encoded(&draft.with("/extensions/payment-identifier/info", info)))
}

fn receipt(got: &Got) -> Value {
    decode_base64_json(got.header(names::PAYMENT_RESPONSE)).unwrap()
}

fn paying(value: String) -> Ask {
    Ask::get(SLOW).with(names::PAYMENT_SIGNATURE, value)
}

/// The code that a 402 carries.
async fn refusal(stage: &Stage, ask: &Ask) -> String {
    let got = stage.app.expect(ask, 402).await;
    let required = decode_base64_json(got.header(names::PAYMENT_REQUIRED)).unwrap();
    required["error"].as_str().unwrap_or_default().to_owned()
}
