//! Somebody else's facilitator settles, and its answer is lost: the payer was charged, and nobody may forget it.

use super::stage::{Chain, FORTUNE, PRICE, Stage, gas_wallet, now, paying};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use farebox_x402::Reason;
use farebox_x402::chain::abi::token::{Authorization, transfer_with_bytes};
use farebox_x402::client::SignedHeader;
use farebox_x402::payment::Payment;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

const PATH: &str = "/publishers/things/ok";

/// Verifies everything; the first settlement is answered with what nobody can read, each further one is too late.
async fn facilitator() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let asked = Arc::clone(&count);
            let answer = service_fn(move |request: Request<Incoming>| {
                let reply = reply(request.uri().path(), &asked);
                async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(reply))) }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    (port, asked)
}

fn reply(path: &str, asked: &AtomicUsize) -> String {
    let network = "eip155:84532";
    let reply = match path {
        "/verify" => serde_json::json!({ "isValid": true }),
        "/settle" if asked.fetch_add(1, Ordering::SeqCst) == 0 => return "<html>".to_owned(),
        "/settle" => serde_json::json!({
            "success": false, "transaction": "", "network": network, "errorReason": Reason::ExactNonceUsed.code(),
        }),
        _ => serde_json::json!({
            "kinds": [{ "x402Version": 2, "scheme": "exact", "network": network }], "extensions": [], "signers": {},
        }),
    };
    reply.to_string()
}

fn calldata(signed: &SignedHeader) -> Vec<u8> {
    let Payment::Eip3009 { authorization: it, signature } = &signed.payment else { panic!("another scheme") };
    let (from, to, value, nonce) = (it.from, it.to, it.value, it.nonce);
    let (valid_after, valid_before) = (it.valid_after, it.valid_before);
    let authorization = Authorization { from, to, value, valid_after, valid_before, nonce };
    transfer_with_bytes(&authorization, &signature.to_bytes())
}

async fn row(stage: &Stage) -> (String, Option<String>) {
    let row = stage.app.app.db.one("SELECT state, reason FROM payment", &[]).await.unwrap().unwrap();
    (row.get(0).unwrap(), row.get(1).unwrap())
}

/// Resumes, as a process that has just started would, until the facilitator was asked so often.
async fn resumed(stage: &Stage, asked: &AtomicUsize, times: usize) {
    for _ in 0..1_000 {
        stage.app.app.calls.payments_resume_alone(now()).await.unwrap();
        if asked.load(Ordering::SeqCst) >= times {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the facilitator was not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_settled_without_an_answer_stays_open_until_its_chain_shows_it() {
    for before in [false, true] {
        for place in TestDb::all().await {
            until_shown(&place, before).await;
        }
    }
}

async fn until_shown(place: &TestDb, before: bool) {
    let Some(chain) = Chain::start().await else { return };
    let (port, asked) = facilitator().await;
    let url = format!("http://127.0.0.1:{port}");
    let settle = if before { "before" } else { "after" };
    let own = [("x402.network.base-sepolia.facilitator_url", url.as_str()), ("x402.settle", settle)];
    let stage = Stage::on(chain, place, &own).await;
    let signed = stage.sign(&stage.app.expect(&Ask::get(PATH), 402).await);
    let ask = paying(PATH, &signed);
    stage.app.expect(&ask, 503).await;
    assert_eq!(row(&stage).await, ("earned".to_owned(), None));
    // Asked again it says that the nonce is used, and the chain shows nothing yet.
    resumed(&stage, &asked, 2).await;
    assert_eq!(row(&stage).await, ("earned".to_owned(), Some(Reason::ExactNonceUsed.code().to_owned())));
    let under_way = stage.app.ask(&ask).await.status.as_u16();
    assert!([409, 503].contains(&under_way), "{under_way}");
    stage.send_to_token(calldata(&signed)).await;
    resumed(&stage, &asked, 3).await;
    assert_eq!(row(&stage).await.0, "settled");
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
    assert_eq!(stage.balance(gas_wallet()).await, PRICE);
    if before {
        let credited = "SELECT COUNT(*) FROM transfer WHERE kind = 'crypto_deposit'";
        let credited = stage.app.app.db.one(credited, &[]).await.unwrap().unwrap();
        assert_eq!(credited.get::<i64>(0).unwrap(), 1, "the buyer has it as a balance");
    } else {
        stage.app.expect(&ask, 200).await;
        assert_eq!(stage.app.upstream.asked(), 1);
    }
    stage.app.assert_books_balance().await;
}
