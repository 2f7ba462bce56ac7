//! Calls whose reply tells what they cost: the most is held or signed for, what was used is taken.

use super::scripts::paid;
use super::stage::{Chain, FORTUNE, Stage, gas_wallet, now, paying, sign_preferring};
use farebox_base::Micros;
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_testkit::proxy::Fault;
use farebox_x402::chain::rpc::CallAt;
use farebox_x402::client::{Preferences, SignedHeader, read_receipt};
use farebox_x402::offer::Scheme;
use farebox_x402::wire::{SettlementResponse, decode_base64_json, names};
use serde_json::json;
use std::time::Duration;

/// The most that a call costs, and what one costs whose reply does not tell; both in micros.
const MOST: u64 = 50_000;
const UNTOLD: u64 = 1_000;
const METERED: &str = "/publishers/metered";

/// `None`, after one SKIPPED line, where there is no anvil.
async fn stage(place: &TestDb, allowance: u64, is_proxied: bool) -> Option<Stage> {
    let chain = if is_proxied { Chain::behind_proxy().await? } else { Chain::start().await? }.with_permit2().await;
    chain.approve(allowance).await;
    let stage = Stage::on(chain, place, &[]).await;
    stage.ready().await;
    let prices = json!({ "reserve_max_charge": "0.05", "price_per_delete": "0.02" });
    stage.app.expect(&stage.app.listing(&stage.seller, "metered", "0.001", &prices), 201).await;
    Some(stage)
}

/// Asks without paying, and signs the most.
async fn signed_upto(stage: &Stage, path: &str) -> SignedHeader {
    let challenge = stage.app.expect(&Ask::get(path), 402).await;
    let wanted = Preferences { schemes: vec![Scheme::Upto], ..Preferences::up_to(Micros::new(1_000_000)) };
    sign_preferring(&challenge, &stage.payer, stage.nonce(), &wanted)
}

fn receipt(got: &Got) -> SettlementResponse {
    read_receipt(|name| got.headers.get(name).and_then(|value| value.to_str().ok())).unwrap().unwrap()
}

/// What the books say of a payment and its call.
#[derive(Debug, PartialEq)]
struct Booked {
    authorized: i64,
    amount: i64,
    payment: String,
    call: String,
    charged: i64,
}

impl Booked {
    fn new(amount: i64, payment: &str, call: &str, charged: i64) -> Self {
        let authorized = i64::try_from(MOST).unwrap();
        Self { authorized, amount, payment: payment.to_owned(), call: call.to_owned(), charged }
    }
}

/// In the order of their beginning.
async fn booked(stage: &Stage) -> Vec<Booked> {
    const ALL: &str = "SELECT p.authorized, p.amount, p.state, c.state, c.charged FROM payment p
        JOIN call c ON c.id = p.id ORDER BY p.created_at, p.id";
    let rows = stage.app.app.db.query(ALL, &[]).await.unwrap();
    let read = |row: &farebox_db::Row| Booked {
        authorized: row.get(0).unwrap(),
        amount: row.get(1).unwrap(),
        payment: row.get(2).unwrap(),
        call: row.get(3).unwrap(),
        charged: row.get(4).unwrap(),
    };
    rows.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_taken_of_the_most_that_was_signed() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, 1_000_000, false).await else { return };
        let mut taken = 0;
        for (path, cost) in [
            ("/told/0.0035", 3_500),
            ("/told/0.05", MOST),
            ("/told/7", MOST),
            ("/told/much", UNTOLD),
            ("/told/-1", UNTOLD),
            ("/ok", UNTOLD),
            ("/told/0.0123/3000000", 12_300),
        ] {
            let path = format!("{METERED}{path}");
            let signed = signed_upto(&stage, &path).await;
            let got = stage.app.expect(&paying(&path, &signed), 200).await;
            let receipt = receipt(&got);
            assert!(receipt.success && receipt.transaction.len() == 66, "{path}: {receipt:?}");
            assert_eq!(receipt.amount.unwrap().to_string(), cost.to_string(), "{path}");
            assert_eq!(got.header("x-farebox-amount"), Micros::new(cost.try_into().unwrap()).to_string(), "{path}");
            assert!(!got.headers.contains_key("x-farebox-charge"), "{path}");
            taken += cost;
            assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - taken, "{path}");
            assert_eq!(stage.balance(gas_wallet()).await, taken, "{path}");
            stage.app.expect(&paying(&path, &signed), 402).await;
        }
        stage.app.settled().await;
        let costs = [3_500, 50_000, 50_000, 1_000, 1_000, 1_000, 12_300];
        let expected: Vec<Booked> = costs.iter().map(|cost| Booked::new(*cost, "settled", "charged", *cost)).collect();
        assert_eq!(booked(&stage).await, expected);
        let earned = stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings.get();
        assert!(earned > 0 && u64::try_from(earned).unwrap() <= taken, "{earned}");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_used_settles_nothing_and_is_served_once() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, 1_000_000, false).await else { return };
        let path = format!("{METERED}/told/0");
        let signed = signed_upto(&stage, &path).await;
        let before = stage.rpc.nonce(gas_wallet(), CallAt::Latest).await.unwrap();
        let got = stage.app.expect(&paying(&path, &signed), 200).await;
        let receipt = receipt(&got);
        assert!(receipt.success && receipt.transaction.is_empty(), "{receipt:?}");
        assert_eq!(receipt.amount.unwrap().to_string(), "0");
        stage.app.expect(&paying(&path, &signed), 402).await;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
        assert_eq!(stage.rpc.nonce(gas_wallet(), CallAt::Latest).await.unwrap(), before);
        stage.app.settled().await;
        assert_eq!(booked(&stage).await, [Booked::new(0, "settled", "free", 0)]);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exact_payment_is_taken_whole_and_a_fixed_price_offers_nothing_else() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, 1_000_000, false).await else { return };
    let path = format!("{METERED}/told/0.0035");
    let signed = stage.signed(&path).await;
    let got = stage.app.expect(&paying(&path, &signed), 200).await;
    assert_eq!(receipt(&got).amount, None);
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - MOST);
    let offered = |got: Got| got.header(names::PAYMENT_REQUIRED).to_owned();
    let schemes = |text: String| {
        let challenge = decode_base64_json(&text).unwrap();
        let accepts = challenge["accepts"].as_array().unwrap().clone();
        accepts.iter().map(|one| one["scheme"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let metered = schemes(offered(stage.app.expect(&Ask::get(&path), 402).await));
    assert_eq!(metered, ["upto", "exact", "exact"]);
    let fixed = Ask::new(http::Method::DELETE, format!("{METERED}/ok"));
    assert_eq!(schemes(offered(stage.app.expect(&fixed, 402).await)), ["exact", "exact"]);
    assert_eq!(schemes(offered(stage.app.expect(&Ask::get("/publishers/things/ok"), 402).await)), ["exact", "exact"]);
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_allowance_for_permit2_the_answer_says_so_and_the_seller_is_not_asked() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, MOST - 1, false).await else { return };
    let path = format!("{METERED}/told/0");
    let signed = signed_upto(&stage, &path).await;
    let got = stage.app.expect(&paying(&path, &signed), 412).await;
    let challenge = decode_base64_json(got.header(names::PAYMENT_REQUIRED)).unwrap();
    assert_eq!(challenge["error"], "permit2_allowance_required");
    assert_eq!(stage.app.upstream.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_who_fails_takes_nothing_of_the_most_either() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, 1_000_000, false).await else { return };
    let path = format!("{METERED}/status/500");
    let signed = signed_upto(&stage, &path).await;
    stage.app.expect(&paying(&path, &signed), 500).await;
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_up_after_its_request_is_gone_a_payment_is_settled_for_what_was_used() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, 1_000_000, true).await else { return };
        let path = format!("{METERED}/told/0.0035");
        let signed = signed_upto(&stage, &path).await;
        let proxy = stage.proxy.as_ref().unwrap();
        proxy.set(Fault::HangAfterBroadcast);
        stage.app.expect(&paying(&path, &signed), 503).await;
        assert_eq!(booked(&stage).await, [Booked::new(3_500, "earned", "open", 0)]);
        proxy.set(Fault::None);
        for _ in 0..500 {
            stage.app.app.calls.payments_resume_alone(now()).await.unwrap();
            if booked(&stage).await[0].payment != "earned" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let got = stage.app.expect(&paying(&path, &signed), 200).await;
        assert_eq!(receipt(&got).amount.unwrap().to_string(), "3500");
        assert_eq!(got.headers["x-farebox-replayed"], "true");
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - 3_500);
        assert_eq!(booked(&stage).await, [Booked::new(3_500, "settled", "charged", 3_500)]);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_client_of_upto_pays_what_was_used() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, 1_000_000, false).await else { return };
    let mut taken = 0;
    for (path, cost) in [("/told/0.0035", 3_500), ("/told/0", 0), ("/ok", UNTOLD)] {
        let url = format!("{}{METERED}{path}", stage.app.base);
        let Some(said) = paid("v2-upto.mjs", &url).await else { return };
        assert_eq!(said["status"], 200, "{path}: {said}");
        assert_eq!((&said["receipt"]["success"], &said["receipt"]["amount"]), (&json!(true), &json!(cost.to_string())));
        taken += cost;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - taken, "{path}");
    }
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}
