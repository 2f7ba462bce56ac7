//! What a 402 says to whom: why there is nothing to sign, that a deposit is none of the calls, and only the schemes that a
//! client has named.

use super::channels::{self, PATH};
use super::stage::{PRICE, Stage, gas_wallet, paying};
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_x402::wire::decode_base64_json;
use serde_json::{Value, json};

const SCHEMES: &str = "X-Farebox-Schemes";
/// Below `x402.least_usdc`, which is 0.0001.
const TINY: &str = "0.00001";
const WHY: &str = "the price of 0.00001 USDC is below the least amount of a transaction, 0.0001 USDC";

/// The offers for clients of version 2.
fn offers(got: &Got) -> Vec<Value> {
    let header = got.headers["payment-required"].to_str().unwrap();
    decode_base64_json(header).unwrap()["accepts"].as_array().unwrap().clone()
}

fn schemes(got: &Got) -> Vec<String> {
    offers(got).iter().map(|offer| offer["scheme"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_below_the_least_of_a_transaction_says_why_version_1_has_nothing_to_sign() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = channels::stage(&place, &[]).await else { return };
    let (_, id) = stage.app.list(&stage.seller, "grains", TINY).await;
    let platform = stage.app.expect(&Ask::get("/publishers/grains/ok"), 402).await;
    let market = stage.app.expect(&Ask::get(format!("/api/v1/proxy/{id}/ok")), 402).await;
    for (got, field) in [(&platform, "/message"), (&market, "/detail")] {
        let said = got.at(field);
        assert!(said.contains(WHY) && said.contains("by voucher"), "{said}");
        assert!(!said.contains("sign one of the offers"), "{said}");
        assert_eq!(got.at("/accepts"), "[]");
        assert_eq!(schemes(got), ["batch-settlement"], "clients of version 2 pay by voucher");
    }
    assert_eq!(platform.at("/error"), "payment_required");
    assert!(market.at("/error").contains(WHY), "{}", market.text);
    let usual = stage.app.expect(&Ask::get(PATH), 402).await;
    assert!(usual.at("/message").contains("or in `accepts` (version 1)"), "{}", usual.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_payment_can_be_signed_at_all_the_answer_is_401_and_says_why() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[("x402.channels", "false")]).await else { return };
    let (_, id) = stage.app.list(&stage.seller, "grains", TINY).await;
    for (path, field) in
        [("/publishers/grains/ok".to_owned(), "/message"), (format!("/api/v1/proxy/{id}/ok"), "/detail")]
    {
        let said = stage.app.expect(&Ask::get(path), 401).await.at(field);
        assert!(said.contains("No payment can be signed for this call") && said.contains("0.0001 USDC"), "{said}");
    }
    stage.app.list(&stage.seller, "gifts", "0").await;
    let free = stage.app.expect(&Ask::get("/publishers/gifts/ok"), 401).await;
    assert!(!free.text.contains("No payment can be signed"), "{}", free.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_is_asked_for_in_words_of_its_own_at_both_doors() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let platform = Ask::post("/wallet/deposit/crypto", json!({ "amount": "0.50", "publisher_id": stage.listing }));
    let gateway = Ask::post("/api/credits/deposit", json!({ "amount": "0.50" }));
    for (ask, field) in [(platform, "/message"), (gateway, "/error")] {
        let said = stage.app.expect(&ask, 402).await.at(field);
        assert!(said.starts_with("Sign this deposit"), "{said}");
        assert!(!said.contains("account with") && !said.contains("Pay for this call"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_names_the_schemes_it_knows_is_offered_only_those_and_its_seller_hears_nothing_of_it() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = channels::stage(&place, &[]).await else { return };
    let asked = async |named: &str| schemes(&stage.app.expect(&Ask::get(PATH).with(SCHEMES, named), 402).await);
    assert!(schemes(&stage.app.expect(&Ask::get(PATH), 402).await).contains(&"batch-settlement".to_owned()));
    for named in ["exact", "exact, upto", " upto ,exact,gift", "gift,exact"] {
        assert!(asked(named).await.iter().all(|scheme| scheme == "exact"), "{named}");
    }
    assert_eq!(asked("batch-settlement").await, ["batch-settlement"]);
    for named in ["", "gift", "upto", "Exact"] {
        let shown = asked(named).await;
        assert!(
            shown.contains(&"exact".to_owned()) && shown.contains(&"batch-settlement".to_owned()),
            "{named}: {shown:?}"
        );
    }
    let path = "/publishers/things/echo";
    let got = stage.app.expect(&Ask::get(path).with(SCHEMES, "exact"), 402).await;
    assert_eq!(offers(&got)[0]["extra"]["primaryType"], "TransferWithAuthorization");
    let paid = stage.app.expect(&paying(path, &stage.sign(&got)).with(SCHEMES, "exact"), 200).await;
    assert!(!paid.text.to_ascii_lowercase().contains("farebox-schemes"), "{}", paid.text);
    assert_eq!(stage.balance(gas_wallet()).await, PRICE);
}
