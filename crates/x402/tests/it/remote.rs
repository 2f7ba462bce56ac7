//! Somebody else's facilitator: our own one, served over HTTP; and servers that misbehave.

use crate::payments::{PRICE, exact, local, service};
use crate::settles::{not_taken, settled};
use crate::stage::{each, local as at, purpose, until};
use farebox_base::{Clock, SystemClock};
use farebox_x402::Reason;
use farebox_x402::chain::ChainSettings;
use farebox_x402::chain::dev::{AnvilOptions, loopback_client};
use farebox_x402::facilitator::{Facilitator as _, FacilitatorService, RemoteFacilitator, RemoteSettings, Settlement};
use farebox_x402::network::Caip2;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

const TOKEN: &str = "Bearer secret";

/// Serves the facilitator, to those who know the token.
async fn serve(service: FacilitatorService) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            let answer = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(answer(&service, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    port
}

async fn answer(service: &FacilitatorService, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.headers().get("authorization").is_none_or(|value| value != TOKEN) {
        return Response::builder().status(401).body(Full::default()).unwrap();
    }
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let reply = match path.as_str() {
        "/facilitator/verify" => serde_json::to_vec(&service.verify(&body).await.body),
        "/facilitator/settle" => serde_json::to_vec(&service.settle(&body).await.body),
        _ => serde_json::to_vec(&service.supported()),
    };
    Response::new(Full::from(reply.unwrap()))
}

fn remote(port: u16, authorization: Option<&str>) -> Arc<RemoteFacilitator> {
    remote_by(Arc::new(SystemClock::default()), port, authorization, None)
}

/// By another clock, with a chain that may be asked.
pub fn remote_by(
    clock: Arc<dyn Clock>,
    port: u16,
    authorization: Option<&str>,
    chain: Option<ChainSettings>,
) -> Arc<RemoteFacilitator> {
    let settings = RemoteSettings {
        url: at(port).join("facilitator").unwrap(),
        network: Caip2::parse("eip155:84532").unwrap(),
        authorization: authorization.map(str::to_owned),
        timeout: Duration::from_secs(2),
        pending_wait: Duration::from_millis(50),
        resource_url: "https://pay.example/".to_owned(),
        chain,
    };
    assert!(!format!("{settings:?}").contains("secret"));
    RemoteFacilitator::start(loopback_client().unwrap(), clock, settings).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_facilitator_verifies_and_settles_and_says_what_it_takes() {
    each(AnvilOptions::default(), async |stage, db| {
        let port = serve(service(db, local(stage, db).await)).await;
        let facilitator = remote(port, Some(TOKEN));
        let signed = exact(PRICE, 1);
        facilitator.check(&signed.offer, &signed.payment, &signed.header).await.unwrap();
        let hash = settled(facilitator.settle(signed.settle(purpose(1))).await);
        assert_eq!((hash.len(), stage.earned().await), (66, PRICE));
        let refused = facilitator.check(&signed.offer, &signed.payment, &signed.header).await.unwrap_err();
        assert_eq!(refused.reason, Reason::ExactNonceUsed);
        assert_eq!(refused.payer, Some(signed.payment.payer()));
        until("it is known what it takes", async || facilitator.supported().kinds.len() == 2).await;
        let stranger = remote(port, None);
        let refused = stranger.settle(exact(PRICE, 2).settle(purpose(2))).await;
        assert_eq!(not_taken(refused), Reason::UnexpectedSettleError);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_after_sending_is_pending_and_no_connection_is_a_refusal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 64];
            let _ = stream.read(&mut some).await;
            silent.push(stream);
        }
    });
    let signed = exact(PRICE, 1);
    let settlement = remote(port, None).settle(signed.settle(purpose(1))).await;
    assert_eq!(settlement, Settlement::pending(""));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let facilitator = remote(nobody, None);
    let settlement = facilitator.settle(signed.settle(purpose(1))).await;
    assert_eq!(not_taken(settlement), Reason::UnexpectedSettleError);
    let refused = facilitator.check(&signed.offer, &signed.payment, &signed.header).await.unwrap_err();
    assert_eq!(refused.reason, Reason::UnexpectedVerifyError);
    assert!(!refused.message.contains("127.0.0.1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_settlement_is_asked_after_once_and_a_spent_nonce_then_is_no_refusal() {
    let replies = [
        r#"{"success":false,"transaction":"0x01","network":"eip155:84532","errorReason":"settlement_pending"}"#,
        r#"{"success":false,"transaction":"","network":"eip155:84532","errorReason":"invalid_exact_evm_nonce_already_used"}"#,
        r#"{"success":true,"transaction":"0x01","network":"eip155:84532"}"#,
    ];
    let (port, asked) = scripted(replies.map(str::to_owned).to_vec()).await;
    let (facilitator, signed) = (remote(port, None), exact(PRICE, 1));
    let settlement = facilitator.settle(signed.settle(purpose(1))).await;
    assert!(matches!(settlement, Settlement::Pending { .. }), "{settlement:?}");
    assert_eq!(settled(facilitator.settle(signed.settle(purpose(1))).await), "0x01");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

/// A facilitator that answers settlements with these, one after the other and then with the last; and how many it had.
pub async fn scripted(replies: Vec<String>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, replies) = (Arc::new(AtomicUsize::new(0)), Arc::new(replies));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (asked, replies) = (Arc::clone(&count), Arc::clone(&replies));
            let answer = service_fn(move |request: Request<Incoming>| {
                let is_settle = request.uri().path().ends_with("/settle");
                let turn = if is_settle { asked.fetch_add(1, Ordering::SeqCst) } else { 0 };
                let reply = replies.get(turn).or(replies.last()).cloned().unwrap_or_default();
                async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(reply))) }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    (port, asked)
}
