//! Pages of other origins.

use crate::demo::{Demo, request};
use farebox_api_kit::{Cors, DoorId, Settings, empty};

fn with_platform_origin() -> Demo {
    let cors = Cors::of(&["https://app.example".into()], "GET, POST", "Authorization").unwrap();
    let mut settings = Settings::default();
    settings.cors.push((DoorId::Platform, cors));
    Demo::with(settings)
}

#[tokio::test]
async fn the_sql_gateway_allows_every_origin_on_every_reply() {
    let demo = Demo::new();
    for (method, path, status) in [
        ("GET", "/api/balance/0x1", 200),
        ("GET", "/api/none", 404),
        ("POST", "/api/query", 402),
        ("PUT", "/api/query", 405),
    ] {
        let answer = demo.stranger(method, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, PUT, DELETE, OPTIONS");
        let allowed = answer.header("access-control-allow-headers");
        assert!(allowed.starts_with("Content-Type, X-API-Key, "), "{allowed}");
        for name in ["X-PAYMENT", "PAYMENT-SIGNATURE", "SIGN-IN-WITH-X"] {
            assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}");
        }
        assert!(answer.header("access-control-expose-headers").contains("X-RateLimit-Limit"));
    }
}

#[tokio::test]
async fn the_sql_gateway_answers_preflights() {
    let demo = Demo::new();
    let answer = demo.stranger("OPTIONS", "/api/query").await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn other_doors_allow_no_origin_unless_told() {
    let demo = Demo::new();
    let answer = demo.send(request("GET", "/me").header("origin", "https://app.example").body(empty()).unwrap()).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(demo.stranger("OPTIONS", "/me").await.status, 405);
}

#[tokio::test]
async fn a_listed_origin_is_reflected_and_others_are_not() {
    let demo = with_platform_origin();
    let send =
        async |origin: &str| demo.send(request("GET", "/me").header("origin", origin).body(empty()).unwrap()).await;
    let allowed = send("https://app.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(allowed.header("vary"), "Origin");
    let other = send("https://evil.example").await;
    assert_eq!((other.header("access-control-allow-origin"), other.header("vary")), ("", "Origin"));
}

#[tokio::test]
async fn only_a_browsers_question_is_answered_in_the_operations_place() {
    let demo = with_platform_origin();
    let preflight = request("OPTIONS", "/echo/a/b")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let answer = demo.send(preflight.body(empty()).unwrap()).await;
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (204, "GET, POST"));
    let plain = demo.call("OPTIONS", "/echo/a/b", "").await;
    assert_eq!((plain.status, &plain.json()["method"]), (200, &"OPTIONS".into()));
}

#[tokio::test]
async fn a_page_of_any_origin_can_pay_and_never_with_cookies() {
    let mut settings = Settings::default();
    settings.cors.push((DoorId::Platform, Cors::paying(&["*".into()]).unwrap()));
    let demo = Demo::with(settings);
    let preflight = request("OPTIONS", "/echo/a/b")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let answer = demo.send(preflight.body(empty()).unwrap()).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "*"));
    let allowed = answer.header("access-control-allow-headers");
    for name in ["PAYMENT-SIGNATURE", "X-PAYMENT", "SIGN-IN-WITH-X", "Authorization", "Content-Type", "Idempotency-Key"]
    {
        assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let exposed = answer.header("access-control-expose-headers");
    for name in ["PAYMENT-REQUIRED", "PAYMENT-RESPONSE", "X-PAYMENT-RESPONSE"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}");
    }
    let plain = demo.call("OPTIONS", "/echo/a/b", "").await;
    assert_eq!((plain.status, &plain.json()["method"]), (200, &"OPTIONS".into()));
}

#[test]
fn a_text_that_no_header_can_hold_is_refused_with_its_setting() {
    let error = Cors::of(&["https://a\nb".into()], "GET", "Authorization").unwrap_err();
    assert_eq!(error.field.as_deref(), Some("cors.origins"));
}
