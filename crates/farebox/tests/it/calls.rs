//! Paid calls end to end: what is charged, what is free, and that no hold is left behind.

use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::json;

/// A server with a seller's listing at $0.01 and a funded buyer.
struct Market {
    app: TestApp,
    slug: String,
    listing_id: String,
    seller: farebox_testkit::app::Agent,
    buyer: farebox_testkit::app::Agent,
}

async fn market(place: &TestDb, funds_micros: i64) -> Market {
    let app = TestApp::start(place, &[("fees.gateway_fee_basis_points", "1000")]).await;
    let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
    let (slug, listing_id) = app.list(&seller, "things", "0.01").await;
    app.fund(buyer.party, funds_micros).await;
    Market { app, slug, listing_id, seller, buyer }
}

impl Market {
    fn call(&self, path: &str) -> Ask {
        Ask::get(format!("/publishers/{}/{path}", self.slug)).key(&self.buyer.key)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_call_moves_its_price_from_the_buyer_to_seller_and_fee() {
    for place in TestDb::all().await {
        let market = market(&place, 50_000).await;
        let got = market.app.expect(&market.call("ok"), 200).await;
        assert_eq!((got.header("x-farebox-amount"), got.header("x-farebox-free-tier")), ("0.01", "false"));
        assert_eq!(market.app.balance(market.buyer.party).await, 40_000);
        let seller = market.app.app.wallets.balances(market.seller.party).await.unwrap();
        assert_eq!(seller.earnings.get(), 9_000);
        market.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_parallel_calls_on_money_for_a_hundred_are_a_hundred() {
    for place in TestDb::all().await {
        let market = std::sync::Arc::new(market(&place, 1_000_000).await);
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let market = market.clone();
                tokio::spawn(async move { market.app.ask(&market.call("ok")).await.status.as_u16() })
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        let count = |status| statuses.iter().filter(|s| **s == status).count();
        assert_eq!((count(200), count(402)), (100, 100), "{statuses:?}");
        assert_eq!(market.app.balance(market.buyer.party).await, 0);
        assert_eq!(market.app.upstream.asked(), 100, "refused calls never reach the seller");
        market.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_upstream_is_free_and_leaves_no_hold() {
    for place in TestDb::all().await {
        let market = market(&place, 50_000).await;
        for (path, status) in [("status/500", 500), ("status/503", 503), ("half", 502)] {
            let got = market.app.expect(&market.call(path), status).await;
            assert_eq!(got.header("x-farebox-amount"), "0", "{path}");
        }
        let dead = market.app.listing(&market.seller, "dead", "0.01", &json!({ "api_url": "http://127.0.0.1:9" }));
        market.app.expect(&dead, 400).await;
        assert_eq!(market.app.balance(market.buyer.party).await, 50_000);
        market.app.settled().await;
        market.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sellers_refusals_are_answers_and_are_charged() {
    let market = market(&TestDb::sqlite().await, 50_000).await;
    let got = market.app.expect(&market.call("status/404"), 404).await;
    assert_eq!(got.header("x-farebox-amount"), "0.01");
    assert_eq!(market.app.balance(market.buyer.party).await, 40_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_money_is_402_with_what_is_needed_and_what_is_there() {
    let market = market(&TestDb::sqlite().await, 9_999).await;
    let got = market.app.expect(&market.call("ok"), 402).await;
    assert_eq!((got.at("/minimumRequired"), got.at("/currentBalance")), ("0.01".into(), "0.009999".into()));
    assert_eq!(market.app.upstream.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn promotional_money_goes_first_and_a_price_may_span_both_kinds() {
    for place in TestDb::all().await {
        let market = market(&place, 5_000).await;
        market.app.expect(&Ask::post("/wallet/bonus/signup", json!({})).key(&market.buyer.key), 200).await;
        let before = market.app.app.wallets.balances(market.buyer.party).await.unwrap();
        let price = farebox_base::Micros::new(before.promotional.get() + 2_000).to_string();
        let (slug, _) = market.app.list(&market.seller, "dear", &price).await;
        let ask = Ask::get(format!("/publishers/{slug}/ok")).key(&market.buyer.key);
        market.app.expect(&ask, 200).await;
        let after = market.app.app.wallets.balances(market.buyer.party).await.unwrap();
        assert_eq!((after.promotional.get(), after.funded.get()), (0, 3_000));
        market.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_free_tier_is_exact_under_parallel_calls_and_failures_give_their_slot_back() {
    for place in TestDb::all().await {
        let market = std::sync::Arc::new(market(&place, 1_000_000).await);
        let service = json!({
            "name": "Free to try", "endpoint": format!("http://{}", market.app.upstream_address),
            "price_per_call": "0.10", "free_tier_calls": 5,
        });
        let ask = Ask::post("/api/v1/services", service).key(&market.seller.key);
        let id = market.app.expect(&ask, 201).await.at("/id");
        let failing = Ask::get(format!("/api/v1/proxy/{id}/status/500")).key(&market.buyer.key);
        market.app.expect(&failing, 500).await;
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (market, id) = (market.clone(), id.clone());
                tokio::spawn(async move {
                    let ask = Ask::get(format!("/api/v1/proxy/{id}/ok")).key(&market.buyer.key);
                    let got = market.app.ask(&ask).await;
                    (got.status.as_u16(), got.header("x-acf-free-tier").to_owned())
                })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        let free = answers.iter().filter(|(status, free)| *status == 200 && free == "true").count();
        let paid = answers.iter().filter(|(status, free)| *status == 200 && free == "false").count();
        assert_eq!((free, paid), (5, 10), "{answers:?}");
        assert_eq!(market.app.balance(market.buyer.party).await, 0);
        market.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn method_path_query_headers_and_body_arrive_as_they_were_sent() {
    let market = market(&TestDb::sqlite().await, 1_000_000).await;
    let path = "echo/a%2Fb/%20c?x=1&x=2&y=%26";
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let ask = Ask::new(method.clone(), format!("/publishers/{}/{path}", market.slug))
            .key(&market.buyer.key)
            .with("x-custom", "kept")
            .with("cookie", "session=secret")
            .with("x-api-key", "other-secret")
            .with("idempotency-key", format!("k-{method}"))
            .json(json!({ "text": "body" }));
        let got = market.app.expect(&ask, 200).await;
        assert_eq!(got.at("/method"), method.as_str());
        assert_eq!((got.at("/path"), got.at("/query")), ("/echo/a%2Fb/%20c".into(), "x=1&x=2&y=%26".into()));
        assert_eq!(got.at("/body"), json!({ "text": "body" }).to_string());
        let headers = got.at("/headers");
        assert!(headers.contains("kept"), "{headers}");
        for secret in ["session=secret", "other-secret", "fbx_", "authorization", "idempotency-key"] {
            assert!(!headers.contains(secret), "{secret} reached the seller: {headers}");
        }
        let cookies: Vec<_> = got.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies.len(), 2, "duplicate headers stay apart");
        assert!(got.header("x-acf-amount").is_empty(), "the seller can't write a receipt");
        assert_eq!(got.header("x-farebox-amount"), "0.01");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sellers_secrets_reach_the_seller_and_nobody_else() {
    let market = market(&TestDb::sqlite().await, 1_000_000).await;
    let more = json!({ "upstream_api_key": "seller-secret", "api_key_header": "X-Seller-Key" });
    let listed = market.app.expect(&market.app.listing(&market.seller, "keyed", "0.01", &more), 201).await;
    assert!(!listed.text.contains("seller-secret"));
    let shown = market.app.expect(&Ask::get("/publishers/keyed"), 200).await;
    assert!(!shown.text.contains("seller-secret"));
    let ask = Ask::get("/publishers/keyed/echo").key(&market.buyer.key).with("X-Seller-Key", "forged");
    let got = market.app.expect(&ask, 200).await;
    assert!(got.at("/headers").contains("seller-secret"));
    assert!(!got.at("/headers").contains("forged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_cannot_leave_the_listing() {
    let market = market(&TestDb::sqlite().await, 1_000_000).await;
    let more = json!({ "api_url": format!("http://{}/status", market.app.upstream_address) });
    market.app.expect(&market.app.listing(&market.seller, "below", "0.01", &more), 201).await;
    for path in ["%2e%2e/ok", "..%2fok", "a/%2e%2e/%2e%2e/ok", "%252e%252e/ok"] {
        let got = market.app.ask(&Ask::get(format!("/publishers/below/{path}")).key(&market.buyer.key)).await;
        assert_eq!(got.status.as_u16(), 400, "{path}: {}", got.text);
    }
    assert_eq!(market.app.upstream.asked(), 0);
    assert_eq!(market.app.balance(market.buyer.party).await, 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_or_removed_listing_is_not_called() {
    let market = market(&TestDb::sqlite().await, 50_000).await;
    let listing = format!("/organizations/default/publishers/{}", market.listing_id);
    let pause = Ask::new(Method::PUT, &listing).json(json!({ "is_active": false })).key(&market.seller.key);
    market.app.expect(&pause, 200).await;
    market.app.expect(&market.call("ok"), 404).await;
    market.app.expect(&Ask::new(Method::DELETE, &listing).key(&market.seller.key), 200).await;
    market.app.expect(&market.call("ok"), 404).await;
    assert_eq!(market.app.upstream.asked(), 0);
}
