//! Queries of databases that a wallet pays for by signing, and nothing else.

use super::sql_stage::{SQL, credits_at, provider, query_of};
use super::stage::{FORTUNE, Stage, gas_wallet, now, sign};
use alloy_primitives::Address;
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_testkit::proxy::Fault;
use farebox_x402::client::{SignedHeader, read_receipt};
use farebox_x402::evm::SigningKey;
use farebox_x402::wire::{decode_base64_json, names};
use serde_json::{Value, json};
use std::time::Duration;

/// What three rows cost, in the token's smallest unit.
const THREE: u64 = 6_000;
const FIVE_SQL: &str = "SELECT name FROM city ORDER BY name LIMIT 5";
/// Counts as one row, and fails while it runs.
const FAILING: &str = "SELECT abs(-9223372036854775807 - 1) AS n";
/// Takes a while, and gives one row.
const SLOW: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600000) SELECT count(*) AS c FROM n";

async fn set(place: &TestDb, settings: &[(&str, &str)]) -> Option<(Stage, String)> {
    let stage = Stage::set(place, settings).await?;
    let provider = provider(&stage.app).await;
    Some((stage, provider))
}

fn ask(stage: &Stage, provider: &str, sql: &str) -> Ask {
    query_of(stage.payer.address(), provider, sql)
}

fn with(ask: &Ask, signed: &SignedHeader) -> Ask {
    ask.clone().with(signed.name, signed.value.clone())
}

/// Asks without paying, and signs what is asked for.
async fn signed(stage: &Stage, ask: &Ask) -> SignedHeader {
    stage.sign(&stage.app.expect(ask, 402).await)
}

fn complaint(got: &Got) -> Value {
    decode_base64_json(got.header(names::PAYMENT_REQUIRED)).unwrap()["error"].clone()
}

async fn paid_on_chain(stage: &Stage, amount: u64) {
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - amount);
    assert_eq!(stage.balance(gas_wallet()).await, amount);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_without_a_balance_signs_and_has_its_rows() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let ask = ask(&stage, &provider, SQL);
        let bill = stage.app.expect(&ask, 402).await;
        assert_eq!((bill.at("/x402Version"), bill.at("/accepts/0/maxAmountRequired")), ("1".into(), "6000".into()));
        assert_eq!(bill.at("/accepts/0/extra/estimatedCost"), "0.006000");
        assert_eq!(bill.at("/accepts/0/extra/eip712/chainId"), "84532");
        assert_eq!(bill.at("/accepts/0/extra/eip712/verifyingContract"), stage.token.address.to_string());
        assert_eq!((bill.at("/minimumRequired"), bill.at("/currentBalance")), ("0.006000".into(), "0.000000".into()));
        assert_eq!(bill.at("/depositEndpoint"), "/api/deposit");
        assert!(bill.text.contains("sign-in-with-x"), "{}", bill.text);
        let v2 = decode_base64_json(bill.header(names::PAYMENT_REQUIRED)).unwrap();
        assert_eq!((&v2["x402Version"], &v2["accepts"][0]["amount"]), (&2.into(), &"6000".into()));
        let got = stage.app.expect(&with(&ask, &stage.sign(&bill)), 200).await;
        assert_eq!((got.at("/rowCount"), got.at("/actualCost")), ("3".into(), "0.006000".into()));
        assert_eq!(got.at("/estimatedCost"), "0.006000");
        assert_eq!(got.at("/paymentRequestId"), bill.at("/accepts/0/extra/paymentRequestId"));
        let receipt = read_receipt(|name| got.headers.get(name).and_then(|value| value.to_str().ok()));
        let receipt = receipt.unwrap().unwrap();
        assert!(receipt.success);
        assert_eq!(got.at("/settlement/transaction"), receipt.transaction);
        assert_eq!(got.at("/settlement/payer"), stage.payer.address().to_string());
        paid_on_chain(&stage, THREE).await;
        assert_eq!(credits_at(&stage, &provider).await, "0.000000");
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_payment_sent_twenty_times_at_once_buys_one_query() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let ask = ask(&stage, &provider, SQL);
        let paying = with(&ask, &signed(&stage, &ask).await);
        let answers = futures_util::future::join_all((0..20).map(|_| stage.app.ask(&paying))).await;
        let (served, others): (Vec<&Got>, Vec<&Got>) = answers.iter().partition(|got| got.status.as_u16() == 200);
        assert_eq!(served.len(), 1);
        assert!(others.iter().all(|got| [402, 409].contains(&got.status.as_u16())));
        paid_on_chain(&stage, THREE).await;
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_fails_takes_nothing_and_its_payment_buys_another() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let failing = ask(&stage, &provider, FAILING);
        let signed = signed(&stage, &failing).await;
        let failed = stage.app.ask(&with(&failing, &signed)).await;
        assert!(![200, 402].contains(&failed.status.as_u16()), "{}", failed.text);
        paid_on_chain(&stage, 0).await;
        let got = stage.app.expect(&with(&ask(&stage, &provider, "SELECT 1 AS one"), &signed), 200).await;
        assert_eq!(got.at("/rows/0/one"), "1");
        paid_on_chain(&stage, 2_000).await;
        let spent = stage.app.expect(&with(&ask(&stage, &provider, "SELECT 2 AS two"), &signed), 402).await;
        assert_eq!(complaint(&spent), "invalid_exact_evm_nonce_already_used");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rows_leave_of_a_payment_is_the_wallets_balance() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let signed = signed(&stage, &ask(&stage, &provider, FIVE_SQL)).await;
        let three = ask(&stage, &provider, SQL);
        let got = stage.app.expect(&with(&three, &signed), 200).await;
        assert_eq!((got.at("/estimatedCost"), got.at("/actualCost")), ("0.010000".into(), "0.006000".into()));
        paid_on_chain(&stage, 10_000).await;
        assert_eq!(credits_at(&stage, &provider).await, "0.004000");
        let wallet = stage.payer.address();
        let history = stage.app.expect(&Ask::get(format!("/api/transactions/{wallet}")), 200).await;
        assert_eq!(
            (history.at("/transactions/0/amount"), history.at("/transactions/0/type")),
            ("0.004000".into(), "deposit".into())
        );
        // A wallet with too little is asked to sign, and one with enough too, unless it proves itself.
        let short = stage.app.expect(&three, 402).await;
        assert!(short.headers.contains_key(names::PAYMENT_REQUIRED) && short.text.contains("sign-in-with-x"));
        let enough = stage.app.expect(&ask(&stage, &provider, "SELECT 1 AS one"), 402).await;
        assert!(
            enough.at("/error").contains("SIGN-IN-WITH-X") && enough.text.contains("sign-in-with-x"),
            "{}",
            enough.text
        );
        assert_eq!(enough.at("/accepts/0/maxAmountRequired"), "2000");
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cost_more_than_was_signed_are_not_handed_over_and_the_next_bill_is_enough() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let low = signed(&stage, &ask(&stage, &provider, "SELECT 1 AS one")).await;
        let refused = stage.app.expect(&with(&ask(&stage, &provider, SQL), &low), 402).await;
        assert_eq!(complaint(&refused), "invalid_payment_requirements");
        assert_eq!(refused.at("/accepts/0/maxAmountRequired"), "6000");
        // What is no table can't be estimated: it counts as one row until it was run.
        let plan = ask(&stage, &provider, "EXPLAIN SELECT name FROM city ORDER BY name");
        let bill = stage.app.expect(&plan, 402).await;
        assert_eq!(bill.at("/accepts/0/maxAmountRequired"), "2000");
        let short = stage.app.expect(&with(&plan, &stage.sign(&bill)), 402).await;
        assert_eq!(complaint(&short), "invalid_payment_requirements");
        assert!(!short.text.contains("opcode"), "{}", short.text);
        paid_on_chain(&stage, 0).await;
        let enough = stage.app.expect(&plan, 402).await;
        assert_eq!(enough.at("/accepts/0/maxAmountRequired"), short.at("/accepts/0/maxAmountRequired"));
        let got = stage.app.expect(&with(&plan, &stage.sign(&enough)), 200).await;
        assert_eq!(got.at("/actualCost"), enough.at("/accepts/0/extra/estimatedCost"));
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_rows_takes_nothing() {
    let place = TestDb::all().await.remove(0);
    let Some((stage, provider)) = set(&place, &[]).await else { return };
    let none = ask(&stage, &provider, "SELECT name FROM city WHERE 1 = 0");
    let got = stage.app.expect(&with(&none, &signed(&stage, &none).await), 200).await;
    assert_eq!((got.at("/rowCount"), got.at("/actualCost")), ("0".into(), "0.000000".into()));
    assert!(!got.headers.contains_key(names::PAYMENT_RESPONSE));
    paid_on_chain(&stage, 0).await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_left_has_its_rows_once_for_the_same_payment() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let slow = ask(&stage, &provider, SLOW);
        let paying = with(&slow, &signed(&stage, &slow).await);
        let begun = async {
            while count(&stage, "SELECT COUNT(*) FROM payment").await == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            got = stage.app.ask(&paying) => panic!("served before it left: {}", got.text),
            () = begun => {}
        }
        stage.app.settled().await;
        paid_on_chain(&stage, 2_000).await;
        let got = stage.app.expect(&paying, 200).await;
        assert_eq!((got.at("/rows/0/c"), got.at("/actualCost")), ("600000".into(), "0.002000".into()));
        assert!(got.at("/settlement/transaction").starts_with("0x"));
        let again = stage.app.expect(&paying, 402).await;
        assert_eq!(complaint(&again), "invalid_exact_evm_nonce_already_used");
        paid_on_chain(&stage, 2_000).await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_a_silent_chain_left_pending_is_taken_up_with_its_rows_and_its_change() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::behind_proxy(&place, &[]).await else { return };
        let provider = provider(&stage.app).await;
        let signed = signed(&stage, &ask(&stage, &provider, FIVE_SQL)).await;
        let paying = with(&ask(&stage, &provider, SQL), &signed);
        stage.proxy.as_ref().unwrap().set(Fault::HangAfterBroadcast);
        let pending = stage.app.expect(&paying, 503).await;
        assert!(!pending.headers.contains_key(names::PAYMENT_REQUIRED), "it must not be signed again");
        assert!(!pending.text.contains("rows"), "{}", pending.text);
        stage.app.expect(&paying, 409).await;
        stage.proxy.as_ref().unwrap().set(Fault::None);
        for _ in 0..600 {
            if count(&stage, "SELECT COUNT(*) FROM payment WHERE state IN ('reserved', 'earned')").await == 0 {
                break;
            }
            stage.app.app.calls.payments_resume_alone(now()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let got = stage.app.expect(&paying, 200).await;
        assert_eq!((got.at("/rowCount"), got.at("/actualCost")), ("3".into(), "0.006000".into()));
        stage.app.expect(&paying, 402).await;
        paid_on_chain(&stage, 10_000).await;
        assert_eq!(credits_at(&stage, &provider).await, "0.004000");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settled_before_or_later_a_query_is_paid_once_too() {
    for settle in ["before", "later"] {
        for place in TestDb::all().await {
            let settings = [("x402.settle", settle), ("x402.later_max_usdc", "1")];
            let Some((stage, provider)) = set(&place, &settings).await else { return };
            let signed = signed(&stage, &ask(&stage, &provider, FIVE_SQL)).await;
            let paying = with(&ask(&stage, &provider, SQL), &signed);
            let got = stage.app.expect(&paying, 200).await;
            assert_eq!(got.at("/actualCost"), "0.006000");
            stage.app.settled().await;
            paid_on_chain(&stage, 10_000).await;
            assert_eq!(credits_at(&stage, &provider).await, "0.004000", "{settle}");
            stage.app.expect(&paying, 402).await;
            stage.app.assert_books_balance().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_statements_are_refused_before_anybody_signs_and_the_payer_is_the_wallet_that_is_named() {
    let place = TestDb::all().await.remove(0);
    let Some((stage, provider)) = set(&place, &[]).await else { return };
    stage.app.expect(&ask(&stage, &provider, "DROP TABLE city"), 403).await;
    stage.app.expect(&ask(&stage, &provider, "SELEC 1"), 400).await;
    let named = query_of(Address::repeat_byte(0x33), &provider, SQL);
    let refused = stage.app.expect(&with(&named, &signed(&stage, &named).await), 400).await;
    assert!(refused.at("/error").contains("agentWallet"), "{}", refused.text);
    let own = ask(&stage, &provider, SQL);
    let garbage = stage.app.expect(&own.clone().with("X-PAYMENT", "???"), 402).await;
    assert_eq!((garbage.at("/error"), complaint(&garbage)), ("invalid_payload".into(), "invalid_payload".into()));
    let poor = SigningKey::from_bytes([0x7a; 32]).unwrap();
    let ask = query_of(poor.address(), &provider, SQL);
    let bill = stage.app.expect(&ask, 402).await;
    let refused = stage.app.expect(&with(&ask, &sign(&bill, &poor, stage.nonce())), 402).await;
    assert_eq!(complaint(&refused), "insufficient_funds");
    paid_on_chain(&stage, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_door_sells_queries_to_wallets_too() {
    for place in TestDb::all().await {
        let Some((stage, _)) = set(&place, &[]).await else { return };
        let slug = stage.app.expect(&Ask::get("/publishers?search=Cities"), 200).await.at("/data/0/slug");
        let body = json!({ "query": "SELECT name FROM city ORDER BY name LIMIT $1", "params": [3] });
        let ask = Ask::post(format!("/publishers/{slug}"), body);
        let bill = stage.app.expect(&ask, 402).await;
        assert_eq!(bill.at("/accepts/0/maxAmountRequired"), "6000");
        let got = stage.app.expect(&with(&ask, &stage.sign(&bill)), 200).await;
        assert_eq!((got.at("/data/row_count"), got.header("x-farebox-amount")), ("3".into(), "0.006"));
        paid_on_chain(&stage, THREE).await;
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

async fn count(stage: &Stage, sql: &'static str) -> i64 {
    stage.app.app.db.one(sql, &[]).await.unwrap().unwrap().get(0).unwrap()
}
