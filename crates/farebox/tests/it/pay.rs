//! A payer against a server that asks for payments on chain, verifies them and settles nothing.

use crate::command::text;
use farebox::pay::{PayError, Payer, PayerParts, Request};
use farebox::serve::{Service, SocketSettings, bind, full, serve};
use farebox_api_kit::Body;
use farebox_base::{Clock as _, Micros, SystemClock, SystemRng};
use farebox_net::{Client, FetchLimits, Policy};
use farebox_x402::client::{ClientError, Preferences};
use farebox_x402::evm::{SigningKey, address};
use farebox_x402::match_offer;
use farebox_x402::network::{Method as Transfer, Networks};
use farebox_x402::offer::{Offer, Resource, Terms};
use farebox_x402::verify::{Limits, verify_local};
use farebox_x402::wire::{Challenge, Complaint, Object, PaymentHeader, SettlementResponse, Uint, names};
use farebox_x402::{Reason, Refusal};
use http::{HeaderMap, Method, Response, StatusCode};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::Arc;

pub(super) const KEY: &str = "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";
const PAYER: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const PAYEE: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
pub(super) const TRANSACTION: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";

/// Asks 0.05 USDC on Base Sepolia for everything but `/free`; the path says how it behaves then.
#[derive(Default)]
pub(super) struct Shop {
    /// Every payment that came, as its header was.
    pub payments: Mutex<Vec<String>>,
}

impl Shop {
    pub async fn open() -> (Arc<Self>, String) {
        let shop = Arc::new(Self::default());
        let listener = bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, shop.clone(), SocketSettings::default(), std::future::pending()));
        (shop, base)
    }

    pub fn different_payments(&self) -> (usize, usize) {
        let mut payments = self.payments.lock().clone();
        let all = payments.len();
        payments.dedup();
        (all, payments.len())
    }
}

impl Service for Shop {
    async fn handle(&self, request: http::Request<Body>, _peer: SocketAddr) -> Response<Body> {
        let (head, _) = request.into_parts();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let path = head.uri.path();
        if path == "/free" {
            return Response::new(full("free of charge"));
        }
        let Some(value) = header(names::PAYMENT_SIGNATURE).or_else(|| header(names::X_PAYMENT)) else {
            return challenge(path);
        };
        let tries = {
            let mut payments = self.payments.lock();
            payments.push(value.to_owned());
            payments.len()
        };
        let payment = match PaymentHeader::decode(value).and_then(|header| verified(&header, path)) {
            Ok(payer) => payer,
            Err(refusal) => return receipt(402, &SettlementResponse::refused("", &refusal, 2)),
        };
        let pending = Refusal::new(Reason::SettlementPending, "wait");
        let refused = Refusal::new(Reason::InsufficientFunds, "the wallet has 0.01 USDC");
        match path {
            "/silent-once" if tries == 1 => std::future::pending().await,
            "/silent-then-refused" if tries == 1 => std::future::pending().await,
            "/silent" => std::future::pending().await,
            "/pending" if tries == 1 => {
                let transaction = TRANSACTION.to_owned();
                receipt(402, &SettlementResponse { transaction, ..SettlementResponse::refused("", &pending, 2) })
            }
            "/later" | "/v1-later" => receipt(200, &SettlementResponse::refused("", &pending, 2)),
            "/lost" => receipt(503, &SettlementResponse::refused("", &pending, 2)),
            "/lost-once" if tries == 1 => receipt(503, &SettlementResponse::refused("", &pending, 2)),
            "/lies" => {
                let settled =
                    SettlementResponse::settled("eip155:84532\u{202e}", payment, TRANSACTION.parse().ok(), None);
                receipt(200, &SettlementResponse { amount: Some(Uint(alloy_primitives::U256::ONE)), ..settled })
            }
            "/fails-paid" => {
                receipt(500, &SettlementResponse::settled("eip155:84532", payment, TRANSACTION.parse().ok(), None))
            }
            "/refuses" | "/long" | "/silent-then-refused" => {
                receipt(402, &SettlementResponse::refused("", &refused, 2))
            }
            _ => {
                let amount = Some(Uint(alloy_primitives::U256::from(50_000)));
                let hash = TRANSACTION.parse().ok();
                receipt(200, &SettlementResponse::settled("eip155:84532", payment, hash, amount))
            }
        }
    }
}

fn offers(path: &str) -> Vec<Offer> {
    let timeout_s = if path == "/long" { 86_400 } else { 60 };
    let networks = Networks::builtin().unwrap();
    let network = networks.by_name("base-sepolia").unwrap();
    let token = network.tokens()[0].clone();
    let pay_to = address::parse(PAYEE).unwrap();
    let amount = alloy_primitives::U256::from(50_000);
    let offer = Offer::new(network.clone(), token, amount, pay_to, timeout_s, Terms::Exact(Transfer::Eip3009)).unwrap();
    vec![if path == "/fails-paid" { offer.upfront() } else { offer }]
}

fn verified(header: &PaymentHeader, path: &str) -> Result<alloy_primitives::Address, Refusal> {
    let offers = offers(path);
    let (offer, payment) = match_offer(&offers, header)?;
    verify_local(offer, &payment, SystemClock::default().now(), &Limits::default())?;
    Ok(payment.payer())
}

fn challenge(path: &str) -> Response<Body> {
    let offers = offers(path);
    let resource = Resource { url: format!("http://shop.example{path}"), ..Resource::default() };
    let challenge =
        Challenge { offers: &offers, resource: &resource, extensions: Object::new(), complaint: Complaint::Unpaid };
    let mut response = Response::new(full(challenge.v1_body().unwrap()));
    *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
    if path.starts_with("/v1") {
        return response;
    }
    let value = challenge.v2_header().unwrap().parse().unwrap();
    response.headers_mut().insert(names::PAYMENT_REQUIRED, value);
    if path == "/v2" {
        *response.body_mut() = full("{}");
    }
    response
}

fn receipt(status: u16, receipt: &SettlementResponse) -> Response<Body> {
    let mut response = Response::new(full("the goods"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(names::PAYMENT_RESPONSE, receipt.header().unwrap().parse().unwrap());
    response
}

fn payer(max_micros: i64, timeout_ms: u64) -> Payer {
    let allow = vec!["127.0.0.1".parse().unwrap()];
    Payer::new(PayerParts {
        client: Client::new(Policy { allow, ..Policy::default() }).unwrap(),
        clock: Arc::new(SystemClock::default()),
        rng: Arc::new(SystemRng),
        networks: Networks::builtin().unwrap(),
        preferences: Preferences::up_to(Micros::new(max_micros)),
        limits: FetchLimits { timeout_ms, max_response_bytes: 1 << 20 },
    })
}

fn request(base: &str, path: &str) -> Request {
    let url = format!("{base}{path}").parse().unwrap();
    Request { method: Method::POST, url, headers: HeaderMap::new(), body: "order".into() }
}

fn key() -> SigningKey {
    SigningKey::from_hex(KEY).unwrap()
}

#[tokio::test]
async fn a_challenge_of_either_version_is_paid_and_the_answer_has_its_receipt() {
    let (shop, base) = Shop::open().await;
    for path in ["/v1", "/v2", "/both"] {
        let paid = payer(50_000, 10_000).call(&request(&base, path), &key()).await.unwrap();
        assert_eq!((paid.answer.status, &paid.answer.body[..]), (StatusCode::OK, &b"the goods"[..]));
        assert_eq!(paid.bill.unwrap().amount(), Micros::new(50_000));
        let receipt = paid.answer.receipt().unwrap();
        assert_eq!((receipt.transaction.as_str(), receipt.payer.as_deref()), (TRANSACTION, Some(PAYER)));
    }
    assert_eq!(shop.different_payments(), (3, 3));
    let free = payer(0, 10_000).call(&request(&base, "/free"), &key()).await.unwrap();
    assert!(free.bill.is_none() && free.answer.status == StatusCode::OK);
}

#[tokio::test]
async fn what_is_too_expensive_is_never_signed() {
    let (shop, base) = Shop::open().await;
    let error = payer(49_999, 10_000).call(&request(&base, "/both"), &key()).await.unwrap_err();
    assert!(matches!(error, PayError::NotSigned { error: ClientError::TooMuch { .. }, .. }), "{error}");
    assert_eq!(shop.different_payments(), (0, 0));
}

#[tokio::test]
async fn a_payment_without_an_answer_is_sent_again_and_no_other_is_signed() {
    for path in ["/silent-once", "/pending"] {
        let (shop, base) = Shop::open().await;
        let paid = payer(50_000, 1_500).call(&request(&base, path), &key()).await.unwrap();
        assert_eq!(paid.answer.status, StatusCode::OK, "{path}");
        assert_eq!(shop.different_payments(), (2, 1), "{path}");
    }
}

#[tokio::test]
async fn a_refusal_ends_it_and_one_after_a_lost_answer_is_no_certainty() {
    let (shop, base) = Shop::open().await;
    let error = payer(50_000, 10_000).call(&request(&base, "/refuses"), &key()).await.unwrap_err();
    let PayError::Refused { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason, "insufficient_funds: the wallet has 0.01 USDC");
    assert_eq!(shop.different_payments(), (1, 1));

    let (shop, base) = Shop::open().await;
    let error = payer(50_000, 1_500).call(&request(&base, "/silent-then-refused"), &key()).await.unwrap_err();
    let PayError::Unknown { why, payment } = error else { panic!("{error}") };
    assert!(why.contains("insufficient_funds"), "{why}");
    assert_eq!(*shop.payments.lock(), [payment.value.clone(), payment.value]);
}

#[tokio::test]
async fn a_server_that_is_not_there_costs_nothing() {
    let listener = bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = payer(50_000, 1_000).call(&request(&base, "/both"), &key()).await.unwrap_err();
    assert!(matches!(error, PayError::Net(_)), "{error}");
}

pub(super) async fn farebox(arguments: &[&str], wallet_key: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FAREBOX_")) {
        command.env_remove(name);
    }
    wallet_key.map(|key| command.env("FAREBOX_WALLET_KEY", key));
    command.args(arguments).stdin(std::process::Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_the_answer_pays_and_says_what_it_paid() {
    let (shop, base) = Shop::open().await;
    let url = format!("{base}/both");
    let output = farebox(&["pay", &url, "--data", "{}", "--verbose"], Some(KEY)).await;
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"the goods"[..]), "{}", text(&output));
    let said = text(&output);
    for part in ["asks for 0.05 USDC on Base Sepolia (eip155:84532)", PAYEE, "paid 0.05 USDC", TRANSACTION, PAYER] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    assert!(!said.contains(KEY), "{said}");
    assert_eq!(shop.different_payments(), (1, 1));
    let sent = shop.payments.lock().remove(0);
    assert!(
        said.to_lowercase().contains("> payment-signature: ") && !said.contains(&sent[..100]),
        "a payment is as good as money: {said}"
    );
    let free = farebox(&["pay", &format!("{base}/free")], None).await;
    assert_eq!((free.status.code(), &free.stdout[..]), (Some(0), &b"free of charge"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_ends_with_2_where_nothing_was_signed_and_with_1_where_it_went_wrong() {
    let (shop, base) = Shop::open().await;
    let at = |path: &str| format!("{base}{path}");
    let cases: &[(&[&str], Option<&str>, i32, &str)] = &[
        (&[&at("/both"), "--max-amount", "0.01"], Some(KEY), 2, "the limit is 0.01"),
        (
            &[&at("/both"), "--network", "polygon"],
            Some(KEY),
            2,
            "nothing was paid: none of the offers can be paid: the server offers exact on Base Sepolia (eip155:84532); \
             wanted is exact on Polygon",
        ),
        (&[&at("/both")], None, 2, "farebox wallet new FILE"),
        (&[&at("/both"), "--max-amount", "-1"], Some(KEY), 2, "--max-amount must not be negative"),
        (&["ftp://127.0.0.1/x"], Some(KEY), 2, "must begin with http:// or https://"),
        (&[&at("/both")], Some("hunter2"), 2, "FAREBOX_WALLET_KEY must be 64 hex digits"),
        (&[&at("/both"), "--wallet", "/no/such/wallet"], None, 2, "/no/such/wallet"),
        (&[&at("/both"), "--network", "mars"], Some(KEY), 2, "there is base, "),
        (&[&at("/both"), "--max-amount", "much"], Some(KEY), 2, "--max-amount must be a decimal number"),
        (&[&at("/both"), "--header", "nonsense"], Some(KEY), 2, "Name: value"),
        (&[&at("/both"), "--data", "@/no/such/file"], Some(KEY), 2, "/no/such/file"),
        (&["nowhere"], Some(KEY), 2, "is no URL"),
        (&["http://127.0.0.1:1/"], Some(KEY), 1, "farebox: the server can't be reached: "),
    ];
    for (arguments, key, status, part) in cases {
        let output = farebox(&[&["pay"], *arguments].concat(), *key).await;
        let said = text(&output);
        assert_eq!(output.status.code(), Some(*status), "{arguments:?}: {said}");
        assert!(said.contains(part) && !said.contains("hunter2"), "{arguments:?}: {said}");
        assert!(
            said.matches("the server offers").count() <= 1 && !said.contains("x402Version"),
            "{arguments:?}: {said}"
        );
    }
    assert_eq!(shop.different_payments(), (0, 0), "nothing was signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_unknown_fate_can_be_sent_again_by_hand_and_is_not_replaced() {
    let (shop, base) = Shop::open().await;
    let output = farebox(&["pay", &format!("{base}/silent"), "--timeout", "1"], Some(KEY)).await;
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let header = said.split("--header '").nth(1).unwrap().trim_end().trim_end_matches('\'');
    let again = farebox(&["pay", &format!("{base}/both"), "--header", header], None).await;
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    let (all, different) = shop.different_payments();
    assert!(all >= 3 && different == 1, "{all} {different}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_made_shown_and_paid_from() {
    let (_shop, base) = Shop::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wallet.key");
    let file = file.to_str().unwrap();
    let made = farebox(&["wallet", "new", file], None).await;
    let shown = farebox(&["wallet", "show", file], None).await;
    assert!(made.status.success() && made.stdout == shown.stdout && made.stdout.starts_with(b"0x"));
    let held = std::fs::read_to_string(file).unwrap();
    let output = farebox(&["pay", &format!("{base}/both"), "--wallet", file], None).await;
    let said = text(&output);
    assert!(output.status.success() && said.contains(String::from_utf8_lossy(&made.stdout).trim()), "{said}");
    assert!(!said.contains(held.trim().trim_start_matches("0x")), "{said}");
    assert_eq!(farebox(&["wallet", "new", file], None).await.status.code(), Some(2), "a wallet is never replaced");
}
