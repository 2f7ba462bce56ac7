//! What a 402 and a receipt of our own listings say beyond the payment, judged by the published validators; and what pages of
//! other origins may see of it.

use super::scripts::{SCRIPTS, paid};
use super::stage::{FORTUNE, PRICE, Stage, gas_wallet, paying};
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_x402::client::read_receipt;
use farebox_x402::wire::SettlementResponse;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A listing that describes its endpoints.
async fn listed(stage: &Stage) {
    let endpoints = json!({ "endpoints": [
        {
            "method": "GET", "path": "/slow/{ms}", "description": "Waits before it answers",
            "query_params": [{ "name": "loud", "param_type": "boolean", "required": true, "example": "true" }],
            "example_response": { "waited": 1 },
        },
        {
            "method": "POST", "path": "/echo", "request_content_type": "application/json",
            "request_body": { "type": "object", "properties": { "q": { "type": "string" } }, "required": ["q"] },
            "example_request": { "q": "why" },
        },
    ] });
    stage.app.expect(&stage.app.listing(&stage.seller, "described", "0.01", &endpoints), 201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_receipts_and_endpoints_are_what_the_published_validators_accept() {
    if SCRIPTS.folder().is_none() {
        return;
    }
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[("x402.sign_offers", "true")]).await else { return };
    listed(&stage).await;
    let url = format!("{}/publishers/described/slow/1?loud=true", stage.app.base);
    let said = paid("v2-extensions.mjs", &url).await.unwrap();
    assert_eq!((&said["status"], &said["settled"]), (&200.into(), &true.into()), "{said}");
    assert_eq!(said["bazaarErrors"], json!([]), "{said}");
    assert_eq!(said["bazaar"]["routeTemplate"], "/publishers/described/slow/:ms");
    let signer: Value = gas_wallet().to_string().into();
    let offers = said["offerSigners"].as_array().unwrap();
    assert_eq!(offers.len(), usize::try_from(said["accepts"].as_u64().unwrap()).unwrap());
    assert!(offers.iter().all(|offer| *offer == signer), "{said}");
    assert_eq!(said["receiptSigner"], signer);
    assert!(said["receiptMatches"].as_array().unwrap().iter().all(|matches| *matches == true), "{said}");
    assert!(said["headerBytes"].as_u64().unwrap() < 6_144, "{said}");
    assert_eq!(stage.balance(gas_wallet()).await, PRICE);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_for_here_is_in_the_catalogue_as_its_seller_describes_it() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        listed(&stage).await;
        for path in ["/publishers/described/slow/1?loud=true", "/publishers/described/slow/2"] {
            let signed = stage.signed(path).await;
            stage.app.expect(&paying(path, &signed), 200).await;
        }
        let got = catalogue_of(&stage, 1).await;
        assert_eq!(got.at("/items/0/resource"), format!("{}/publishers/described/slow/:ms", stage.app.base));
        assert_eq!(got.at("/items/0/description"), "Waits before it answers");
        assert_eq!(got.at("/items/0/serviceName"), "described");
        assert_eq!(got.at("/items/0/accepts/0/payTo"), gas_wallet().to_string());
        assert_eq!(got.at("/items/0/extensions/bazaar/info/input/queryParams/loud"), "true");
    }
}

/// The catalogue, once it has so many resources.
async fn catalogue_of(stage: &Stage, resources: usize) -> Got {
    for _ in 0..1_000 {
        let got = stage.app.expect(&Ask::get("/facilitator/discovery/resources"), 200).await;
        if got.at("/pagination/total") == resources.to_string() {
            return got;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the catalogue has not {resources} resources after ten seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_that_is_switched_off() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[("x402.sign_receipts", "false")]).await else { return };
    let path = "/publishers/things/ok";
    let asked = stage.app.expect(&Ask::get(path), 402).await;
    let signed = stage.sign(&asked);
    let receipt = receipt(&stage.app.expect(&paying(path, &signed), 200).await);
    assert!(receipt.success && receipt.extensions.is_none(), "{receipt:?}");
    let required = farebox_x402::wire::decode_base64_json(asked.header("payment-required")).unwrap();
    assert!(required["extensions"].get("offer-receipt").is_none(), "{required}");
    assert!(required["extensions"].get("bazaar").is_none(), "{required}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_who_fails_leaves_a_receipt_that_says_that_nothing_was_taken() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let away = json!({ "api_url": "http://127.0.0.1:9" });
    let away = stage.app.ask(&stage.app.listing(&stage.seller, "away", "0.01", &away)).await;
    let mut failing = vec![("/publishers/things/status/500", 500), ("/publishers/things/status/404", 404)];
    if away.status.as_u16() == 201 {
        failing.push(("/publishers/away/ok", 502));
    }
    for (path, status) in failing {
        let signed = stage.signed(path).await;
        let receipt = receipt(&stage.app.expect(&paying(path, &signed), status).await);
        assert_eq!((receipt.success, receipt.transaction.as_str()), (false, ""), "{path}");
        assert_eq!(receipt.error_reason.as_deref(), Some("resource_failed"));
        assert!(receipt.error_message.unwrap().contains("nothing was taken"));
        assert_eq!(receipt.network, "eip155:84532");
        assert!(receipt.extensions.is_none());
    }
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
}

fn receipt(got: &Got) -> SettlementResponse {
    read_receipt(|name| got.headers.get(name).and_then(|value| value.to_str().ok())).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_can_see_what_to_pay_and_send_it() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let proxied = format!("/api/v1/proxy/{}/ok", stage.app.list(&stage.seller, "others", "0.01").await.1);
    for path in ["/publishers/things/ok", &proxied] {
        let page = "https://app.example";
        let preflight = Ask::new(Method::OPTIONS, path).with("Origin", page);
        let preflight = preflight.with("Access-Control-Request-Method", "GET");
        let preflight = preflight.with("Access-Control-Request-Headers", "payment-signature");
        let allowed = stage.app.expect(&preflight, 204).await;
        assert!(allowed.header("access-control-allow-headers").contains("PAYMENT-SIGNATURE"), "{path}");
        let asked = stage.app.expect(&Ask::get(path).with("Origin", page), 402).await;
        let signed = stage.sign(&asked);
        let served = stage.app.expect(&paying(path, &signed).with("Origin", page), 200).await;
        for (got, needed) in [(&asked, "PAYMENT-REQUIRED"), (&served, "PAYMENT-RESPONSE")] {
            assert_eq!(got.header("access-control-allow-origin"), "*");
            assert!(got.header("access-control-expose-headers").contains(needed));
            assert!(!got.headers.contains_key("access-control-allow-credentials"));
        }
    }
}
