//! Which row answers, and what happens where none does.

use crate::demo::{App, Cx, Demo, operations};
use farebox_api_kit::*;
use farebox_base::Result;
use serde_json::json;

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let demo = Demo::new();
    let answer = demo.stranger("PUT", "/things").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD, POST"));
    assert_eq!(answer.json()["error"], "method_not_allowed");
    let exotic = demo.stranger("PURGE", "/things/default/jobs").await;
    assert_eq!((exotic.status, exotic.header("allow")), (405, "GET, HEAD, POST, PATCH, DELETE"));
    let proxied = demo.stranger("PURGE", "/echo/a/b").await;
    assert_eq!((proxied.status, proxied.header("allow")), (405, "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let demo = Demo::new();
    let get = demo.call("GET", "/things", "").await;
    let head = demo.call("HEAD", "/things", "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert_eq!(head.header("content-type"), "application/json");
    assert_eq!(demo.call("HEAD", "/nowhere", "").await.status, 404);
    assert_eq!(demo.call("HEAD", "/fail/x", "").await.status, 405);
}

#[tokio::test]
async fn a_trailing_slash_is_another_path() {
    let demo = Demo::new();
    for path in ["/things/", "/me/", "//me", "/number/"] {
        assert_eq!(demo.call("GET", path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn literal_parts_go_before_variable_ones_per_method() {
    let demo = Demo::new();
    assert_eq!(demo.call("GET", "/things/default/export", "").await.header("content-type"), "text/csv");
    assert_eq!(demo.call("POST", "/echo/a/estimate", "").await.text(), "\"estimate\"");
    assert_eq!(demo.call("GET", "/echo/a/estimate", "").await.json()["tail"], "estimate");
    assert_eq!(demo.call("POST", "/echo/a/estimate/b", "").await.json()["tail"], "estimate/b");
}

#[tokio::test]
async fn a_tail_keeps_the_bytes_of_the_request_line() {
    let demo = Demo::new();
    let answer = demo.call("POST", "/echo/a%20b/x%2Fy//z/%C3%A9/?q=%20&q=2", "body").await.json();
    let want = json!({
        "method": "POST", "name": "a%20b", "tail": "x%2Fy//z/%C3%A9/", "query": "q=%20&q=2", "body": "body",
    });
    assert_eq!(answer, want);
}

#[tokio::test]
async fn a_row_with_a_tail_answers_for_the_bare_path_too() {
    let demo = Demo::new();
    for (path, tail) in [("/api/v1/proxy/s", ""), ("/api/v1/proxy/s/", ""), ("/api/v1/proxy/s/a", "a")] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = demo.call(method, path, "").await;
            assert_eq!(answer.json(), json!({ "method": method, "tail": tail }), "{method} {path}");
        }
        let head = demo.call("HEAD", path, "").await;
        assert_eq!(head.status, 200, "{path}");
    }
}

mod odd {
    use super::*;
    operations! {
        core App, door Platform, tag "Odd";
        GET  "/odd/{a}" one(Public) "One";
        POST "/odd/{b}/more" two(Public) "Two";
        GET  "/odd/{id}/{*rest}" three(Public) "Three";
        GET  "/odd/{other}" one(Public) "One again";
        POST "/odd/x" both(Public) "Two bodies";
        POST "/odd/v/{w}" too_late(Public) "Raw first";
        POST "/odd/y/{z}" wrong_name(Public) "Wrong name";
    }
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Named {
        y: String,
    }
    async fn one(_cx: Cx) -> Result<NoContent> {
        Ok(NoContent)
    }
    async fn two(_cx: Cx) -> Result<NoContent> {
        Ok(NoContent)
    }
    async fn three(_cx: Cx) -> Result<NoContent> {
        Ok(NoContent)
    }
    async fn both(_cx: Cx, _a: Binary, _b: Binary) -> Result<NoContent> {
        Ok(NoContent)
    }
    async fn too_late(_cx: Cx, _raw: Raw, _path: Path<String>) -> Result<NoContent> {
        Ok(NoContent)
    }
    async fn wrong_name(_cx: Cx, _path: Path<Named>) -> Result<NoContent> {
        Ok(NoContent)
    }
}

#[test]
fn a_table_that_contradicts_itself_is_refused_row_by_row() {
    let error = Dispatcher::new(App::new(), odd::operations()).err().unwrap();
    let has = |row: &str, what: &str| error.0.iter().any(|line| line.contains(row) && line.contains(what));
    assert!(has("/odd/{other} one", "its id is taken"), "{error}");
    assert!(has("/odd/{other} one", "conflict"), "{error}");
    assert!(has("/odd/x both", "more than one argument takes the body"), "{error}");
    assert!(has("/odd/y/{z} wrong_name", "its path has no y"), "{error}");
    assert!(has("/odd/v/{w} too_late", "stands behind"), "{error}");
    assert_eq!(error.0.len(), 5, "{error}");
}

#[test]
fn differently_named_parts_of_different_rows_live_side_by_side() {
    let mut rows = odd::operations();
    rows.retain(|op| op.path != "/odd/{other}" && !["both", "too_late", "wrong_name"].contains(&op.id));
    assert!(Dispatcher::new(App::new(), rows).is_ok());
    assert!(Dispatcher::new(App::new(), operations()).is_ok());
}
