//! Calls that are made with the buyer's own account.

use super::stage::{Stage, authorize};
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::{Value, json};

/// The headers that arrived at the seller's server.
fn arrived(got: &Got) -> Vec<(String, String)> {
    serde_json::from_value(serde_json::from_str::<Value>(&got.text).unwrap()["headers"].clone()).unwrap()
}

fn authorization(got: &Got) -> Vec<String> {
    arrived(got).into_iter().filter(|(name, _)| name == "authorization").map(|(_, value)| value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_carries_the_buyers_token_and_without_one_is_refused_before_any_money_moves() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let (app, key) = (&stage.app, &stage.buyer.key);
        stage.own_provider(&stage.seller, "example").await;
        let (id, provider) = stage.listing("needs", "example").await;
        // The seller's own credentials in the same place give way.
        let headers = json!({ "api_headers": { "Authorization": "Basic sellers" } });
        let put = Ask::new(Method::PUT, format!("/organizations/default/publishers/{id}")).json(headers);
        app.expect(&put.key(&stage.seller.key), 200).await;
        let shown = app.expect(&Ask::get("/publishers/needs"), 200).await;
        assert_eq!(
            (shown.at("/data/requires_user_oauth"), shown.at("/data/oauth_provider_id")),
            ("true".into(), provider.clone())
        );

        let refused = app.expect(&Ask::get("/publishers/needs/echo").key(key), 403).await;
        let url = format!("{}/oauth/providers/{provider}/authorize", app.base);
        assert_eq!(
            (refused.at("/error"), refused.at("/authorize_url")),
            ("oauth_connection_required".into(), url.clone())
        );
        assert_eq!((refused.at("/provider_slug"), refused.at("/provider_id")), ("example".into(), provider.clone()));
        let refused = app.expect(&Ask::get(format!("/api/v1/proxy/{id}/echo")).key(key), 403).await;
        assert!(refused.at("/detail").contains(&url), "{}", refused.text);
        app.expect(&Ask::get("/publishers/needs/echo"), 401).await;
        assert_eq!((app.upstream.asked(), app.balance(stage.buyer.party).await), (0, 1_000_000));

        // The buyer is of another organization than the provider, which a publisher needs accounts of.
        stage.connected(key, &provider).await;
        for path in ["/publishers/needs/echo".to_owned(), format!("/api/v1/proxy/{id}/echo")] {
            let got = app.expect(&Ask::get(path).key(key).with("X-Mine", "1"), 200).await;
            assert_eq!(authorization(&got), ["Bearer access-1"]);
            assert!(arrived(&got).contains(&("x-mine".to_owned(), "1".to_owned())));
        }
        app.settled().await;
        assert_eq!(app.balance(stage.buyer.party).await, 980_000);
        // Another publisher of the same seller gets no token.
        app.list(&stage.seller, "plain", "0.01").await;
        let got = app.expect(&Ask::get("/publishers/plain/echo").key(key), 200).await;
        assert!(authorization(&got).is_empty());
        // And the seller's other buyers have accounts of their own.
        app.expect(&Ask::get("/publishers/needs/echo").key(&stage.seller.key), 403).await;
        app.expect(&Ask::new(Method::DELETE, format!("/oauth/connections/providers/{provider}")).key(key), 200).await;
        app.expect(&Ask::get("/publishers/needs/echo").key(key), 403).await;
        app.settled().await;
        app.assert_books_balance().await;
        // Where nobody needs it any more, strangers can't connect.
        let free = Ask::new(Method::PUT, format!("/organizations/default/publishers/{id}"));
        app.expect(&free.json(json!({ "requires_user_oauth": false })).key(&stage.seller.key), 200).await;
        app.expect(&authorize(&provider).key(key), 404).await;
        let got = app.expect(&Ask::get("/publishers/needs/echo").key(key), 200).await;
        assert_eq!(authorization(&got), ["Basic sellers"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_accounts_is_named_or_the_default_or_the_call_is_refused_with_all_of_them() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let (app, key) = (&stage.app, &stage.buyer.key);
        stage.own_provider(&stage.seller, "example").await;
        let (_, provider) = stage.listing("needs", "example").await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(stage.connected(key, &provider).await);
        }
        let call = |query: &str| Ask::get(format!("/publishers/needs/echo{query}")).key(key);
        assert_eq!(authorization(&app.expect(&call(""), 200).await), ["Bearer access-1"]);
        app.expect(&Ask::new(Method::DELETE, format!("/oauth/connections/{}", ids[0])).key(key), 200).await;
        let ambiguous = app.expect(&call(""), 409).await;
        assert_eq!(
            (ambiguous.at("/error"), ambiguous.at("/provider_id")),
            ("multiple_oauth_connections".into(), provider)
        );
        assert_eq!(
            (ambiguous.at("/connections/0/id"), ambiguous.at("/connections/1/id")),
            (ids[1].clone(), ids[2].clone())
        );
        for name in ["X-Farebox-OAuth-Connection-Id", "X-Seren-OAuth-Connection-Id"] {
            let got = app.expect(&call("").with(name, &ids[2]), 200).await;
            assert_eq!(authorization(&got), ["Bearer access-3"]);
            assert!(arrived(&got).iter().all(|(name, _)| !name.contains("oauth")));
        }
        let got = app.expect(&call(&format!("?a=1&connection_id={}&b=%20", ids[1])), 200).await;
        assert_eq!((authorization(&got), got.at("/query")), (vec!["Bearer access-2".to_owned()], "a=1&b=%20".into()));
        app.expect(&call("").with("X-Farebox-OAuth-Connection-Id", "x"), 400).await;
        app.expect(&call("").with("X-Farebox-OAuth-Connection-Id", &ids[0]), 404).await;
        let default = Ask::new(Method::PUT, format!("/oauth/connections/{}/default", ids[2])).key(key);
        app.expect(&default, 200).await;
        // A parameter of this name that means something to the seller passes.
        let got = app.expect(&call("?connection_id=00000000-0000-7000-8000-000000000000"), 200).await;
        assert_eq!(authorization(&got), ["Bearer access-3"]);
        assert_eq!(got.at("/query"), "connection_id=00000000-0000-7000-8000-000000000000");
        app.settled().await;
        assert_eq!(app.balance(stage.buyer.party).await, 1_000_000 - 5 * 10_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_made_with_one_account_is_not_given_again_for_another() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let (app, key) = (&stage.app, &stage.buyer.key);
        stage.own_provider(&stage.seller, "example").await;
        let (_, provider) = stage.listing("needs", "example").await;
        let (one, two) = (stage.connected(key, &provider).await, stage.connected(key, &provider).await);
        let call = |id: &str| {
            let ask = Ask::get("/publishers/needs/echo").key(key).with("Idempotency-Key", "k");
            ask.with("X-Farebox-OAuth-Connection-Id", id)
        };
        let first = app.expect(&call(&one), 200).await;
        let again = app.expect(&call(&one), 200).await;
        assert_eq!((again.header("x-farebox-replayed"), &again.text), ("true", &first.text));
        app.expect(&call(&two), 409).await;
    }
}
