//! Long bodies both ways, clients that leave, sellers that break off: constant memory, exact money.

use farebox_testkit::app::{Agent, Ask, TestApp};
use farebox_testkit::engines::TestDb;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn market() -> (TestApp, Agent) {
    market_with(&[]).await
}

async fn market_with(settings: &[(&str, &str)]) -> (TestApp, Agent) {
    let app = TestApp::start(&TestDb::sqlite().await, settings).await;
    let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
    app.list(&seller, "things", "0.01").await;
    app.fund(buyer.party, 1_000_000).await;
    (app, buyer)
}

fn request(app: &TestApp, buyer: &Agent, path: &str) -> http::request::Builder {
    Request::builder()
        .uri(format!("{}/publishers/things/{path}", app.base))
        .header("authorization", format!("Bearer {}", buyer.key))
}

/// Waits for a condition, for at most ten seconds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about in ten seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_replies_of_known_and_unknown_length_come_whole_and_are_charged_once() {
    let (app, buyer) = market().await;
    const LENGTH: usize = 20_000_000;
    for path in [format!("bytes/{LENGTH}"), format!("chunks/{LENGTH}")] {
        let request = request(&app, &buyer, &path).body(farebox_net::empty()).unwrap();
        let body = app.client().send(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        let block = farebox_testkit::app::block();
        assert_eq!(body.len(), LENGTH);
        assert!(body.chunks(block.len()).all(|chunk| *chunk == block[..chunk.len()]), "{path} came changed");
    }
    assert_eq!(app.balance(buyer.party).await, 980_000);
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_upload_arrives_unchanged() {
    let (app, buyer) = market().await;
    let block = farebox_testkit::app::block();
    let blocks = 300;
    let mut hash = blake3::Hasher::new();
    for _ in 0..blocks {
        hash.update(&block);
    }
    let frames = futures_util::stream::iter((0..blocks).map({
        let block = block.clone();
        move |_| Ok::<_, farebox_net::BoxError>(Frame::data(block.clone()))
    }));
    let request = request(&app, &buyer, "sink").method("POST").body(StreamBody::new(frames).boxed_unsync()).unwrap();
    let reply = app.client().send(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let reply: serde_json::Value = serde_json::from_slice(&reply).unwrap();
    assert_eq!(reply["length"], blocks * block.len());
    assert_eq!(reply["blake3"], hash.finalize().to_hex().as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_reply_pays_nothing_and_stops_the_seller() {
    let (app, buyer) = market().await;
    let request = request(&app, &buyer, "hang").body(farebox_net::empty()).unwrap();
    let client = app.client().clone();
    let waiting = tokio::spawn(async move { client.send(request).await.map(|_| ()) });
    until("the call reaches the seller", || app.upstream.running() == 1).await;
    waiting.abort();
    until("the seller's work stops", || app.upstream.running() == 0).await;
    app.settled().await;
    assert_eq!(app.balance(buyer.party).await, 1_000_000);
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_at_once_leave_nothing_open() {
    let (app, buyer) = market().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let text = format!("GET /publishers/things/ok HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", buyer.key);
    let tasks: Vec<_> = (0..300)
        .map(|_| {
            let (address, text) = (address.clone(), text.clone());
            tokio::spawn(async move {
                let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
                stream.write_all(text.as_bytes()).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    app.expect(&Ask::get("/publishers/things/ok").key(&buyer.key), 200).await;
    app.settled().await;
    let balance = app.balance(buyer.party).await;
    assert_eq!((1_000_000 - balance) % 10_000, 0);
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_a_long_reply_has_used_it() {
    let (app, buyer) = market().await;
    let request = request(&app, &buyer, "bytes/2000000000").body(farebox_net::empty()).unwrap();
    let mut body = app.client().send(request).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    app.settled().await;
    assert_eq!(app.balance(buyer.party).await, 990_000);
    app.assert_books_balance().await;
}

/// Waits until a figure has not changed for half a second, and answers it.
async fn settled_figure(figure: impl Fn() -> u64) -> u64 {
    let (mut last, mut same) = (figure(), 0);
    while same < 50 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = figure();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_holds_the_seller_back_and_fills_no_memory() {
    let (app, buyer) = market().await;
    let request = request(&app, &buyer, "bytes/1000000000").body(farebox_net::empty()).unwrap();
    let mut body = app.client().send(request).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    let sent = settled_figure(|| app.upstream.sent_bytes()).await;
    assert!(sent < 32 << 20, "{sent} bytes were taken from the seller while the buyer read one frame");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_never_reads_on_has_used_what_it_had() {
    let limits = [
        ("net.total_timeout_ms", "1500"),
        ("net.first_byte_timeout_ms", "1000"),
        ("net.idle_timeout_ms", "1000"),
        ("net.connect_timeout_ms", "1000"),
    ];
    let (app, buyer) = market_with(&limits).await;
    let request = request(&app, &buyer, "bytes/1000000000").body(farebox_net::empty()).unwrap();
    let mut body = app.client().send(request).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    app.settled().await;
    assert_eq!(app.balance(buyer.party).await, 990_000);
    until("the seller's work stops", || app.upstream.running() == 0).await;
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_breaks_off_after_it_began_is_cut_short_and_free() {
    let (app, buyer) = market().await;
    let got = app.expect(&Ask::get("/publishers/things/half").key(&buyer.key), 502).await;
    assert_eq!(got.header("x-farebox-amount"), "0");
    app.settled().await;
    assert_eq!(app.balance(buyer.party).await, 1_000_000);
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_breaks_its_own_upload_has_used_what_came() {
    let (app, buyer) = market().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let head = format!(
        "POST /publishers/things/chunks/3000000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        buyer.key
    );
    for end in ["ZZ\r\n", ""] {
        let before = app.balance(buyer.party).await;
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut read, mut buffer) = (0, vec![0; 64 << 10]);
        while read < 1_000_000 {
            read += stream.read(&mut buffer).await.unwrap();
        }
        stream.write_all(end.as_bytes()).await.unwrap();
        drop(stream);
        app.settled().await;
        assert_eq!(before - app.balance(buyer.party).await, 10_000, "after {end:?}");
    }
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_closed() {
    let listener = farebox::serve::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = farebox::serve::SocketSettings {
        header_read_timeout: Duration::from_millis(200),
        ..farebox::serve::SocketSettings::default()
    };
    let upstream = std::sync::Arc::new(farebox_testkit::app::TestUpstream::default());
    tokio::spawn(farebox::serve::serve(listener, upstream, settings, std::future::pending()));
    for start in ["", "PRI * HT", "GET / HTTP/1.1\r\nHost"] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "{start:?} keeps a connection open");
    }
}

/// Sends a head, and gives back the connection.
async fn begun(app: &TestApp, head: &str) -> tokio::net::TcpStream {
    let address = app.base.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\nhost: {address}\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_all_of_a_body_that_is_refused_before_it_reads_has_the_answer() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let blocks = 24;
    let length = blocks << 20;
    let mut stream = begun(&app, &format!("POST /auth/agent HTTP/1.1\r\ncontent-length: {length}")).await;
    let block = vec![b' '; 1 << 20];
    for n in 0..blocks {
        stream.write_all(&block).await.unwrap_or_else(|e| panic!("cut off after {n} of {blocks} MiB: {e}"));
    }
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_before_it_sends_too_much_is_refused_and_not_told_to_go_on() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let asks = "POST /auth/agent HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 90000000";
    let mut stream = begun(&app, asks).await;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_one_by_one_and_are_charged_at_their_end() {
    let (app, buyer) = market().await;
    let request = request(&app, &buyer, "events/5").body(farebox_net::empty()).unwrap();
    let mut body = app.client().send(request).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first.as_ref(), b"data: 0\n\n", "the first event does not wait for the others");
    let rest = body.collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: 4\n\n"));
    assert_eq!(app.balance(buyer.party).await, 990_000);
    app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_running_calls_finish() {
    let (app, buyer) = market().await;
    let request = request(&app, &buyer, "slow/300").body(farebox_net::empty()).unwrap();
    let client = app.client().clone();
    let waiting = tokio::spawn(async move { client.send(request).await.unwrap().status() });
    until("the call reaches the seller", || app.upstream.running() == 1).await;
    let db = app.app.db.clone();
    app.stop().await;
    assert_eq!(waiting.await.unwrap().as_u16(), 200);
    let row = db.one("SELECT COUNT(*) FROM call WHERE state = 'charged'", &[]).await.unwrap().unwrap();
    assert_eq!(row.get::<i64>(0).unwrap(), 1);
}
