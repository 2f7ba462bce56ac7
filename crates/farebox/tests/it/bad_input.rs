//! Bad input: the door's own error shape, the field and the rule named, never a server's fault.

use farebox_api_kit::{DoorId, probes};
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::{Value, json};

fn message(door: DoorId, got: &Got) -> String {
    match door {
        DoorId::Marketplace => got.at("/detail"),
        DoorId::SqlGateway => got.at("/error"),
        DoorId::Platform | DoorId::System => got.at("/message"),
    }
}

/// Bodies that no operation can take, or that are of the wrong types everywhere.
fn bodies() -> Vec<Value> {
    let wrong = |value: Value| {
        let names = [
            "name",
            "slug",
            "email",
            "owner_id",
            "role",
            "rate_limit",
            "key_id",
            "secret",
            "endpoint",
            "price_per_call",
            "tags",
            "publisher_category",
            "asset_id",
            "sql",
            "agentWallet",
            "providerId",
            "walletAddress",
            "connectionString",
            "basePricePer1000Rows",
            "markupMultiplier",
            "query",
            "publisher_id",
            "wallet_address",
            "wallet_network_id",
            "expires_in_days",
            "scopes",
            "status",
            "free_tier_calls",
            "category",
            "description",
        ];
        Value::Object(names.iter().map(|name| ((*name).to_owned(), value.clone())).collect())
    };
    vec![
        json!({}),
        json!([]),
        json!("text"),
        json!(5),
        Value::Null,
        wrong(json!(null)),
        wrong(json!(-1)),
        wrong(json!(1e300)),
        wrong(json!("")),
        wrong(json!("\u{0}")),
        wrong(json!("x".repeat(20_000))),
        wrong(json!({ "nested": [1] })),
        wrong(json!([["a"]])),
        wrong(json!("NaN")),
        wrong(json!("'; DROP TABLE party; --")),
        wrong(json!("../../etc/passwd")),
        wrong(json!("https://user:pass@169.254.169.254/")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_fails_on_bad_bodies_paths_and_queries() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let agent = app.agent("Prober").await;
        let (slug, id) = app.list(&agent, "probed", "0").await;
        for probe in probes(&farebox_api::operations()) {
            if probe.id.starts_with("proxy") || probe.id == "publisher_root_handler" {
                continue;
            }
            let paths = [
                probe.path.clone(),
                probe.path.replace("{", "").replace("}", ""),
                format!(
                    "{}?limit=-1&offset=-9&category=%00&is_verified=maybe&cursor=x&start_date=2026-02-30",
                    probe.path
                ),
                format!("{}?limit=99999999999999999999&min_price=abc&sort_by=up&status=odd", probe.path),
            ];
            for path in paths {
                for body in bodies() {
                    let ask = Ask::new(probe.method.clone(), path.clone()).json(body).key(&agent.key);
                    let got = app.ask(&ask).await;
                    let status = got.status.as_u16();
                    assert!(status < 500, "{} {}\n{}: {}", probe.id, ask.curl(&app.base), got.status, got.text);
                    if status >= 400 && probe.door != DoorId::System {
                        assert!(!message(probe.door, &got).is_empty(), "{}: {}", probe.id, got.text);
                    }
                }
            }
        }
        for path in [format!("/publishers/{slug}/%ff"), format!("/api/v1/proxy/{id}/%ff"), "/api/v1/proxy/x/y".into()] {
            let got = app.ask(&Ask::get(path.clone()).key(&agent.key)).await;
            assert!(got.status.as_u16() < 500, "{path}: {}", got.text);
        }
        app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_field_and_the_rule_are_named() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Prober").await;
    let service = |field: &str, value: Value| {
        let mut body = json!({ "name": "n", "endpoint": "https://example.com", "price_per_call": "0.05" });
        body[field] = value;
        Ask::post("/api/v1/services", body).key(&agent.key)
    };
    for (field, value) in [
        ("name", json!(" ")),
        ("price_per_call", json!("-1")),
        ("price_per_call", json!("NaN")),
        ("price_per_call", json!("1e3")),
        ("price_per_call", json!("0.0000001")),
        ("price_per_call", json!(0.05)),
        ("price_per_call", json!("1000000")),
        ("endpoint", json!("ftp://example.com")),
        ("endpoint", json!("http://127.0.0.1")),
        ("endpoint", json!("http://2130706433/")),
        ("endpoint", json!("http://100.64.0.1/")),
        ("endpoint", json!("http://user@example.com/")),
        ("free_tier_calls", json!(-1)),
        ("payment_method", json!("cash")),
        ("tags", json!("nlp")),
    ] {
        let got = app.expect(&service(field, value.clone()), 400).await;
        assert!(got.at("/detail").contains(field), "{field} = {value}: {}", got.text);
    }
    let publisher = |field: &str, value: Value| app.listing(&agent, "ok-slug", "0.01", &json!({ field: value }));
    for (field, value) in [
        ("name", json!("")),
        ("slug", json!("Not A Slug")),
        ("slug", json!("estimate")),
        ("api_url", json!("http://10.0.0.1/")),
        ("price_per_call", json!("free")),
        ("publisher_category", json!("animals")),
        ("wallet_address", json!("742d")),
        ("gateway_fee_percent", json!("0.01")),
    ] {
        let got = app.expect(&publisher(field, value.clone()), 400).await;
        assert_eq!(got.at("/field"), field, "{value}: {}", got.text);
        assert!(!got.at("/message").is_empty());
    }
    let list = app.expect(&Ask::post("/auth/agent", json!([null, null])), 400).await;
    assert_eq!(list.at("/field"), "body");
    let missing = app.expect(&Ask::post("/api/v1/keys", json!({})), 400).await;
    assert!(missing.at("/detail").contains("owner_id"), "{}", missing.text);
    let query =
        json!({ "sql": "SELECT 1", "agentWallet": "0x1", "providerId": "00000000-0000-0000-0000-000000000000" });
    let got = app.expect(&Ask::post("/api/query", query), 400).await;
    assert!(got.at("/error").contains("agentWallet"), "{}", got.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_answer_in_the_words_of_their_door() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let got = app.expect(&Ask::get("/api/v1/nothing"), 404).await;
    assert_eq!(got.at("/detail"), "Not Found");
    let got = app.expect(&Ask::new(Method::DELETE, "/api/v1/services"), 405).await;
    assert_eq!(got.at("/detail"), "Method Not Allowed");
    assert!(got.header("allow").contains("GET"));
    assert!(!app.expect(&Ask::get("/api/nothing"), 404).await.at("/error").is_empty());
    assert_eq!(app.expect(&Ask::get("/nothing"), 404).await.at("/error"), "not_found");
}
