//! Same key, same answer.

use farebox_calls::{HttpCall, IdempotencyKey, Payer};
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use serde_json::json;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_with_one_key_are_one_upstream_call_and_one_charge() {
    for place in TestDb::all().await {
        let app = Arc::new(TestApp::start(&place, &[]).await);
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.list(&seller, "things", "0.01").await;
        app.fund(buyer.party, 1_000_000).await;
        let ask = Ask::post("/publishers/things/slow/150", json!({ "order": 1 }));
        let ask = ask.key(&buyer.key).with("Idempotency-Key", "order-1");
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (app, ask) = (app.clone(), ask.clone());
                tokio::spawn(async move { app.ask(&ask).await })
            })
            .collect();
        let mut served = 0;
        for task in tasks {
            let got = task.await.unwrap();
            match got.status.as_u16() {
                200 => {
                    assert_eq!(got.at("/slow"), "150");
                    served += 1;
                }
                409 => assert_eq!(got.at("/error"), "idempotency_key_in_use"),
                other => panic!("{other}: {}", got.text),
            }
        }
        assert!(served >= 1);
        let again = app.expect(&ask, 200).await;
        assert_eq!((again.at("/slow"), again.header("x-farebox-replayed")), ("150".into(), "true"));
        assert_eq!((app.upstream.asked(), app.balance(buyer.party).await), (1, 990_000));
        app.assert_books_balance().await;
    }
}

/// Whoever asks is never polled again once the key is in the store, as if it had left in that moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_as_its_key_is_taken_finds_the_answer() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.list(&seller, "things", "0.01").await;
        app.fund(buyer.party, 1_000_000).await;
        let call = HttpCall {
            payer: Payer { party_id: buyer.party, key_id: None },
            entry: app.app.market.by_slug("things").await.unwrap().unwrap(),
            door: "platform",
            method: http::Method::GET,
            path_and_query: "/ok".to_owned(),
            headers: http::HeaderMap::new(),
            body: farebox_net::empty(),
            idempotency_key: Some(IdempotencyKey::parse("order-1").unwrap()),
            payment: None,
            user: None,
            request_id: "left".to_owned(),
            received: app.app.clock.ticks(),
        };
        let mut asking = Box::pin(app.app.calls.call_http(Box::new(call)));
        assert!(asking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let taken = async || -> i64 {
            let row = app.app.db.one("SELECT COUNT(*) FROM idempotency", &[]).await.unwrap();
            row.unwrap().get(0).unwrap()
        };
        while taken().await == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(asking);
        app.settled().await;
        let ask = Ask::get("/publishers/things/ok").key(&buyer.key).with("Idempotency-Key", "order-1");
        assert_eq!(app.expect(&ask, 200).await.header("x-farebox-replayed"), "true");
        assert_eq!((app.upstream.asked(), app.balance(buyer.party).await), (1, 990_000));
        app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_body_path_or_query_is_409() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.list(&seller, "things", "0.01").await;
        app.fund(buyer.party, 1_000_000).await;
        let ask = |path: &str, order: i64| {
            Ask::post(format!("/publishers/things/{path}"), json!({ "order": order }))
                .key(&buyer.key)
                .with("Idempotency-Key", "order-1")
        };
        app.expect(&ask("echo", 1), 200).await;
        for (path, order) in [("echo", 2), ("echo?x=1", 1), ("ok", 1)] {
            let got = app.expect(&ask(path, order), 409).await;
            assert_eq!(got.at("/error"), "idempotency_key_reused");
        }
        assert_eq!((app.upstream.asked(), app.balance(buyer.party).await), (1, 990_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_caller_and_listing() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let seller = app.agent("Seller").await;
    app.list(&seller, "things", "0.01").await;
    app.list(&seller, "others", "0.01").await;
    for name in ["First", "Second"] {
        let buyer = app.agent(name).await;
        app.fund(buyer.party, 1_000_000).await;
        for slug in ["things", "others"] {
            let ask = Ask::get(format!("/publishers/{slug}/ok")).key(&buyer.key).with("Idempotency-Key", "same");
            let got = app.expect(&ask, 200).await;
            assert!(got.header("x-farebox-replayed").is_empty());
        }
        assert_eq!(app.balance(buyer.party).await, 980_000);
    }
    assert_eq!(app.upstream.asked(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_frees_its_key() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
    app.list(&seller, "things", "0.01").await;
    app.fund(buyer.party, 1_000_000).await;
    let ask = Ask::get("/publishers/things/status/500").key(&buyer.key).with("Idempotency-Key", "retry-me");
    app.expect(&ask, 500).await;
    app.expect(&ask, 500).await;
    assert_eq!((app.upstream.asked(), app.balance(buyer.party).await), (2, 1_000_000));
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_too_large_to_keep_is_served_once_and_charged_once() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
    app.list(&seller, "things", "0.01").await;
    app.fund(buyer.party, 1_000_000).await;
    let ask = Ask::get("/publishers/things/bytes/3000000").key(&buyer.key).with("Idempotency-Key", "big");
    let got = app.expect(&ask, 200).await;
    assert!(got.text.len() >= 3_000_000);
    let again = app.expect(&ask, 409).await;
    assert_eq!(again.at("/error"), "idempotent_reply_not_kept");
    assert_eq!((app.upstream.asked(), app.balance(buyer.party).await), (1, 990_000));
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_key_is_400_naming_the_header() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
    app.list(&seller, "things", "0.01").await;
    for key in ["with space", &"x".repeat(256)] {
        let ask = Ask::get("/publishers/things/ok").key(&buyer.key).with("Idempotency-Key", key);
        assert_eq!(app.expect(&ask, 400).await.at("/field"), "Idempotency-Key");
    }
}
