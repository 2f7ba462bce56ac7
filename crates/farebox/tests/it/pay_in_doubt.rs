//! `farebox pay` where a signed payment has left and is not known to be taken, and what it believes of receipts.

use crate::command::text;
use crate::pay::{KEY, Shop, TRANSACTION, farebox};
use farebox_base::{Clock as _, SystemClock};
use farebox_x402::wire::decode_base64_json;

/// Exit status and everything that was said.
async fn paid(base: &str, path: &str) -> (Option<i32>, String) {
    let output = farebox(&["pay", &format!("{base}{path}")], Some(KEY)).await;
    (output.status.code(), text(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_after_the_answer_is_under_way_and_never_told_as_not_taken() {
    for path in ["/later", "/v1-later"] {
        let (shop, base) = Shop::open().await;
        let (status, said) = paid(&base, path).await;
        assert_eq!(status, Some(0), "it was served: {said}");
        assert!(said.contains("under way: the payment was sent and may still be taken") && said.contains("the goods"));
        assert!(!said.contains("nothing was taken"), "{said}");
        assert_eq!(shop.different_payments(), (1, 1), "what is served is not asked for again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_settlement_was_lost_from_sight_is_sent_again_and_told_as_under_way() {
    let (shop, base) = Shop::open().await;
    let (status, said) = paid(&base, "/lost-once").await;
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("paid 0.05 USDC"), "{said}");
    assert_eq!(shop.different_payments(), (2, 1));

    let (shop, base) = Shop::open().await;
    let (status, said) = paid(&base, "/lost").await;
    assert_eq!(status, Some(3), "{said}");
    assert!(said.contains("under way: the payment was sent and may still be taken"), "{said}");
    assert!(!said.contains("nothing was taken"), "{said}");
    let header = said.split("--header '").nth(1).unwrap().trim_end().trim_end_matches('\'').to_owned();
    let (all, different) = shop.different_payments();
    assert!(all > 1 && different == 1 && header.ends_with(&shop.payments.lock()[0]), "{all} {different} {header}");
    let again = farebox(&["pay", &format!("{base}/lost"), "--header", &header], None).await;
    assert!(again.status.code() == Some(3) && text(&again).contains("under way"), "{}", text(&again));
    let nobody = farebox(&["pay", "http://127.0.0.1:1/", "--header", &header], None).await;
    assert_eq!(nobody.status.code(), Some(3), "a payment that was signed earlier: {}", text(&nobody));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_has_left_is_good_for_minutes_and_the_command_says_until_when() {
    let (shop, base) = Shop::open().await;
    let (status, said) = paid(&base, "/long").await;
    assert_eq!(status, Some(3), "2 would mean that nothing was signed: {said}");
    let payment = decode_base64_json(&shop.payments.lock()[0]).unwrap();
    let ends: i64 = payment["payload"]["authorization"]["validBefore"].as_str().unwrap().parse().unwrap();
    let left = ends - SystemClock::default().now().seconds();
    assert!((540..=600).contains(&left), "the offer is for a day; signed for {left} s");
    let until = farebox_base::Timestamp::from_micros(ends * 1_000_000).rfc3339();
    assert!(said.contains("insufficient_funds") && said.contains(&until[..19]), "{until}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_is_what_was_signed_whatever_the_receipt_says() {
    let (_shop, base) = Shop::open().await;
    let (status, said) = paid(&base, "/lies").await;
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("paid 0.05 USDC") && said.contains(TRANSACTION), "{said}");
    assert!(!said.contains("paid 0.000001") && !said.contains('\u{202e}'), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_before_the_work_of_a_seller_who_fails_is_told_as_a_balance() {
    let (_shop, base) = Shop::open().await;
    let (status, said) = paid(&base, "/fails-paid").await;
    assert_eq!(status, Some(1), "{said}");
    for part in ["paid 0.05 USDC", "a balance of 0x", "SIGN-IN-WITH-X", "500"] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}
