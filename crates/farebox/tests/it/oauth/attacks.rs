//! What somebody might try who wants another one's account, through the server as it is.

use super::stage::{Stage, authorize, begun, cookie, parameter};
use farebox_net::full;
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;

fn callback(provider: &str, state: &str, code: &str) -> Ask {
    Ask::get(format!("/oauth/providers/{provider}/callback?code={code}&state={state}"))
}

async fn connections(stage: &Stage, key: &str) -> String {
    stage.app.expect(&Ask::get("/oauth/connections").key(key), 200).await.at("/connections")
}

/// Answers the question of a page as its form would.
async fn answered(stage: &Stage, cookie: &str, form: &[(&str, &str)]) -> Got {
    let body: String = form.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    let request = Request::post(format!("{}/oauth/confirm", stage.app.base)).header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(full(body)).unwrap();
    let (head, body) = stage.app.client().send(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Got { status: head.status, headers: head.headers, text }
}

fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_victim_that_is_sent_an_attackers_address_is_told_who_asks_and_can_say_no() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let id = stage.own_provider(&stage.seller, "example").await;
        let (state, attackers) = stage.begun(&stage.seller.key, &id).await;
        // The victim's browser: it was at the provider, and has no cookie of the attacker's.
        let asks = stage.app.expect(&callback(&id, &state, "victims"), 302).await;
        let (url, victims) = (asks.header("location").to_owned(), cookie(&asks));
        assert!(url.starts_with(&format!("{}/oauth/confirm?flow=", stage.app.base)), "{url}");
        assert_eq!(connections(&stage, &stage.seller.key).await, "[]");
        let path = url.strip_prefix(&stage.app.base).unwrap().to_owned();
        let page = stage.app.expect(&Ask::get(&path).with("Cookie", &victims), 200).await;
        assert!(page.text.contains("Let Seller (seller-") && page.text.contains("Example"), "{}", page.text);
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
        assert_eq!((page.header("x-frame-options"), page.header("referrer-policy")), ("DENY", "no-referrer"));
        let (flow, check) = (hidden(&page.text, "flow"), hidden(&page.text, "check"));
        // The attacker can neither see the page nor answer for the victim.
        let without = stage.app.expect(&Ask::get(&path).with("Cookie", &attackers), 200).await;
        assert!(without.text.contains("nothing to answer"), "{}", without.text);
        for (cookie, check) in [(attackers.as_str(), check.as_str()), ("", &check), (&victims, "x"), (&victims, "")] {
            let forged = answered(&stage, cookie, &[("flow", &flow), ("check", check), ("answer", "yes")]).await;
            assert_eq!(forged.status.as_u16(), 400, "{}", forged.text);
        }
        let no = answered(&stage, &victims, &[("flow", &flow), ("check", &check), ("answer", "no")]).await;
        assert_eq!(parameter(no.header("location"), "error"), "access_denied");
        let late = answered(&stage, &victims, &[("flow", &flow), ("check", &check), ("answer", "yes")]).await;
        assert_eq!(late.status.as_u16(), 400);
        assert_eq!(connections(&stage, &stage.seller.key).await, "[]");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_not_good_twice_for_others_or_at_other_providers() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let (one, two) =
            (stage.own_provider(&stage.seller, "one").await, stage.own_provider(&stage.seller, "two").await);
        let (state, own) = stage.begun(&stage.seller.key, &one).await;
        let done = stage.app.expect(&callback(&one, &state, "c").with("Cookie", &own), 302).await;
        assert!(done.header("set-cookie").contains("Max-Age=0"), "{}", done.header("set-cookie"));
        assert!(done.header("cache-control").contains("no-store"));
        stage.app.expect(&callback(&one, &state, "c").with("Cookie", &own), 400).await;
        // A code that somebody else got, brought into a flow of one's own with another flow's cookie: asked first.
        let (state, _) = stage.begun(&stage.seller.key, &one).await;
        let injected = stage.app.expect(&callback(&one, &state, "stolen").with("Cookie", &own), 302).await;
        assert!(injected.header("location").contains("/oauth/confirm?flow="));
        // The answer of one provider at the address of another.
        let (state, own) = stage.begun(&stage.seller.key, &one).await;
        stage.app.expect(&callback(&two, &state, "c").with("Cookie", &own), 400).await;
        stage.app.expect(&callback(&one, &state, "c").with("Cookie", &own), 400).await;
        for ask in [
            Ask::get(format!("/oauth/providers/{one}/callback")),
            Ask::get(format!("/oauth/providers/{one}/callback?code=c")),
            Ask::get(format!("/oauth/providers/{one}/callback?state=s")),
            Ask::get(format!("/oauth/providers/{one}/callback?state=%00&code=c")),
            Ask::get(format!("/oauth/providers/{one}/callback?state=%FF&code=c")),
            Ask::get(format!("/oauth/providers/{one}/callback?state=a&state=b&code=c")),
            Ask::get("/oauth/nobody/callback?state=s&code=c"),
            Ask::get("/oauth/one/callback?state=s&code=c"),
            Ask::get("/oauth/%00/callback?state=s&code=c"),
        ] {
            stage.app.expect(&ask, 400).await;
        }
        let unknown = "00000000-0000-7000-8000-000000000000";
        stage.app.expect(&callback(unknown, "s", "c"), 404).await;
        stage.app.expect(&Ask::get("/oauth/confirm?flow=x"), 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_end_at_this_server_or_where_the_operator_says() {
    let stage = Stage::set(&TestDb::sqlite().await).await;
    let id = stage.own_provider(&stage.seller, "example").await;
    let host = stage.app.base.strip_prefix("http://").unwrap();
    let own = format!("{}/any/page?x=1", stage.app.base);
    let asked = |uri: &str| {
        let uri: String = form_encoded(uri);
        Ask::get(format!("/oauth/providers/{id}/authorize?redirect_uri={uri}")).key(&stage.seller.key)
    };
    let (state, cookie) = begun(&stage.app.expect(&asked(&own), 302).await);
    let done = stage.app.expect(&callback(&id, &state, "c").with("Cookie", cookie), 302).await;
    assert!(done.header("location").starts_with(&format!("{own}&status=success&provider=example&connection_id=")));
    for evil in [
        "https://evil.example.com/".to_owned(),
        format!("http://{host}.evil.example.com/"),
        format!("http://{host}@evil.example.com/"),
        format!("http://evil.example.com\\@{host}/"),
        format!("http://{host}\\@evil.example.com/"),
        format!("http://evil.example.com#@{host}/"),
        format!("http://evil.example.com?@{host}/"),
        format!("https://{host}/"),
        format!("//{host}/"),
        "http://127.0.0.1:1/".to_owned(),
        "/relative".to_owned(),
        "javascript:alert(1)".to_owned(),
        format!("http://{host}/\r\nx-evil: 1"),
        format!("http://{host}/a#fragment"),
        format!("http://{host}/\u{202e}"),
        "\u{0}".to_owned(),
        format!("http://{host}/{}", "x".repeat(3_000)),
        String::new(),
    ] {
        let got = stage.app.expect(&asked(&evil), 400).await;
        assert_eq!(got.at("/field"), "redirect_uri", "{evil:.60}");
    }
    let allowed = ("oauth.redirect_uris", "https://app.example.com/connected,http://127.0.0.1/cb");
    let app =
        farebox_testkit::app::TestApp::start(&TestDb::sqlite().await, &[("net.allow", "127.0.0.1"), allowed]).await;
    let agent = app.agent("One").await;
    let made = Ask::post("/organizations/default/oauth/providers", stage.described("example")).key(&agent.key);
    let id = app.expect(&made, 201).await.at("/data/id");
    for (uri, status) in [
        ("https://app.example.com/connected", 302),
        ("http://127.0.0.1:41234/cb", 302),
        ("https://app.example.com/connected/../connected", 302),
        ("https://app.example.com/connected2", 400),
        ("https://app.example.com/connected?next=https://evil.example.com", 400),
        ("http://localhost:41234/cb", 400),
        ("http://127.0.0.2:41234/cb", 400),
    ] {
        let path = format!("/oauth/providers/{id}/authorize?redirect_uri={}", form_encoded(uri));
        app.expect(&Ask::get(path).key(&agent.key), status).await;
    }
}

fn form_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_cannot_have_tokens_of_providers_that_are_not_its_own_sent_to_its_server() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let app = &stage.app;
        let foreign = stage.own_provider(&stage.buyer, "foreign").await;
        let mut global = stage.described("global");
        global["upstream_hosts"] = json!(["api.example.com"]);
        let global_id = super::operator::global(&stage, &global).await;
        let (_, listing) = app.list(&stage.seller, "plain", "0.01").await;
        let put = |body| {
            let path = format!("/organizations/default/publishers/{listing}");
            Ask::new(http::Method::PUT, path).json(body).key(&stage.seller.key)
        };
        for id in [foreign.as_str(), &global_id, "00000000-0000-7000-8000-000000000000"] {
            let refused = app.expect(&put(json!({ "requires_user_oauth": true, "oauth_provider_id": id })), 400).await;
            assert_eq!(refused.at("/field"), "oauth_provider_id", "{id}");
        }
        for more in [
            json!({ "requires_user_oauth": true, "oauth_provider_slug": "foreign" }),
            json!({ "requires_user_oauth": true, "oauth_provider_slug": "global" }),
            json!({ "requires_user_oauth": true }),
        ] {
            app.expect(&app.listing(&stage.seller, "other", "0.01", &more), 400).await;
        }
        app.expect(&put(json!({ "requires_user_oauth": true })), 400).await;
        // A listing that was in order, moved by another door.
        let fitting = json!({
            "requires_user_oauth": true, "oauth_provider_slug": "global", "api_url": "https://api.example.com/v1",
        });
        let made = app.expect(&app.listing(&stage.seller, "moved", "0.01", &fitting), 201).await;
        stage.connected(&stage.buyer.key, &global_id).await;
        let elsewhere = json!({ "endpoint": format!("http://{}/", app.upstream_address) });
        let path = format!("/api/v1/services/{}", made.at("/data/id"));
        app.expect(&Ask::new(http::Method::PATCH, path).json(elsewhere).key(&stage.seller.key), 200).await;
        let refused = app.expect(&Ask::get("/publishers/moved/echo").key(&stage.buyer.key), 503).await;
        assert_eq!(refused.at("/error"), "oauth_provider_unavailable");
        assert_eq!((app.upstream.asked(), app.balance(stage.buyer.party).await), (0, 1_000_000));
        // A provider of the seller's that is switched off or gone.
        let own = stage.own_provider(&stage.seller, "own").await;
        stage.listing("needs", "own").await;
        stage.connected(&stage.buyer.key, &own).await;
        app.expect(&Ask::get("/publishers/needs/echo").key(&stage.buyer.key), 200).await;
        let one = format!("/organizations/default/oauth/providers/{own}");
        let off = Ask::new(http::Method::PATCH, &one).json(json!({ "is_active": false }));
        app.expect(&off.key(&stage.seller.key), 200).await;
        app.expect(&Ask::get("/publishers/needs/echo").key(&stage.buyer.key), 503).await;
        app.expect(&Ask::new(http::Method::DELETE, &one).key(&stage.seller.key), 204).await;
        app.expect(&Ask::get("/publishers/needs/echo").key(&stage.buyer.key), 503).await;
        app.expect(&authorize(&own).key(&stage.buyer.key), 404).await;
    }
}
