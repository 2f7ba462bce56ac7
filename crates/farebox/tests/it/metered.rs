//! Calls from a balance whose reply tells what they cost: the most is held, what was used is charged.

use farebox_base::Micros;
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use serde_json::json;

const MOST: i64 = 50_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_charged_what_was_used_and_never_more_than_was_held() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        let prices = json!({
            "reserve_max_charge": "0.05", "unresolved_fallback_charge": "0.002", "pricing_model": "passthrough",
            "endpoints": [{ "method": "GET", "path": "/told/0.01/1", "price": "0.03" }],
        });
        app.expect(&app.listing(&seller, "metered", "0", &prices), 201).await;
        app.fund(buyer.party, 10_000_000).await;
        let mut left = 10_000_000;
        for (path, cost) in [
            ("/told/0.0035", 3_500),
            ("/told/0", 0),
            ("/told/7", MOST),
            ("/told/0.0000001", 2_000),
            ("/ok", 2_000),
            ("/told/0.0123/3000000", 12_300),
            ("/told/0.01/1", 30_000),
            ("/status/500", 0),
        ] {
            let ask = Ask::get(format!("/publishers/metered{path}")).key(&buyer.key);
            let got = app.ask(&ask).await;
            assert_eq!(got.header("x-farebox-amount"), Micros::new(cost).to_string(), "{path}: {}", got.status);
            assert!(!got.headers.contains_key("x-farebox-charge"), "{path}");
            app.settled().await;
            left -= cost;
            assert_eq!(app.balance(buyer.party).await, left, "{path}");
        }
        app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_pay_the_most_is_refused_and_who_sends_a_key_again_pays_once() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.expect(&app.listing(&seller, "metered", "0.001", &json!({ "reserve_max_charge": "0.05" })), 201).await;
        app.fund(buyer.party, MOST - 1).await;
        let ask = Ask::get("/publishers/metered/told/0.01").key(&buyer.key).with("idempotency-key", "one");
        app.expect(&ask, 402).await;
        app.fund(buyer.party, 1).await;
        for _ in 0..2 {
            app.expect(&ask, 200).await;
        }
        app.settled().await;
        assert_eq!((app.balance(buyer.party).await, app.upstream.asked()), (MOST - 10_000, 1));
        app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_cannot_change_a_fixed_price() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
    app.list(&seller, "fixed", "0.01").await;
    app.fund(buyer.party, 1_000_000).await;
    for told in ["0", "0.5"] {
        let got = app.expect(&Ask::get(format!("/publishers/fixed/told/{told}")).key(&buyer.key), 200).await;
        assert_eq!(got.header("x-farebox-amount"), "0.01");
        assert!(!got.headers.contains_key("x-farebox-charge"));
    }
    app.settled().await;
    assert_eq!(app.balance(buyer.party).await, 980_000);
    app.assert_books_balance().await;
}
