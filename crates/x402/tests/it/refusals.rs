//! Each rule of a payment, broken alone, has its reason.

use alloy_primitives::U256;
use farebox_base::Timestamp;
use farebox_x402::network::Method;
use farebox_x402::offer::Offer;
use farebox_x402::verify::{ChannelState, Limits, check_voucher_continues, verify_local};
use farebox_x402::wire::{FacilitatorRequest, PaymentHeader};
use farebox_x402::{Reason, match_offer};
use serde_json::{Value, json};

use crate::given::{self, OTHER, VECTORS, batch, exact, now, offers, permit2, upto, vector};

/// A vector's payment with one value changed.
fn changed(name: &str, pointer: &str, value: Value) -> Value {
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

fn check(name: &str, offers: &[Offer], cases: &[(&str, Value, Reason)]) {
    for (pointer, value, reason) in cases {
        let json = changed(name, pointer, value.clone());
        assert_eq!(refusal_at(offers, json, now()), *reason, "{name}: {pointer} = {value}");
    }
}

/// Another byte in the middle of a signature.
fn bent(name: &str, pointer: &str) -> Value {
    let header = PaymentHeader::decode(vector(name)).unwrap();
    let text = header.json().pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let digit = if &text[20..21] == "a" { "b" } else { "a" };
    json!(format!("{}{digit}{}", &text[..20], &text[21..]))
}

const ANYONE: &str = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

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
        (field("value"), json!(1.5), Reason::InvalidPayload),
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

#[test]
fn every_rule_of_channels_has_its_reason() {
    let cases = [
        ("/payload/type", json!("claim"), Reason::ChannelPayloadType),
        ("/payload/channelConfig/payer", json!(ANYONE), Reason::ChannelIdMismatch),
        ("/payload/channelConfig/withdrawDelay", json!(900), Reason::ChannelIdMismatch),
        ("/payload/channelConfig/withdrawDelay", json!(1_u64 << 40), Reason::ChannelWithdrawDelayRange),
        ("/payload/voucher/channelId", json!(format!("0x{}", "11".repeat(32))), Reason::ChannelIdMismatch),
        ("/payload/voucher/maxClaimableAmount", json!("9999"), Reason::VoucherCumulativeMismatch),
        ("/payload/voucher/maxClaimableAmount", json!("40001"), Reason::VoucherSignature),
        ("/payload/voucher/maxClaimableAmount", json!(U256::MAX.to_string()), Reason::InvalidPayload),
        (
            "/payload/voucher/signature",
            bent("v2 batch voucher", "/payload/voucher/signature"),
            Reason::VoucherSignature,
        ),
    ];
    check("v2 batch voucher", &[batch(Method::Eip3009)], &cases);
    let deposit = "/payload/deposit/authorization/erc3009Authorization";
    let at = |field: &str| Box::leak(format!("{deposit}/{field}").into_boxed_str()) as &str;
    check(
        "v2 batch deposit eip3009",
        &[batch(Method::Eip3009)],
        &[
            (at("validBefore"), json!("1790000005"), Reason::DepositValidBefore),
            (at("validAfter"), json!("1790000001"), Reason::DepositValidAfter),
            (at("salt"), json!(format!("0x{}", "11".repeat(32))), Reason::DepositSignature),
            ("/payload/deposit/amount", json!("50001"), Reason::DepositSignature),
            ("/payload/deposit/amount", json!("0"), Reason::DepositTooSmall),
        ],
    );
    let permit = "/payload/deposit/authorization/permit2Authorization";
    let at = |field: &str| Box::leak(format!("{permit}/{field}").into_boxed_str()) as &str;
    check(
        "v2 batch deposit permit2",
        &[batch(Method::Permit2)],
        &[
            (at("spender"), json!(ANYONE), Reason::DepositPermit2Spender),
            (at("permitted/amount"), json!("1"), Reason::DepositPermit2Amount),
            (at("permitted/token"), json!(ANYONE), Reason::ChannelTokenMismatch),
            (at("witness/channelId"), json!(format!("0x{}", "11".repeat(32))), Reason::ChannelIdMismatch),
            (at("deadline"), json!("1790000005"), Reason::DepositPermit2Deadline),
            (at("nonce"), json!("1"), Reason::DepositPermit2Signature),
        ],
    );
}

#[test]
fn a_channel_of_other_parties_or_terms_is_refused() {
    let networks = given::networks();
    let network = networks.by_name("base-sepolia").unwrap();
    let header = PaymentHeader::decode(vector("v2 batch voucher")).unwrap();
    let offers = [batch(Method::Eip3009)];
    let (_, payment) = match_offer(&offers, &header).unwrap();
    let farebox_x402::payment::Payment::Voucher(signed) = payment else { panic!("no voucher") };
    let reason = |change: fn(&mut farebox_x402::evm::ChannelConfig)| {
        let mut signed = signed.clone();
        change(&mut signed.channel);
        signed.voucher.channel = signed.channel.id(network.channels());
        let payment = farebox_x402::payment::Payment::Voucher(signed);
        verify_local(&offers[0], &payment, now(), &Limits::default()).unwrap_err().reason
    };
    assert_eq!(reason(|channel| channel.receiver = OTHER), Reason::ChannelReceiverMismatch);
    assert_eq!(
        reason(|channel| channel.receiver_authorizer = channel.payer),
        Reason::ChannelReceiverAuthorizerMismatch
    );
    assert_eq!(reason(|channel| channel.token = OTHER), Reason::ChannelTokenMismatch);
    assert_eq!(reason(|channel| channel.withdraw_delay_s = 900), Reason::ChannelWithdrawDelayMismatch);
    assert_eq!(reason(|channel| channel.withdraw_delay_s = 899), Reason::ChannelWithdrawDelayRange);
    assert_eq!(reason(|channel| channel.payer_authorizer = OTHER), Reason::VoucherSignature);
}

#[test]
fn a_voucher_that_does_not_continue_its_channel_is_refused() {
    let state = |balance: u64, claimed: u64, charged: u64| ChannelState {
        balance: U256::from(balance),
        total_claimed: U256::from(claimed),
        charged: U256::from(charged),
    };
    let reason = |state: ChannelState, signed: u128| {
        check_voucher_continues(&state, signed, U256::from(10)).err().map(|refusal| refusal.reason)
    };
    assert_eq!(reason(state(100, 0, 20), 30), None);
    assert_eq!(reason(state(100, 0, 20), 20), Some(Reason::VoucherCumulativeMismatch), "the last one again");
    assert_eq!(reason(state(100, 0, 20), 31), Some(Reason::VoucherCumulativeMismatch));
    assert_eq!(reason(state(29, 0, 20), 30), Some(Reason::VoucherExceedsBalance));
    assert_eq!(reason(state(100, 30, 20), 30), Some(Reason::VoucherBelowClaimed));
}

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
    assert_eq!(VECTORS["now"], 1_790_000_000);
}
