//! The whole flow against a real authorization server (npm `oidc-provider`), in a browser (chromium).

use super::scripts::{browsed, issuer};
use crate::npm::Serving;
use farebox_net::full;
use farebox_testkit::app::{Agent, Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

/// A server whose seller has set the issuer up, and a publisher that needs accounts there.
struct Stage {
    app: TestApp,
    issuer: Serving,
    seller: Agent,
    buyer: Agent,
    provider: String,
}

impl Stage {
    async fn set(place: &TestDb, access_ttl_s: u64, method: &str) -> Option<Self> {
        let issuer = issuer(access_ttl_s).await?;
        let app =
            TestApp::start(place, &[("net.allow", "127.0.0.1"), ("oauth.redirect_uris", "http://127.0.0.1/ok")]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.fund(buyer.party, 1_000_000).await;
        let url = |path: &str| format!("{}{path}", issuer.url);
        let described = json!({
            "slug": "oidc", "name": "Open Provider", "authorization_url": url("/auth"), "token_url": url("/token"),
            "userinfo_url": url("/me"), "revocation_url": url("/token/revocation"), "client_id": "not yet",
            "client_secret": "not yet", "scopes": ["openid", "email"], "token_endpoint_auth_method": method,
        });
        let providers = "/organizations/default/oauth/providers";
        let made = app.expect(&Ask::post(providers, described).key(&seller.key), 201).await;
        let provider = made.at("/data/id");
        // The address is registered there, and what comes back is registered here.
        let client = json!({
            "redirect_uris": [made.at("/data/callback_url")], "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": method,
        });
        let registered =
            sent(&app, Request::post(url("/reg")).header("content-type", "application/json"), &client.to_string())
                .await;
        let known =
            json!({ "client_id": registered.at("/client_id"), "client_secret": registered.at("/client_secret") });
        let patch = Ask::new(Method::PATCH, format!("{providers}/{provider}")).json(known);
        app.expect(&patch.key(&seller.key), 200).await;
        let more = json!({ "requires_user_oauth": true, "oauth_provider_slug": "oidc" });
        app.expect(&app.listing(&seller, "needs", "0.01", &more), 201).await;
        Some(Self { app, issuer, seller, buyer, provider })
    }

    /// Calls the publisher; answers the token that arrived.
    async fn called(&self) -> String {
        let got = self.app.expect(&Ask::get("/publishers/needs/echo").key(&self.buyer.key), 200).await;
        let reply: Value = serde_json::from_str(&got.text).unwrap();
        let header = |pair: &Value| (pair[0] == "authorization").then(|| pair[1].as_str().unwrap().to_owned());
        reply["headers"].as_array().unwrap().iter().find_map(header).unwrap()
    }

    /// What the issuer has counted under a name.
    async fn counted(&self, name: &str) -> u64 {
        let got = sent(&self.app, Request::get(format!("{}/stats", self.issuer.url)), "").await;
        serde_json::from_str::<Value>(&got.text).unwrap()[name].as_u64().unwrap_or(0)
    }

    /// The status with which the issuer takes a token.
    async fn taken(&self, bearer: &str) -> u16 {
        let ask = Request::get(format!("{}/me", self.issuer.url)).header("authorization", bearer);
        sent(&self.app, ask, "").await.status.as_u16()
    }
}

async fn sent(app: &TestApp, request: http::request::Builder, body: &str) -> Got {
    let client = farebox_net::Client::new(farebox_net::Policy {
        allow: vec!["127.0.0.1".parse().unwrap()],
        ..app.client().policy().clone()
    });
    let request = request.body(full(body.to_owned())).unwrap();
    let (head, body) = client.unwrap().send(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Got { status: head.status, headers: head.headers, text }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_hands_the_address_to_its_user_who_signs_in_is_told_who_asks_and_consents() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, 3_600, "client_secret_basic").await else { return };
        // What the refused call says is where to go.
        let refused = stage.app.expect(&Ask::get("/publishers/needs/echo").key(&stage.buyer.key), 403).await;
        let path = refused.at("/authorize_url").strip_prefix(&stage.app.base).unwrap().to_owned();
        let redirect = format!("http://{}/ok", stage.app.upstream_address);
        let ask = Ask::get(format!("{path}?redirect_uri={redirect}")).key(&stage.buyer.key);
        let begun = stage.app.expect(&ask, 302).await;
        let said = browsed(&[("START_URL", begun.header("location")), ("END", &redirect), ("LOGIN", "ada")]).await;
        let Some(said) = said else { return };
        let asked = said["asked"].as_str().unwrap();
        assert!(asked.contains("Let Buyer (") && asked.contains("Open Provider") && asked.contains("email"), "{said}");
        let ended = said["url"].as_str().unwrap();
        assert!(ended.starts_with(&format!("{redirect}?status=success&provider=oidc&connection_id=")), "{said}");
        let seen = said["seen"].as_array().unwrap();
        assert!(seen.iter().any(|url| url.as_str().unwrap().contains("/interaction/")), "the provider asked: {said}");
        let shown = stage.app.expect(&Ask::get("/oauth/connections").key(&stage.buyer.key), 200).await;
        assert_eq!(
            (shown.at("/connections/0/provider_user_id"), shown.at("/connections/0/provider_email")),
            ("ada".into(), "ada@example.com".into())
        );
        assert_eq!(shown.at("/connections/0/scopes"), r#"["openid","email"]"#);

        let token = stage.called().await;
        assert_eq!((stage.called().await, stage.taken(&token).await), (token.clone(), 200));
        assert_eq!((stage.counted("authorization_code").await, stage.counted("refresh_token").await), (1, 0));
        // Given up: the provider takes the token no more.
        let gone = Ask::new(Method::DELETE, format!("/oauth/connections/providers/{}", stage.provider));
        stage.app.expect(&gone.key(&stage.buyer.key), 200).await;
        assert_eq!(stage.taken(&token).await, 401);
        stage.app.expect(&Ask::get("/publishers/needs/echo").key(&stage.buyer.key), 403).await;
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_this_server_begins_the_flow_and_tokens_that_end_are_renewed() {
    for place in TestDb::all().await {
        // Every token is near its end, so that each call renews it.
        let Some(stage) = Stage::set(&place, 30, "client_secret_post").await else { return };
        let start = format!("/oauth/providers/{}/authorize", stage.provider);
        let end = format!("{}/oauth/done", stage.app.base);
        let variables = [
            ("BASE", stage.app.base.as_str()),
            ("KEY", stage.buyer.key.as_str()),
            ("START_PATH", start.as_str()),
            ("END", end.as_str()),
            ("LOGIN", "grace"),
        ];
        let Some(said) = browsed(&variables).await else { return };
        assert_eq!(said["asked"], "", "the browser that began is not asked: {said}");
        assert!(said["text"].as_str().unwrap().contains("Your account is connected"), "{said}");
        assert_eq!(said["again"], 400, "the answer is good once: {said}");
        let (first, second) = (stage.called().await, stage.called().await);
        assert_ne!(first, second);
        assert_eq!((stage.counted("refresh_token").await, stage.taken(&second).await), (2, 200));
        let mut calling = tokio::task::JoinSet::new();
        let before = stage.counted("refresh_token").await;
        for _ in 0..8 {
            let ask = Ask::get("/publishers/needs/echo").key(&stage.buyer.key);
            let (client, base) = (stage.app.client().clone(), stage.app.base.clone());
            calling.spawn(async move { ask.send(&client, &base).await.unwrap().status.as_u16() });
        }
        assert_eq!(calling.join_all().await, [200; 8]);
        // A provider that rotates takes a refresh token that comes twice for a stolen one, and ends everything.
        assert!(stage.counted("refresh_token").await > before);
        assert_eq!(stage.counted("refused invalid_grant").await, 0);
        // Another user of the same browser's server has no part in it.
        stage.app.expect(&Ask::get("/publishers/needs/echo").key(&stage.seller.key), 403).await;
    }
}
