//! One book, three doors: a listing, a key and a balance are good at all of them.

use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_one_door_is_found_and_called_through_the_others_with_one_key_and_balance() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        let (slug, id) = app.list(&seller, "shared", "0.01").await;
        app.fund(buyer.party, 100_000).await;

        let found = app.expect(&Ask::get("/api/v1/discover?q=shared"), 200).await;
        assert_eq!(found.at("/services/0/id"), id);
        let platform = app.expect(&Ask::get(format!("/publishers/{slug}/ok")).key(&buyer.key), 200).await;
        let proxy = app.expect(&Ask::get(format!("/api/v1/proxy/{id}/ok")).key(&buyer.key), 200).await;
        assert_eq!(platform.text, proxy.text);
        assert_eq!((platform.header("x-farebox-amount"), proxy.header("x-acf-amount")), ("0.01", "0.01"));
        assert_eq!(app.balance(buyer.party).await, 80_000);

        let rows = app.app.db.query("SELECT door FROM call WHERE state = 'charged' ORDER BY door", &[]).await.unwrap();
        let doors: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(doors, ["marketplace", "platform"]);
        app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_either_spelling_is_the_same_caller_at_every_door() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Both").await;
    let (id, secret) = agent.key.strip_prefix("fbx_").unwrap().split_once('_').unwrap();
    let marketplace = format!("acf_{id}:sec_{secret}");
    for key in [agent.key.as_str(), &marketplace, &format!("{id}:{secret}")] {
        let me = app.expect(&Ask::get("/auth/me").key(key), 200).await;
        assert_eq!(me.at("/data/default_organization_id"), agent.party.to_string());
        let usage = app.expect(&Ask::get("/api/v1/usage/me").key(key), 200).await;
        assert_eq!(usage.at("/buyer_id"), agent.party.to_string());
    }
    let valid = json!({ "key_id": format!("acf_{id}"), "secret": format!("sec_{secret}") });
    let validated = app.expect(&Ask::post("/api/v1/keys/validate", valid), 200).await;
    assert_eq!((validated.at("/valid"), validated.at("/role")), ("true".into(), "provider".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_the_marketplace_is_a_publisher_at_the_platform() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let made = app.expect(&Ask::post("/api/v1/keys", json!({ "owner_id": "maker", "role": "provider" })), 201).await;
    let key = format!("{}:{}", made.at("/key_id"), made.at("/secret"));
    let service = json!({
        "name": "Made There", "endpoint": format!("http://{}", app.upstream_address), "price_per_call": "0.10",
        "category": "ai", "tags": ["nlp"], "free_tier_calls": 1,
    });
    let listed = app.expect(&Ask::post("/api/v1/services", service).key(&key), 201).await;
    assert_eq!((listed.at("/provider_id"), listed.at("/pricing/price_per_call")), ("maker".into(), "0.10".into()));
    let store = app.expect(&Ask::get("/publishers?search=made"), 200).await;
    assert_eq!(store.at("/data/0/id"), listed.at("/id"));
    assert_eq!(store.at("/pagination/total"), "1");
    let buyer = app.agent("Buyer").await;
    let slug = store.at("/data/0/slug");
    let got = app.expect(&Ask::get(format!("/publishers/{slug}/ok")).key(&buyer.key), 200).await;
    assert_eq!(got.header("x-farebox-free-tier"), "true");
}
