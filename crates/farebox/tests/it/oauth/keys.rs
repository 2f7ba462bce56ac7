//! Flows that a key began end with that key, and with no other.

use super::stage::{Stage, authorize, begun, cookie};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::json;

/// Makes another key of the seller's; answers its id and the key.
async fn another_key(stage: &Stage) -> (String, String) {
    let ask = Ask::post("/organizations/default/api-keys", json!({ "name": "another" })).key(&stage.seller.key);
    let made = stage.app.expect(&ask, 201).await;
    (made.at("/data/id"), made.at("/data/api_key"))
}

async fn revoke(stage: &Stage, id: &str) {
    let ask = Ask::new(Method::DELETE, format!("/organizations/default/api-keys/{id}")).key(&stage.seller.key);
    stage.app.expect(&ask, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_finishes_no_flow_that_it_began_and_others_are_finished() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let provider = stage.own_provider(&stage.seller, "example").await;
        let (id, key) = another_key(&stage).await;
        let (state, browser) = stage.begun(&key, &provider).await;
        let (own_state, own_browser) = stage.begun(&stage.seller.key, &provider).await;
        // A second flow waits for its user's yes already.
        let (asked_state, _) = begun(&stage.app.expect(&authorize(&provider).key(&key), 302).await);
        let callback = |state: &str| Ask::get(format!("/oauth/providers/{provider}/callback?code=c&state={state}"));
        let asks = stage.app.expect(&callback(&asked_state), 302).await;
        let question = asks.header("location").strip_prefix(&stage.app.base).unwrap().to_owned();
        let asked = Ask::get(&question).with("Cookie", cookie(&asks));
        assert!(stage.app.expect(&asked, 200).await.text.contains("name=\"check\""));

        revoke(&stage, &id).await;
        let late = stage.app.expect(&callback(&state).with("Cookie", browser), 400).await;
        assert_eq!(late.at("/field"), "state");
        assert!(stage.app.expect(&asked, 200).await.text.contains("nothing to answer"));
        let tokens = stage.app.expect(&Ask::get("/oauth/connections").key(&stage.seller.key), 200).await;
        assert_eq!(tokens.at("/connections"), "[]");
        let done = stage.app.expect(&callback(&own_state).with("Cookie", own_browser), 302).await;
        assert!(done.header("location").contains("status=success"), "{}", done.header("location"));
    }
}
