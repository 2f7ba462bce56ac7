//! Where a connection goes, and what happens where it may not or cannot go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use farebox_net::{Client, NetErrorKind, Policy, full};
use http::Response;

use crate::servers::{Answers, Silent, client, get, http, loopback_policy, read_head, tcp};

fn with_answers(answers: &Arc<Answers>, policy: Policy) -> Client {
    Client::with_resolver(policy, answers.clone()).unwrap()
}

#[tokio::test]
async fn a_private_address_is_refused_and_nothing_connects() {
    let (address, accepted) = http(|_| async { Response::new(full("inside")) }).await;
    let client = Client::new(Policy::default()).unwrap();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::ffff:127.0.0.1]"] {
        let error = client.send(get(&format!("http://{host}:{}/", address.port()))).await.unwrap_err();
        assert_eq!(error.kind, NetErrorKind::Blocked, "{host}: {error}");
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_checked_address_is_used() {
    let (address, accepted) = http(|_| async { Response::new(full("outside")) }).await;
    let rebound: SocketAddr = "127.0.0.2:1".parse().unwrap();
    let answers = Answers::new([vec![address], vec![rebound]]);
    let client = with_answers(&answers, loopback_policy());
    let url = format!("http://seller.example:{}/", address.port());
    assert!(client.send(get(&url)).await.is_ok());
    assert_eq!(answers.asked.load(Ordering::SeqCst), 1);
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_that_moves_to_a_private_address_is_refused_at_its_next_connection() {
    let closing = |_| async { Response::builder().header("connection", "close").body(full("once")).unwrap() };
    let (address, accepted) = http(closing).await;
    let rebound: SocketAddr = ([10, 0, 0, 1], address.port()).into();
    let answers = Answers::new([vec![address], vec![rebound]]);
    let client = with_answers(&answers, loopback_policy());
    let url = format!("http://seller.example:{}/", address.port());
    assert!(client.send(get(&url)).await.is_ok());
    let error = client.send(get(&url)).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Blocked, "{error}");
    assert!(error.detail.contains("10.0.0.1"), "{error}");
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn one_private_address_in_an_answer_refuses_the_whole_answer() {
    let (address, accepted) = http(|_| async { Response::new(full("x")) }).await;
    let answers = Answers::new([vec![address, ([192, 168, 1, 1], address.port()).into()]]);
    let client = with_answers(&answers, loopback_policy());
    let error = client.send(get("http://seller.example/")).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Blocked);
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_next_address_is_tried_where_the_first_refuses() {
    let (address, _) = http(|_| async { Response::new(full("second")) }).await;
    let closed = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let answers = Answers::new([vec![closed, address]]);
    let client = with_answers(&answers, loopback_policy());
    assert_eq!(client.send(get("http://seller.example/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn failures_to_connect_say_what_failed() {
    let closed = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let error = client().send(get(&format!("http://{closed}/"))).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Connect, "{error}");

    let nowhere = with_answers(&Answers::new([]), Policy::default());
    assert_eq!(nowhere.send(get("http://seller.example/")).await.unwrap_err().kind, NetErrorKind::Dns);
    let empty = with_answers(&Answers::new([vec![]]), Policy::default());
    assert_eq!(empty.send(get("http://seller.example/")).await.unwrap_err().kind, NetErrorKind::Dns);

    let policy = Policy { connect_timeout_ms: 50, ..Policy::default() };
    let slow = Client::with_resolver(policy, Arc::new(Silent)).unwrap();
    assert_eq!(slow.send(get("http://seller.example/")).await.unwrap_err().kind, NetErrorKind::ConnectTimeout);
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends_is_a_connect_timeout() {
    let address = tcp(|_, stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let client = Client::new(Policy { connect_timeout_ms: 100, ..loopback_policy() }).unwrap();
    let error = client.send(get(&format!("https://localhost:{}/", address.port()))).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::ConnectTimeout);
}

#[tokio::test]
async fn urls_with_credentials_or_other_schemes_are_refused() {
    let (address, accepted) = http(|_| async { Response::new(full("x")) }).await;
    for url in [format!("http://me:pw@{address}/"), format!("ftp://{address}/"), "/no/host".to_owned()] {
        let error = client().send(get(&url)).await.unwrap_err();
        assert_eq!(error.kind, NetErrorKind::Blocked, "{url}");
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn plain_tcp_obeys_the_same_rules() {
    let address = tcp(|_, mut stream| async move {
        read_head(&mut stream).await;
    })
    .await;
    let error = Client::new(Policy::default()).unwrap().connect_tcp("127.0.0.1", address.port()).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Blocked);
    let stream = client().connect_tcp("127.0.0.1", address.port()).await.unwrap();
    assert!(stream.nodelay().unwrap());
}
