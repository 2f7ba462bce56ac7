//! What reaches the seller and what comes back is what was sent, less what must not pass.

use bytes::Bytes;
use farebox_net::{empty, full};
use farebox_upstream::UpstreamError;
use farebox_upstream::http::{HttpTarget, Outgoing, PassthroughPolicy};
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

use crate::servers::{at, call, get, headers, http, post, recorder, says, streamed, target, text};

#[tokio::test]
async fn method_path_and_query_arrive_byte_for_byte() {
    let (address, seen) = recorder().await;
    let target = target(&format!("http://{address}/base/?key=1"));
    for (method, path) in
        [("GET", "/a%2Fb/%E2%82%AC?x=1&x=2&&y"), ("PROPFIND", ""), ("DELETE", "/x?"), ("m-search", "/y")]
    {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = Outgoing { method, path_and_query: path, headers: HeaderMap::new(), body: empty() };
        assert_eq!(text(call(&target, request).await.unwrap()).await.unwrap(), "ok");
    }
    let lines: Vec<String> = seen.lock().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    let expected = [
        "GET /base/a%2Fb/%E2%82%AC?key=1&x=1&x=2&&y HTTP/1.1",
        "PROPFIND /base/?key=1 HTTP/1.1",
        "DELETE /base/x?key=1& HTTP/1.1",
        "m-search /base/y?key=1 HTTP/1.1",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn an_escape_from_the_base_path_is_the_callers_mistake_and_sends_nothing() {
    let (address, seen) = recorder().await;
    let target = target(&format!("http://{address}/base"));
    for path in ["/%2e%2e/x", "/../x", "/..%2fx", "/%252e%252e%252fx", "/..\\x"] {
        let error = call(&target, get(path)).await.unwrap_err();
        assert_eq!(error.to_error().kind.status(), 400, "{path}");
        assert!(!error.charged() && !error.is_providers_fault());
    }
    assert!(seen.lock().is_empty());
}

#[tokio::test]
async fn connect_and_trace_are_not_forwarded() {
    let (address, seen) = recorder().await;
    for method in [Method::CONNECT, Method::TRACE] {
        let error = call(&at(address), Outgoing { method, ..get("/") }).await.unwrap_err();
        assert_eq!((error.clone(), error.to_error().kind.status()), (UpstreamError::MethodRefused, 405));
    }
    assert!(seen.lock().is_empty());
}

#[tokio::test]
async fn the_buyers_credentials_and_connection_headers_stay_here() {
    let (address, seen) = recorder().await;
    let sent = headers(&[
        ("authorization", "Bearer buyer"),
        ("cookie", "session=buyer"),
        ("x-api-key", "buyer"),
        ("x-agent-wallet", "0xbuyer"),
        ("x-payment", "buyer"),
        ("payment-signature", "buyer"),
        ("idempotency-key", "buyer"),
        ("proxy-authorization", "buyer"),
        ("x-acf-amount", "buyer"),
        ("x-farebox-trace", "buyer"),
        ("sign-in-with-x", "buyer"),
        ("x-forwarded-for", "buyer"),
        ("x_forwarded_for", "buyer"),
        ("x_http_method_override", "buyer"),
        ("x-http_method-override", "buyer"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "buyer"),
        ("keep-alive", "timeout=buyer"),
        ("te", "gzip;q=1"),
        ("upgrade", "buyer"),
        ("transfer-encoding", "chunked"),
        ("expect", "100-continue"),
        ("host", "buyer.example"),
        ("content-length", "0"),
        ("x-many", "1"),
        ("x-other", "o"),
        ("x-many", "2"),
        ("x-many", "1"),
        ("user-agent", "agent/1"),
        ("x-request-id", "r1"),
    ]);
    call(&at(address), Outgoing { headers: sent, ..get("/") }).await.unwrap();
    let head = seen.lock().remove(0);
    assert!(!head.contains("buyer"), "{head}");
    for line in [
        format!("host: {address}"),
        "user-agent: agent/1".to_owned(),
        "x-request-id: r1".to_owned(),
        "x-other: o".to_owned(),
    ] {
        assert!(head.contains(&line), "{line} in {head}");
    }
    let many: Vec<&str> = head.lines().filter(|line| line.starts_with("x-many")).collect();
    assert_eq!(many, ["x-many: 1", "x-many: 2", "x-many: 1"]);
    assert!(!head.contains("te:") && !head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn the_sellers_own_headers_replace_the_buyers() {
    let (address, seen) = recorder().await;
    let set = vec![
        ("authorization".parse().unwrap(), "Bearer seller".parse().unwrap()),
        ("accept".parse().unwrap(), "text/plain".parse().unwrap()),
        ("x-seller-key".parse().unwrap(), "real".parse().unwrap()),
    ];
    let target = HttpTarget { set_headers: set, add_query: vec![("appid".to_owned(), "s3".to_owned())], ..at(address) };
    let sent = headers(&[
        ("authorization", "Bearer buyer"),
        ("accept", "*/*"),
        ("accept", "text/html"),
        ("x_seller_key", "buyer"),
        ("connection", "authorization"),
    ]);
    call(&target, Outgoing { headers: sent, ..get("/x?appid=buyer") }).await.unwrap();
    let head = seen.lock().remove(0);
    assert!(head.starts_with("GET /x?appid=s3 "), "{head}");
    assert!(head.contains("authorization: Bearer seller") && !head.contains("buyer"), "{head}");
    assert_eq!(head.lines().filter(|line| line.starts_with("accept")).collect::<Vec<_>>(), ["accept: text/plain"]);
}

#[tokio::test]
async fn a_whitelist_passes_its_names_and_what_describes_the_body() {
    let (address, seen) = recorder().await;
    let passthrough = PassthroughPolicy::Only(vec!["x-trace".parse().unwrap(), "authorization".parse().unwrap()]);
    let target = HttpTarget { passthrough, ..at(address) };
    let sent = headers(&[
        ("x-trace", "t"),
        ("x-secret", "s"),
        ("authorization", "buyer"),
        ("content-type", "text/plain"),
        ("user-agent", "a"),
    ]);
    call(&target, Outgoing { headers: sent, ..post("/", full("hi")) }).await.unwrap();
    let head = seen.lock().remove(0);
    assert!(
        head.contains("x-trace: t") && head.contains("content-type: text/plain") && head.contains("content-length: 2"),
        "{head}"
    );
    assert!(!head.contains("x-secret") && !head.contains("buyer") && !head.contains("user-agent"), "{head}");
}

#[tokio::test]
async fn the_length_of_a_request_is_kept_where_it_is_known() {
    let (address, seen) = recorder().await;
    let chunks = || streamed(stream::iter([Ok(Bytes::from("four"))]));
    call(&at(address), post("/", chunks())).await.unwrap();
    call(&at(address), Outgoing { headers: headers(&[("content-length", "4")]), ..post("/", chunks()) }).await.unwrap();
    call(&at(address), Outgoing { body: chunks(), ..get("/") }).await.unwrap();
    call(&at(address), post("/", empty())).await.unwrap();
    let framing: Vec<String> = seen
        .lock()
        .iter()
        .map(|head| head.lines().filter(|l| l.starts_with("content-length") || l.starts_with("transfer")).collect())
        .collect();
    assert_eq!(
        framing,
        ["transfer-encoding: chunked", "content-length: 4", "transfer-encoding: chunked", "content-length: 0"]
    );
}

#[tokio::test]
async fn the_answer_comes_back_whole_without_what_only_the_gateway_may_say() {
    let address = says(
        "HTTP/1.1 418 Teapot\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2\r\nx-acf-amount: 9\r\nX-ACF-Usage-Id: 1\r\nx-farebox-a: 9\r\n\
         payment-required: 9\r\npayment-response: 9\r\nx-payment-response: 9\r\nstrict-transport-security: max-age=9\r\nalt-svc: h3=9\r\n\
         connection: x-hop\r\nx-hop: 9\r\nkeep-alive: timeout=9\r\nproxy-authenticate: 9\r\nupgrade: h9c\r\nlocation: /elsewhere\r\n\
         content-type: text/x-tea\r\ncontent-length: 3\r\n\r\ntea",
    )
    .await;
    let response = call(&at(address), get("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.version(), http::Version::HTTP_11);
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
    let mut names: Vec<&str> = response.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type", "location", "set-cookie"]);
    assert_eq!(text(response).await.unwrap(), "tea");
}

#[tokio::test]
async fn an_encoded_body_passes_untouched() {
    const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0xc8, 4, 0, 0xac, 0x2a, 0x93, 0xd8, 2, 0, 0, 0];
    let address =
        http(|_| async { Response::builder().header("content-encoding", "gzip").body(full(GZIP)).unwrap() }).await;
    let sent = headers(&[("accept-encoding", "gzip")]);
    let response = call(&at(address), Outgoing { headers: sent, ..get("/") }).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.headers()["content-length"], GZIP.len().to_string());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), GZIP);
}

#[tokio::test]
async fn answers_without_a_body_have_none_and_keep_their_headers() {
    let cases = [
        (Method::HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\netag: e\r\n\r\n", Some("5000")),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5000\r\netag: e\r\n\r\n", Some("5000")),
        (Method::GET, "HTTP/1.1 204 No Content\r\netag: e\r\n\r\n", None),
        (Method::GET, "HTTP/1.1 200 OK\r\netag: e\r\ncontent-length: 0\r\n\r\n", Some("0")),
    ];
    for (method, answer, length) in cases {
        let response = call(&at(says(answer).await), Outgoing { method, ..get("/") }).await.unwrap();
        assert_eq!(response.headers()["etag"], "e");
        assert_eq!(response.headers().get("content-length").map(|value| value.to_str().unwrap()), length, "{answer}");
        assert_eq!(text(response).await.unwrap(), "");
    }
}

#[tokio::test]
async fn interim_answers_are_skipped_and_an_upgrade_is_a_protocol_error() {
    let interim = says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(text(call(&at(interim), get("/")).await.unwrap()).await.unwrap(), "ok");
    let upgrade = says("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await;
    let error = call(&at(upgrade), get("/")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Protocol(_)), "{error}");
}

#[tokio::test]
async fn answers_of_every_framing_are_read() {
    let chunked =
        says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").await;
    let response = call(&at(chunked), get("/")).await.unwrap();
    assert!(
        !response.headers().contains_key("transfer-encoding") && !response.headers().contains_key("content-length")
    );
    assert_eq!(text(response).await.unwrap(), "abcde");
    let until_close = crate::servers::tcp(|mut stream| async move {
        crate::servers::read_head(&mut stream).await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.0 200 OK\r\n\r\nall of it").await.unwrap();
    })
    .await;
    assert_eq!(text(call(&at(until_close), get("/")).await.unwrap()).await.unwrap(), "all of it");
}

#[tokio::test]
async fn trailers_pass_in_both_directions_less_the_withheld() {
    let address = http(|request: Request<hyper::body::Incoming>| async move {
        let collected = request.into_body().collect().await.unwrap();
        let seen = collected.trailers().cloned().unwrap_or_default();
        assert!(!seen.contains_key("authorization"), "{seen:?}");
        let sum = seen["x-sum"].to_str().unwrap().to_owned();
        let frames = [
            Ok(Frame::data(Bytes::from(sum))),
            Ok(Frame::trailers(headers(&[("x-total", "7"), ("x-acf-amount", "0")]))),
        ];
        Response::builder()
            .header("trailer", "x-total, x-acf-amount")
            .body(StreamBody::new(stream::iter(frames)).boxed_unsync())
            .unwrap()
    })
    .await;
    let frames = [
        Ok(Frame::data(Bytes::from("data"))),
        Ok(Frame::trailers(headers(&[("x-sum", "42"), ("authorization", "buyer")]))),
    ];
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    let sent = headers(&[("te", "trailers"), ("trailer", "x-sum, authorization")]);
    let response = call(&at(address), Outgoing { headers: sent, ..post("/", body) }).await.unwrap();
    assert_eq!(response.headers()["trailer"], "x-total");
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap(), &headers(&[("x-total", "7")]));
    assert_eq!(collected.to_bytes(), "42");
}
