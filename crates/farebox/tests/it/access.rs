//! Every operation that is not public refuses a stranger, a key without the permission, and another tenant.

use farebox_api_kit::{DoorId, probes};
use farebox_base::Access;
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_that_needs_a_permission_refuses_strangers_and_bad_keys() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let mut tried = 0;
    for probe in probes(&farebox_api::operations()) {
        if !matches!(probe.access, Access::Needs(_)) {
            continue;
        }
        tried += 1;
        let ask = Ask::new(probe.method.clone(), probe.path.clone()).json(json!({}));
        let stranger = app.ask(&ask.clone()).await;
        assert_eq!(stranger.status.as_u16(), 401, "{} as a stranger: {}", probe.id, stranger.text);
        let shape = if probe.door == DoorId::Marketplace { "/detail" } else { "/error" };
        assert!(!stranger.at(shape).is_empty(), "{}: {}", probe.id, stranger.text);
        let bad = app.ask(&ask.key("fbx_0123456789abcdef_00ff")).await;
        assert_eq!(bad.status.as_u16(), 401, "{} with a bad key: {}", probe.id, bad.text);
    }
    assert!(tried >= 20, "only {tried} operations need a permission");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_permission_is_refused_to_a_key_that_lacks_it() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Narrow").await;
    let scopes = json!({ "name": "reads its account", "scopes": ["account.read"] });
    let made = app.expect(&Ask::post("/organizations/default/api-keys", scopes).key(&agent.key), 201).await;
    let narrow = made.at("/data/api_key");
    for probe in probes(&farebox_api::operations()) {
        let Access::Needs(permission) = probe.access else { continue };
        if permission.text() == "account.read" {
            continue;
        }
        // The example's organisation is nobody's, and who is no member hears that first.
        let path = probe.path.replace("/organizations/00000000-0000-7000-8000-000000000000", "/organizations/default");
        let ask = Ask::new(probe.method.clone(), path).json(json!({})).key(&narrow);
        let got = app.ask(&ask).await;
        assert_eq!(got.status.as_u16(), 403, "{} needs {permission}: {}", probe.id, got.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_and_changes_nothing() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (owner, other) = (app.agent("Owner").await, app.agent("Other").await);
        let (_, id) = app.list(&owner, "mine", "0.01").await;
        let made = json!({ "name": "second" });
        let key = app.expect(&Ask::post("/organizations/default/api-keys", made).key(&owner.key), 201).await;
        let organization = format!("/organizations/{}", owner.party);
        let put = |path: String, body| Ask::new(Method::PUT, path).json(body);
        let delete = |path: String| Ask::new(Method::DELETE, path);
        let asset = json!({ "asset_id": "00000000-0000-0000-0000-000000000000", "price_per_call": "9" });
        for (ask, allowed) in [
            (Ask::get(format!("{organization}/publishers")), vec![403]),
            (Ask::get(format!("{organization}/publishers/{id}")), vec![403]),
            (put(format!("{organization}/publishers/{id}"), json!({ "name": "stolen" })), vec![403]),
            (delete(format!("{organization}/publishers/{id}")), vec![403]),
            (put(format!("{organization}/publishers/{id}/pricing"), asset.clone()), vec![403]),
            (Ask::get(format!("/organizations/default/publishers/{id}")), vec![404]),
            (put(format!("/organizations/default/publishers/{id}"), json!({ "name": "stolen" })), vec![404]),
            (delete(format!("/organizations/default/publishers/{id}")), vec![404]),
            (put(format!("/organizations/default/publishers/{id}/pricing"), asset), vec![400, 404]),
            (Ask::get(format!("{organization}/api-keys")), vec![403, 404]),
            (delete(format!("{organization}/api-keys/{}", key.at("/data/id"))), vec![403, 404]),
            (delete(format!("/organizations/default/api-keys/{}", key.at("/data/id"))), vec![404]),
            (Ask::new(Method::PATCH, format!("/api/v1/services/{id}")).json(json!({ "name": "stolen" })), vec![403]),
            (delete(format!("/api/v1/services/{id}")), vec![403]),
            (Ask::post(format!("/api/providers/{id}/pricing"), price()), vec![404]),
        ] {
            let got = app.ask(&ask.clone().key(&other.key)).await;
            assert!(allowed.contains(&got.status.as_u16()), "{}\n{} {}", ask.curl(&app.base), got.status, got.text);
        }
        let shown = app.expect(&Ask::get("/publishers/mine"), 200).await;
        assert_eq!((shown.at("/data/name"), shown.at("/data/is_active")), ("mine".into(), "true".into()));
        app.expect(&Ask::get("/auth/me").key(&key.at("/data/api_key")), 200).await;
    }
}

fn price() -> serde_json::Value {
    json!({ "basePricePer1000Rows": 1.0, "markupMultiplier": 2.0 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_at_once_at_every_door() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Owner").await;
    let made = Ask::post("/organizations/default/api-keys", json!({ "name": "short-lived" })).key(&agent.key);
    let key = app.expect(&made, 201).await;
    let secret = key.at("/data/api_key");
    app.expect(&Ask::get("/auth/me").key(&secret), 200).await;
    let revoke = format!("/organizations/default/api-keys/{}", key.at("/data/id"));
    app.expect(&Ask::new(Method::DELETE, &revoke).key(&agent.key), 200).await;
    app.expect(&Ask::get("/auth/me").key(&secret), 401).await;
    app.expect(&Ask::get("/api/v1/usage/me").key(&secret), 401).await;
    app.expect(&Ask::new(Method::DELETE, &revoke).key(&agent.key), 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_id_cannot_be_taken_over() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let body = json!({ "owner_id": "claimed" });
    let first = app.expect(&Ask::post("/api/v1/keys", body.clone()), 201).await;
    app.expect(&Ask::post("/api/v1/keys", body.clone()), 403).await;
    let stranger = app.agent("Stranger").await;
    app.expect(&Ask::post("/api/v1/keys", body.clone()).key(&stranger.key), 403).await;
    let own = format!("{}:{}", first.at("/key_id"), first.at("/secret"));
    app.expect(&Ask::post("/api/v1/keys", body).key(&own), 201).await;
    let party = json!({ "owner_id": stranger.party.to_string() });
    app.expect(&Ask::post("/api/v1/keys", party), 403).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_narrow_or_ends_leads_to_nothing_that_is_wider_or_lasts() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Owner").await;
    let made = async |body| {
        let key = app.expect(&Ask::post("/organizations/default/api-keys", body).key(&agent.key), 201).await;
        key.at("/data/api_key")
    };
    let narrow = made(json!({ "name": "narrow", "scopes": ["account.read", "account.write"] })).await;
    let ending = made(json!({ "name": "ending", "expires_in_days": 1 })).await;
    let named =
        |key: &str| Ask::new(Method::PATCH, "/auth/agent").json(json!({ "email": "thief@example.com" })).key(key);
    for key in [&narrow, &ending] {
        assert_eq!(app.expect(&named(key), 403).await.at("/error"), "narrow_key");
    }
    app.expect(&named(&agent.key), 200).await;
    let sold = json!({ "owner_id": agent.party.to_string(), "role": "buyer" });
    app.expect(&Ask::post("/api/v1/keys", sold).key(&ending), 201).await;
    let listed = app.expect(&Ask::get("/organizations/default/api-keys").key(&agent.key), 200).await;
    let keys: serde_json::Value = serde_json::from_str(&listed.text).unwrap();
    let lasting = |key: &&serde_json::Value| key["name"] == "buyer" && key["expires_at"].is_null();
    assert_eq!(keys["data"].as_array().unwrap().iter().filter(lasting).count(), 0, "{}", listed.text);
}
