//! Each rule of a payment, broken alone, has its reason.

use alloy_primitives::U256;
use farebox_base::Timestamp;
use farebox_x402::offer::Offer;
use farebox_x402::verify::{Limits, verify_local};
use farebox_x402::wire::PaymentHeader;
use farebox_x402::{Reason, match_offer};
use serde_json::{Value, json};

use crate::given::{exact, now, offers, permit2, upto, vector};

/// A vector's payment with one value changed.
pub fn changed(name: &str, pointer: &str, value: Value) -> Value {
    let header = PaymentHeader::decode(vector(name)).unwrap();
    let mut json = header.json().clone();
    *json.pointer_mut(pointer).unwrap_or_else(|| panic!("{name} has no {pointer}")) = value;
    json
}

fn refusal_at(offers: &[Offer], json: Value, now: Timestamp) -> Reason {
    let refused = PaymentHeader::from_json(json).and_then(|header| {
        let (offer, payment) = match_offer(offers, &header)?;
        verify_local(offer, &payment, now, &Limits::default())
    });
    let refusal = refused.expect_err("it is taken");
    assert!(!refusal.message.is_empty() && refusal.message.len() < 1000, "{refusal}");
    refusal.reason
}

pub fn check(name: &str, offers: &[Offer], cases: &[(&str, Value, Reason)]) {
    for (pointer, value, reason) in cases {
        let json = changed(name, pointer, value.clone());
        assert_eq!(refusal_at(offers, json, now()), *reason, "{name}: {pointer} = {value}");
    }
}

/// Another byte in the middle of a signature.
pub fn bent(name: &str, pointer: &str) -> Value {
    let header = PaymentHeader::decode(vector(name)).unwrap();
    let text = header.json().pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let digit = if &text[20..21] == "a" { "b" } else { "a" };
    json!(format!("{}{digit}{}", &text[..20], &text[21..]))
}

pub const ANYONE: &str = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

#[test]
fn terms_that_were_not_offered_are_refused_with_the_first_that_differs() {
    check(
        "v2 exact eip3009",
        &offers(),
        &[
            ("/x402Version", json!(3), Reason::InvalidVersion),
            ("/x402Version", json!("2"), Reason::InvalidVersion),
            ("/accepted/scheme", json!("deferred"), Reason::UnsupportedScheme),
            ("/accepted/network", json!("eip155:1"), Reason::InvalidNetwork),
            ("/accepted/network", json!("base-sepolia"), Reason::InvalidNetwork),
            ("/accepted/asset", json!(ANYONE), Reason::InvalidRequirements),
            ("/accepted/asset", json!("usdc"), Reason::InvalidRequirements),
            ("/accepted/payTo", json!(ANYONE), Reason::InvalidRequirements),
            ("/accepted/amount", json!("9999"), Reason::InvalidRequirements),
            ("/accepted/amount", json!("1e4"), Reason::InvalidPayload),
            ("/accepted/amount", json!("-1"), Reason::InvalidPayload),
            ("/accepted/maxTimeoutSeconds", json!(61), Reason::InvalidRequirements),
            ("/accepted/extra/name", json!("USD Coin"), Reason::InvalidRequirements),
            ("/accepted/extra", json!(null), Reason::InvalidRequirements),
            (
                "/accepted/extra",
                json!({ "name": "USDC", "version": "2", "paymentFlow": "upfront" }),
                Reason::InvalidRequirements,
            ),
            ("/accepted", json!(null), Reason::InvalidPayload),
            ("/payload", json!(null), Reason::InvalidPayload),
            ("/payload", json!({}), Reason::InvalidPayload),
        ],
    );
    check("v2 exact eip3009", &[upto()], &[("/accepted/scheme", json!("exact"), Reason::InvalidScheme)]);
    check("v2 exact eip3009", &[], &[("/accepted/scheme", json!("exact"), Reason::InvalidScheme)]);
}

#[test]
fn a_time_that_is_too_long_is_named_as_it_came() {
    let asked = changed("v2 exact eip3009", "/accepted/maxTimeoutSeconds", json!(999_999));
    let refusal = match_offer(&offers(), &PaymentHeader::from_json(asked).unwrap()).unwrap_err();
    assert_eq!(refusal.message, "maxTimeoutSeconds: expected 60, got 999999");
}

#[test]
fn additions_to_the_accepted_terms_and_other_spellings_are_taken() {
    for (pointer, value) in [
        ("/accepted/extra", json!({ "name": "USDC", "version": "2", "more": [1] })),
        ("/accepted/asset", json!("0x036cbd53842c5426634e7929541ec2318f3dcf7e")),
        ("/accepted/amount", json!(10_000)),
        ("/accepted/maxTimeoutSeconds", json!("60")),
        ("/payload/authorization/value", json!(10_000)),
        ("/resource", json!(null)),
    ] {
        let header = PaymentHeader::from_json(changed("v2 exact eip3009", pointer, value)).unwrap();
        let offers = offers();
        let (offer, payment) = match_offer(&offers, &header).unwrap();
        verify_local(offer, &payment, now(), &Limits::default()).unwrap();
    }
}

#[test]
fn every_rule_of_eip3009_has_its_reason() {
    let authorization = |field: &str| format!("/payload/authorization/{field}");
    let field = |name: &str| Box::leak(authorization(name).into_boxed_str()) as &str;
    let (soon, late) = (now().seconds() + 5, now().seconds() + 90_000);
    let cases = [
        (field("to"), json!(ANYONE), Reason::ExactRecipientMismatch),
        (field("value"), json!("9999"), Reason::ExactValueMismatch),
        (field("value"), json!("10001"), Reason::ExactValueMismatch),
        (field("value"), json!(U256::MAX.to_string()), Reason::ExactValueMismatch),
        (field("validAfter"), json!((now().seconds() + 1).to_string()), Reason::ExactValidAfter),
        (field("validBefore"), json!(soon.to_string()), Reason::ExactValidBefore),
        (field("validBefore"), json!(late.to_string()), Reason::ExactValidBefore),
        (field("validBefore"), json!(U256::MAX.to_string()), Reason::ExactValidBefore),
        (field("from"), json!(ANYONE), Reason::ExactSignature),
        (field("nonce"), json!(format!("0x{}", "11".repeat(32))), Reason::ExactSignature),
        (field("validBefore"), json!((now().seconds() + 61).to_string()), Reason::ExactSignature),
        (field("from"), json!("0x12"), Reason::InvalidPayload),
        (field("nonce"), json!("0x12"), Reason::InvalidPayload),
        (field("value"), serde_json::from_str("15e-1").unwrap_or_default(), Reason::InvalidPayload),
        (field("value"), json!("9".repeat(79)), Reason::InvalidPayload),
        (field("value"), json!(null), Reason::InvalidPayload),
        ("/payload/signature", json!("0x"), Reason::ExactSignature),
        ("/payload/signature", json!("0xzz"), Reason::ExactSignature),
        ("/payload/signature", json!(7), Reason::InvalidPayload),
        ("/payload/signature", json!(format!("0x{}", "ab".repeat(70))), Reason::ExactSignature),
        (
            "/payload/signature",
            json!(format!("0x{}{}", "ab".repeat(70), "6492".repeat(16))),
            Reason::ExactUndeployedSmartWallet,
        ),
        ("/payload/signature", bent("v2 exact eip3009", "/payload/signature"), Reason::ExactSignature),
    ];
    check("v2 exact eip3009", &[exact()], &cases);
    check("v1 exact by x402-fetch", &[exact()], &cases);
    check(
        "v1 exact by x402-fetch",
        &[exact()],
        &[
            ("/network", json!("base"), Reason::InvalidNetwork),
            ("/network", json!("eip155:84532"), Reason::InvalidNetwork),
            ("/scheme", json!("upto"), Reason::InvalidScheme),
            ("/scheme", json!("nothing"), Reason::UnsupportedScheme),
            ("/scheme", json!(null), Reason::InvalidPayload),
            ("/payload", json!([]), Reason::InvalidPayload),
        ],
    );
    let expired = changed("v2 exact eip3009", "/x402Version", json!(2));
    let later = Timestamp::from_micros(now().micros() + 60_000_000);
    assert_eq!(refusal_at(&[exact()], expired, later), Reason::ExactValidBefore);
}

#[test]
fn every_rule_of_permit2_has_its_reason() {
    let common = [
        ("/payload/permit2Authorization/spender", json!(ANYONE), Reason::Permit2Spender),
        ("/payload/permit2Authorization/permitted/token", json!(ANYONE), Reason::Permit2TokenMismatch),
        ("/payload/permit2Authorization/permitted/amount", json!("9999"), Reason::Permit2AmountMismatch),
        ("/payload/permit2Authorization/permitted/amount", json!("10001"), Reason::Permit2AmountMismatch),
        ("/payload/permit2Authorization/witness/to", json!(ANYONE), Reason::Permit2RecipientMismatch),
        ("/payload/permit2Authorization/witness/validAfter", json!("1790000001"), Reason::Permit2NotYetValid),
        ("/payload/permit2Authorization/deadline", json!("1790000005"), Reason::Permit2DeadlineExpired),
        ("/payload/permit2Authorization/deadline", json!("1890000000"), Reason::Permit2DeadlineExpired),
        ("/payload/permit2Authorization/deadline", json!("1790000061"), Reason::Permit2Signature),
        ("/payload/permit2Authorization/nonce", json!("1"), Reason::Permit2Signature),
        ("/payload/permit2Authorization/from", json!(ANYONE), Reason::Permit2Signature),
        ("/payload/permit2Authorization/witness", json!(null), Reason::InvalidPayload),
        ("/payload/signature", json!("0x12"), Reason::Permit2Signature),
    ];
    check("v2 exact permit2", &[permit2()], &common);
    check("v2 upto", &[upto()], &common);
    let facilitator = "/payload/permit2Authorization/witness/facilitator";
    check("v2 upto", &[upto()], &[(facilitator, json!(ANYONE), Reason::UptoFacilitatorMismatch)]);
    let exact_signed = changed("v2 exact permit2", "/x402Version", json!(2))["payload"].clone();
    check("v2 exact eip3009", &[exact()], &[("/payload", exact_signed, Reason::UnsupportedPayloadType)]);
    let eip3009_signed = changed("v2 exact eip3009", "/x402Version", json!(2))["payload"].clone();
    check("v2 exact permit2", &[permit2()], &[("/payload", eip3009_signed, Reason::UnsupportedPayloadType)]);
}
