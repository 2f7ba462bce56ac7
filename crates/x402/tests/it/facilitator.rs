//! Requests to a facilitator, of both versions.

use alloy_primitives::U256;
use farebox_x402::verify::{Limits, verify_local};
use farebox_x402::wire::{BODY_BYTES_MAX, FacilitatorRequest};
use farebox_x402::{Reason, match_offer};
use serde_json::{Value, json};

use crate::given::{self, now, vector};
use crate::refusals::{ANYONE, changed};

#[test]
fn a_facilitator_reads_requests_of_both_versions_and_refuses_what_it_does_not_know() {
    let v2 = changed("v2 exact eip3009", "/x402Version", json!(2));
    let body = |payment: &Value, requirements: &Value| {
        json!({ "x402Version": 2, "paymentPayload": payment, "paymentRequirements": requirements }).to_string()
    };
    let good = v2["accepted"].clone();
    let request = FacilitatorRequest::from_json(body(&v2, &good).as_bytes()).unwrap();
    let offers = [request.requirements.offer(&given::networks()).unwrap()];
    let (offer, payment) = match_offer(&offers, &request.payment).unwrap();
    verify_local(offer, &payment, now(), &Limits::default()).unwrap();
    assert_eq!(request.to_json()["paymentPayload"], v2);
    for (pointer, value, reason) in [
        ("/network", json!("eip155:1"), Reason::InvalidNetwork),
        ("/asset", json!(ANYONE), Reason::InvalidRequirements),
        ("/scheme", json!("x"), Reason::UnsupportedScheme),
        ("/extra/name", json!("x"), Reason::ExactTokenName),
        ("/extra/version", json!("1"), Reason::ExactTokenVersion),
        ("/extra", json!(null), Reason::ExactMissingDomain),
        ("/payTo", json!("0x0000000000000000000000000000000000000000"), Reason::InvalidRequirements),
        ("/maxTimeoutSeconds", json!(0), Reason::InvalidRequirements),
        ("/amount", json!("x"), Reason::InvalidRequirements),
    ] {
        let mut requirements = good.clone();
        *requirements.pointer_mut(pointer).unwrap() = value;
        let refused = FacilitatorRequest::from_json(body(&v2, &requirements).as_bytes())
            .and_then(|request| request.requirements.offer(&given::networks()).map(|_| ()));
        assert_eq!(refused.unwrap_err().reason, reason, "{pointer}");
    }
    let v1 = vector("v1 exact by x402-fetch");
    let requirements = json!({
        "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": "10000", "resource": given::URL,
        "description": "", "mimeType": "", "payTo": good["payTo"], "maxTimeoutSeconds": 60, "asset": good["asset"],
        "extra": { "name": "USDC", "version": "2" },
    });
    let encoded = json!({ "paymentHeader": v1, "paymentRequirements": requirements }).to_string();
    let request = FacilitatorRequest::from_json(encoded.as_bytes()).unwrap();
    let offers = [request.requirements.offer(&given::networks()).unwrap()];
    assert!(match_offer(&offers, &request.payment).is_ok());
    for bad in ["", "[]", "{}", "{\"paymentPayload\":{}}"] {
        assert!(FacilitatorRequest::from_json(bad.as_bytes()).is_err());
    }
}

#[test]
fn a_settlement_of_upto_takes_what_was_used_and_never_more_than_was_accepted() {
    let payment = changed("v2 upto", "/x402Version", json!(2));
    let settle = |amount: &str| {
        let mut requirements = payment["accepted"].clone();
        requirements["amount"] = json!(amount);
        let body = json!({ "paymentPayload": payment, "paymentRequirements": requirements }).to_string();
        let request = FacilitatorRequest::from_json(body.as_bytes())?;
        let (offer, used) = request.settlement(&given::networks())?;
        let offers = [offer];
        let (offer, payment) = match_offer(&offers, &request.payment)?;
        verify_local(offer, &payment, now(), &Limits::default()).map(|verified| (verified.amount, used))
    };
    assert_eq!(settle("2350"), Ok((U256::from(10_000), U256::from(2_350))));
    assert_eq!(settle("0"), Ok((U256::from(10_000), U256::ZERO)));
    assert_eq!(settle("10001").unwrap_err().reason, Reason::UptoSettlementExceedsAmount);
}

#[test]
fn a_server_that_gives_a_month_is_served_as_if_it_gave_a_week() {
    let payment = changed("v2 exact eip3009", "/accepted/maxTimeoutSeconds", json!(2_592_000));
    let body = json!({ "paymentPayload": payment, "paymentRequirements": payment["accepted"] }).to_string();
    let request = FacilitatorRequest::from_json(body.as_bytes()).unwrap();
    let offers = [request.requirements.offer(&given::networks()).unwrap()];
    assert_eq!(offers[0].timeout_s, 604_800);
    assert!(match_offer(&offers, &request.payment).is_ok());
}

#[test]
fn a_body_beyond_the_limit_is_not_read() {
    let body = vec![b' '; BODY_BYTES_MAX + 1];
    assert_eq!(FacilitatorRequest::from_json(&body).unwrap_err().reason, Reason::PayloadTooLarge);
}
