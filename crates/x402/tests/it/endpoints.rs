//! Endpoints that misbehave: what their errors mean, and who is asked next.

use crate::stage::local;
use farebox_base::SystemClock;
use farebox_x402::chain::dev::loopback_client;
use farebox_x402::chain::{ChainSettings, Rpc, RpcError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a node answers to everything.
#[derive(Clone, Copy)]
enum Answer {
    Says(u16, &'static str),
    Nothing,
    Megabytes,
}

/// A node, and how many requests it saw.
async fn node(answer: Answer) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, seen) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counter = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let counter = counter.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 64 << 10];
                if socket.read(&mut request).await.unwrap_or(0) == 0 {
                    return;
                }
                counter.fetch_add(1, Ordering::SeqCst);
                let (status, body) = match answer {
                    Answer::Nothing => return std::future::pending().await,
                    Answer::Says(status, body) => (status, body.to_owned()),
                    Answer::Megabytes => (200, format!("\"{}\"", "x".repeat(3 << 20))),
                };
                let length = body.len();
                let reply =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                let _ = socket.write_all(reply.as_bytes()).await;
            });
        }
    });
    (port, seen)
}

fn rpc(ports: &[u16]) -> Rpc {
    let settings = ChainSettings {
        request_timeout: Duration::from_millis(500),
        response_bytes_max: 1 << 20,
        ..ChainSettings::of(1, ports.iter().map(|port| local(*port)).collect())
    };
    Rpc::new(loopback_client().unwrap(), Arc::new(SystemClock::default()), &settings)
}

const GOOD: Answer = Answer::Says(200, r#"{"jsonrpc":"2.0","id":0,"result":"0x7"}"#);

#[tokio::test]
async fn what_may_have_arrived_is_told_apart_from_what_did_not() {
    let refusal = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"nonce too low"}}"#;
    for (answer, meaning) in [
        (Answer::Nothing, "unknown"),
        (Answer::Megabytes, "unknown"),
        (Answer::Says(502, "<html>"), "unknown"),
        (Answer::Says(200, "{}"), "unknown"),
        (Answer::Says(200, r#"{"result":"no hash"}"#), "unknown"),
        (Answer::Says(429, "slow down"), "not sent"),
        (Answer::Says(200, refusal), "refused"),
        (Answer::Says(400, refusal), "refused"),
    ] {
        let (port, _) = node(answer).await;
        let error = rpc(&[port]).send_raw_transaction(&[1].into()).await.unwrap_err();
        let found = match error {
            RpcError::Unknown(_) => "unknown",
            RpcError::NotSent(_) => "not sent",
            RpcError::Refused { .. } => "refused",
        };
        assert_eq!(found, meaning);
    }
    assert!(matches!(rpc(&[1]).send_raw_transaction(&[1].into()).await, Err(RpcError::NotSent(_))));
    assert!(matches!(rpc(&[]).block_number().await, Err(RpcError::NotSent(_))));
}

#[tokio::test]
async fn a_read_goes_to_the_next_endpoint_and_a_broadcast_that_may_have_arrived_does_not() {
    let (broken, _) = node(Answer::Says(502, "<html>")).await;
    let (good, seen) = node(GOOD).await;
    assert_eq!(rpc(&[broken, good]).block_number().await, Ok(7));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    assert!(matches!(rpc(&[broken, good]).send_raw_transaction(&[1].into()).await, Err(RpcError::Unknown(_))));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    let (busy, _) = node(Answer::Says(429, "")).await;
    let _ = rpc(&[busy, good]).send_raw_transaction(&[1].into()).await;
    assert_eq!(seen.load(Ordering::SeqCst), 2, "what was not sent is sent elsewhere");
}

#[tokio::test]
async fn an_endpoint_that_failed_rests_while_another_one_answers() {
    let (broken, tried) = node(Answer::Says(502, "")).await;
    let (good, _) = node(GOOD).await;
    let rpc = rpc(&[broken, good]);
    for _ in 0..5 {
        assert_eq!(rpc.block_number().await, Ok(7));
    }
    assert_eq!(tried.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_error_tells_the_path_of_an_endpoint() {
    let (broken, _) = node(Answer::Says(502, "")).await;
    let mut urls = vec![local(broken), local(1)];
    urls.iter_mut().for_each(|url| url.set_path("/v2/secret-key"));
    for url in urls {
        let settings = ChainSettings::of(1, vec![url]);
        let rpc = Rpc::new(loopback_client().unwrap(), Arc::new(SystemClock::default()), &settings);
        let error = format!("{:?}", rpc.block_number().await.unwrap_err());
        assert!(!error.contains("secret-key"), "{error}");
    }
}
