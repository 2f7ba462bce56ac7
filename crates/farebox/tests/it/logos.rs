//! Logos of publishers: uploaded by their seller, seen by everybody, and nothing in them that could run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farebox_testkit::app::{Agent, Ask, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::json;

const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script><rect/></svg>"#;
const PNG: &[u8] = include_bytes!("../../../market/tests/data/still.png");

fn upload(seller: &Agent, id: &str, content_type: &str, bytes: &[u8]) -> Ask {
    let body = json!({ "logo": STANDARD.encode(bytes), "content_type": content_type });
    Ask::post(format!("/organizations/default/publishers/{id}/logo"), body).key(&seller.key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_uploaded_shown_kept_by_caches_and_replaced() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let seller = app.agent("Seller").await;
        let (_, id) = app.list(&seller, "weather", "0.01").await;
        let path = "/publishers/weather/logo";
        app.expect(&Ask::get(path), 404).await;
        let set = app.expect(&upload(&seller, &id, "image/svg+xml", SVG.as_bytes()), 200).await;
        let url = set.at("/data/logo_url");
        assert!(url.starts_with(&format!("{}{path}?v=", app.base)), "{url}");
        for shown in [
            Ask::get("/publishers/weather"),
            Ask::get(format!("/organizations/default/publishers/{id}")).key(&seller.key),
        ] {
            assert_eq!(app.expect(&shown, 200).await.at("/data/logo_url"), url);
        }
        let versioned = url.strip_prefix(&app.base).unwrap();
        let got = app.expect(&Ask::get(versioned), 200).await;
        assert_eq!(got.text, r#"<svg xmlns="http://www.w3.org/2000/svg"><rect></rect></svg>"#);
        assert_eq!(got.header("content-type"), "image/svg+xml");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert_eq!(got.header("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'; sandbox");
        assert_eq!(got.header("cache-control"), "public, max-age=31536000, immutable");
        let tag = got.header("etag").to_owned();
        assert_eq!(app.expect(&Ask::get(path), 200).await.header("cache-control"), "public, max-age=300");
        let known = app.expect(&Ask::get(path).with("if-none-match", &tag), 304).await;
        assert_eq!((known.text.as_str(), known.header("etag")), ("", tag.as_str()));

        let png = app.expect(&upload(&seller, &id, "image/png", PNG), 200).await;
        assert_ne!(png.at("/data/logo_url"), url);
        let got = app.expect(&Ask::get(path).with("if-none-match", &tag), 200).await;
        assert_eq!(got.header("content-type"), "image/png");
        assert!(!got.text.contains("script"), "texts are left out");
        let stale = app.expect(&Ask::get(versioned), 200).await;
        assert_eq!(
            stale.header("cache-control"),
            "public, max-age=300",
            "an old address shows the new picture, for a while"
        );

        let elsewhere = "https://pictures.example.com/a.png";
        let put = Ask::new(Method::PUT, format!("/organizations/default/publishers/{id}")).key(&seller.key);
        let changed = app.expect(&put.clone().json(json!({ "logo_url": elsewhere })), 200).await;
        assert_eq!(changed.at("/data/logo_url"), elsewhere);
        assert_eq!(app.expect(&Ask::get(path), 302).await.header("location"), elsewhere);
        app.expect(&put.json(json!({ "logo_url": null })), 200).await;
        app.expect(&Ask::get(path), 404).await;
        app.expect(&Ask::get("/publishers/nobody/logo"), 404).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_refused_by_name_and_nobody_changes_anothers_logo() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let (seller, other) = (app.agent("Seller").await, app.agent("Other").await);
    let (_, id) = app.list(&seller, "weather", "0.01").await;
    let path = format!("/organizations/default/publishers/{id}/logo");
    let bomb = include_bytes!("../../../market/tests/data/bomb.png");
    let big = vec![b' '; 600_000];
    for (content_type, bytes, field) in [
        ("image/gif", PNG, "content_type"),
        ("image/jpeg", PNG, "logo"),
        ("image/svg+xml", PNG, "logo"),
        ("image/png", bomb.as_slice(), "logo"),
        ("image/png", big.as_slice(), "logo"),
        ("image/png", b"".as_slice(), "logo"),
        (
            "image/svg+xml",
            br#"<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>"#.as_slice(),
            "logo",
        ),
    ] {
        let got = app.expect(&upload(&seller, &id, content_type, bytes), 400).await;
        assert_eq!(got.at("/field"), field, "{content_type}: {}", got.text);
    }
    for logo in ["", "%%%", "data:image/png;base64,AAAA", "\u{0}"] {
        let body = json!({ "logo": logo, "content_type": "image/png" });
        assert_eq!(app.expect(&Ask::post(&path, body).key(&seller.key), 400).await.at("/field"), "logo", "{logo:?}");
    }
    let huge = json!({ "logo": "A".repeat(2 << 20), "content_type": "image/png" });
    app.expect(&Ask::post(&path, huge).key(&seller.key), 413).await;
    app.expect(&upload(&other, &id, "image/png", PNG), 404).await;
    let theirs = format!("/organizations/{}/publishers/{id}/logo", seller.party);
    let body = json!({ "logo": STANDARD.encode(PNG), "content_type": "image/png" });
    app.expect(&Ask::post(&theirs, body).key(&other.key), 403).await;
    app.expect(&Ask::get("/publishers/weather/logo"), 404).await;
}
