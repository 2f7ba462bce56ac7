//! The operations on providers and connections, as clients and other tenants see them.

use super::stage::{Stage, authorize, begun, cookie, parameter};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_sets_up_changes_and_deletes_its_providers_and_sees_no_secret() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let (app, key) = (&stage.app, &stage.seller.key);
        let id = stage.own_provider(&stage.seller, "example").await;
        let all = "/organizations/default/oauth/providers";
        let one = format!("{all}/{id}");
        let shown = app.expect(&Ask::get(&one).key(key), 200).await;
        assert_eq!(shown.at("/data/callback_url"), format!("{}/oauth/providers/{id}/callback", app.base));
        assert_eq!(shown.at("/data/token_endpoint_auth_method"), "client_secret_post");
        assert_eq!(shown.at("/data/organization_id"), stage.seller.party.to_string());
        let listed = app.expect(&Ask::get(all).key(key), 200).await;
        let visible = app.expect(&Ask::get("/oauth/providers").key(key), 200).await;
        assert_eq!((listed.at("/data/0/id"), visible.at("/providers/0/id")), (id.clone(), id.clone()));
        for got in [&shown, &listed, &visible] {
            assert!(!got.text.contains("hunter2") && !got.text.contains("client_secret\""), "{}", got.text);
        }
        app.expect(&Ask::post(all, stage.described("example")).key(key), 409).await;
        let patch = |body| Ask::new(Method::PATCH, &one).json(body).key(key);
        let changed = app.expect(&patch(json!({ "name": "New", "description": null, "is_active": false })), 200).await;
        assert_eq!((changed.at("/data/name"), changed.at("/data/is_active")), ("New".into(), "false".into()));
        app.expect(&authorize(&id).key(key), 503).await;
        let off = app.expect(&Ask::get("/oauth/providers").key(key), 200).await;
        assert_eq!(off.at("/providers"), "[]");
        for (body, status, field) in [
            (json!({ "token_url": "http://example.com/" }), 400, "token_url"),
            (json!({ "authorization_url": "javascript:alert(1)" }), 400, "authorization_url"),
            (json!({ "custom_auth_params": { "state": "x" } }), 400, "custom_auth_params"),
            (json!({ "custom_auth_params": ["x"] }), 400, "custom_auth_params"),
            (json!({ "slug": "a\u{0}b" }), 400, "slug"),
            (json!({ "scopes": ["a b"] }), 400, "scopes.0"),
            (json!({ "token_endpoint_auth_method": "none" }), 400, "token_endpoint_auth_method"),
            (json!({ "organization_id": null }), 403, ""),
            (json!({ "organization_id": stage.buyer.party.to_string() }), 403, ""),
        ] {
            let got = app.expect(&patch(body), status).await;
            assert_eq!(got.at("/field"), field);
        }
        app.expect(&Ask::new(Method::DELETE, &one).key(key), 204).await;
        app.expect(&Ask::get(&one).key(key), 404).await;
        app.expect(&Ask::new(Method::DELETE, &one).key(key), 404).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_learns_nothing_of_providers_and_connections() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let id = stage.own_provider(&stage.seller, "example").await;
        let connection = stage.connected(&stage.seller.key, &id).await;
        let other = format!("/organizations/{}/oauth/providers", stage.seller.party);
        let patch = || json!({ "name": "stolen" });
        for (ask, status) in [
            (Ask::get(&other), 403),
            (Ask::post(&other, stage.described("x")), 403),
            (Ask::get(format!("{other}/{id}")), 403),
            (Ask::new(Method::PATCH, format!("{other}/{id}")).json(patch()), 403),
            (Ask::new(Method::DELETE, format!("{other}/{id}")), 403),
            (Ask::get(format!("/organizations/default/oauth/providers/{id}")), 404),
            (Ask::new(Method::PATCH, format!("/organizations/default/oauth/providers/{id}")).json(patch()), 404),
            (Ask::new(Method::DELETE, format!("/organizations/default/oauth/providers/{id}")), 404),
            (authorize(&id), 404),
            (Ask::get("/oauth/example/authorize"), 404),
            (Ask::new(Method::PUT, format!("/oauth/connections/{connection}/default")), 404),
            (Ask::new(Method::DELETE, format!("/oauth/connections/{connection}")), 404),
            (Ask::new(Method::DELETE, format!("/oauth/connections/providers/{id}")), 404),
            (Ask::new(Method::DELETE, "/oauth/connections/example"), 404),
        ] {
            stage.app.expect(&ask.key(&stage.buyer.key), status).await;
        }
        let nothing = stage.app.expect(&Ask::get("/oauth/connections").key(&stage.buyer.key), 200).await;
        assert_eq!(nothing.at("/connections"), "[]");
        let kept = stage.app.expect(&Ask::get("/oauth/connections").key(&stage.seller.key), 200).await;
        assert_eq!((kept.at("/connections/0/id"), kept.at("/connections/0/is_valid")), (connection, "true".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_listed_preferred_and_given_up_by_slug_by_provider_and_by_id() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let (app, key) = (&stage.app, &stage.seller.key);
        let id = stage.own_provider(&stage.seller, "example").await;
        let (first, second) = (stage.connected(key, &id).await, stage.connected(key, &id).await);
        let made =
            app.expect(&Ask::new(Method::PUT, format!("/oauth/connections/{second}/default")).key(key), 200).await;
        assert_eq!((made.at("/connection/id"), made.at("/connection/is_default")), (second.clone(), "true".into()));
        let shown = app.expect(&Ask::get("/oauth/connections").key(key), 200).await;
        for (pointer, value) in [
            ("/connections/0/id", first.as_str()),
            ("/connections/0/is_default", "false"),
            ("/connections/0/provider_slug", "example"),
            ("/connections/0/provider_user_id", "user-1"),
            ("/connections/1/provider_email", "ada@example.com"),
            ("/connections/1/is_default", "true"),
        ] {
            assert_eq!(shown.at(pointer), value, "{pointer}");
        }
        assert!(!shown.text.contains("access-") && !shown.text.contains("refresh-"), "{}", shown.text);
        let delete = |path: String| Ask::new(Method::DELETE, path).key(key);
        let gone = app.expect(&delete(format!("/oauth/connections/{first}")), 200).await;
        assert_eq!(gone.at("/success"), "true");
        app.expect(&delete("/oauth/connections/example".to_owned()), 200).await;
        app.expect(&delete("/oauth/connections/example".to_owned()), 404).await;
        stage.connected(key, &id).await;
        app.expect(&delete(format!("/oauth/connections/providers/{id}")), 200).await;
        assert_eq!(stage.provider.revoked.load(std::sync::atomic::Ordering::SeqCst), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_this_server_gets_the_address_and_its_browser_is_not_asked() {
    let stage = Stage::set(&TestDb::sqlite().await).await;
    let id = stage.own_provider(&stage.seller, "example").await;
    let start = Ask::new(Method::POST, "/oauth/example/authorize").key(&stage.seller.key);
    let started = stage.app.expect(&start, 200).await;
    let state = parameter(&started.at("/authorization_url"), "state");
    // The slug is an organization's, so that the answer comes to the address with the id.
    let callback = format!("/oauth/providers/{id}/callback?code=c&state={state}");
    let done = stage.app.expect(&Ask::get(callback).with("Cookie", cookie(&started)), 302).await;
    assert!(done.header("location").starts_with(&format!("{}/oauth/done?status=success", stage.app.base)));
    let page = stage.app.expect(&Ask::get("/oauth/done?status=success"), 200).await;
    assert!(page.text.contains("Your account is connected") && page.header("content-type").starts_with("text/html"));
    let denied = stage.app.expect(&authorize(&id).key(&stage.seller.key), 302).await;
    let (state, _) = begun(&denied);
    let callback = format!("/oauth/providers/{id}/callback?error=access_denied&state={state}");
    let done = stage.app.expect(&Ask::get(callback), 302).await;
    assert_eq!(parameter(done.header("location"), "error"), "access_denied");
}
