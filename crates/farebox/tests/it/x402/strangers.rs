//! Strangers with somebody's payment, which its chain shows to everybody: they never get the reply that it paid for.

use super::bent::{Draft, encoded};
use super::stage::Stage;
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_x402::Reason;
use farebox_x402::extension::sign_in::SignIn;
use farebox_x402::wire::{decode_base64_json, names};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SLOW: &str = "/publishers/things/slow/400";
const HOME: &str = "192.0.2.7";
const ELSEWHERE: &str = "198.51.100.9";

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_ask_all_the_time_never_have_the_reply_of_who_waits_for_it() {
    for settle in ["after", "before"] {
        for place in TestDb::all().await {
            let Some(stage) = Stage::set(&place, &[("x402.settle", settle)]).await else { return };
            for round in 1..=8 {
                let ask = paying(&stage).await;
                let is_answered = AtomicBool::new(false);
                let waits = async {
                    let got = stage.app.ask(&ask).await;
                    is_answered.store(true, Ordering::Release);
                    got
                };
                let copies = async {
                    while stage.app.upstream.asked() < round {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    let copy = async || {
                        while !is_answered.load(Ordering::Acquire) {
                            let got = stage.app.ask(&ask).await;
                            assert_ne!(got.status.as_u16(), 200, "settle={settle}: a copy has the reply");
                        }
                    };
                    futures_util::future::join_all((0..6).map(|_| copy())).await;
                };
                let (got, ()) = tokio::join!(waits, copies);
                assert_eq!(
                    (got.status.as_u16(), got.at("/slow").as_str()),
                    (200, "400"),
                    "settle={settle} {}",
                    got.text
                );
                refused(&stage, &ask).await;
            }
            stage.app.assert_books_balance().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_waits_is_had_from_where_its_payment_came_or_with_a_proof_of_the_wallet() {
    for settle in ["after", "before"] {
        for place in TestDb::all().await {
            let settings = [("x402.settle", settle), ("server.trusted_proxies", "127.0.0.1")];
            let Some(stage) = Stage::set(&place, &settings).await else { return };
            let (ask, proven) = (paying(&stage).await, paying(&stage).await);
            let stranger = stage.app.agent("Stranger").await;
            for ask in [&ask, &proven] {
                stage.leaves(&from(HOME, ask)).await;
            }
            stage.app.settled().await;
            let got = refused(&stage, &from(ELSEWHERE, &ask)).await;
            assert!(got.text.contains("SIGN-IN-WITH-X"), "settle={settle}: {}", got.text);
            refused(&stage, &from(ELSEWHERE, &ask).key(&stranger.key)).await;
            let here = stage.app.expect(&from(HOME, &ask), 200).await;
            assert_eq!(here.at("/slow"), "400");
            let proof = proof(&stage).await;
            let there = stage.app.expect(&from(ELSEWHERE, &proven).with("sign-in-with-x", proof), 200).await;
            assert_eq!(there.at("/slow"), "400");
            for ask in [&ask, &proven] {
                refused(&stage, &from(HOME, ask)).await;
            }
            stage.app.assert_books_balance().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_is_told_again_after_a_crash_and_not_after_an_orderly_stop() {
    for settle in ["after", "before"] {
        for place in TestDb::all().await {
            let Some(stage) = Stage::set(&place, &[("x402.settle", settle)]).await else { return };
            let db = &stage.app.app.db;
            let ask = paying(&stage).await;
            let first = stage.app.expect(&ask, 200).await;
            farebox_calls::replies_offer_again(db).await.unwrap();
            let again = stage.app.expect(&ask, 200).await;
            assert_eq!(again.text, first.text, "settle={settle}: it may have got lost with the process");
            assert_eq!(farebox_calls::replies_had(db).await.unwrap(), 1);
            farebox_calls::replies_offer_again(db).await.unwrap();
            refused(&stage, &ask).await;
            assert_eq!(stage.app.upstream.asked(), 1);
        }
    }
}

fn from(address: &str, ask: &Ask) -> Ask {
    ask.clone().with("x-forwarded-for", address)
}

/// A payment for the slow path.
async fn paying(stage: &Stage) -> Ask {
    let signed = Draft::of(stage, SLOW, 2).await.signed();
    Ask::get(SLOW).with(names::PAYMENT_SIGNATURE, encoded(&signed))
}

/// Proves the payer's wallet, once.
async fn proof(stage: &Stage) -> String {
    let unpaid = stage.app.expect(&Ask::get(SLOW), 402).await;
    let challenge = decode_base64_json(unpaid.header(names::PAYMENT_REQUIRED)).unwrap();
    SignIn::answer(&challenge["extensions"]["sign-in-with-x"], &stage.payer).unwrap().header().unwrap()
}

/// A 402 that says that the payment is spent.
async fn refused(stage: &Stage, ask: &Ask) -> Got {
    let got = stage.app.expect(ask, 402).await;
    let required = decode_base64_json(got.header(names::PAYMENT_REQUIRED)).unwrap();
    assert_eq!(required["error"], Reason::ExactNonceUsed.code());
    got
}
