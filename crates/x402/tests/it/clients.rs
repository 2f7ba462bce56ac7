//! Payments of the npm clients are taken; our challenge is the one that they answered; our client is taken too.

use alloy_primitives::U256;
use farebox_base::Micros;
use farebox_x402::client::{ChannelBook, ClientError, DepositChoice, Preferences, Required, read_receipt};
use farebox_x402::extension::identifier::{self, PaymentIdentifier};
use farebox_x402::network::Method;
use farebox_x402::offer::{Offer, Scheme};
use farebox_x402::verify::{ChannelState, Kind, Limits, Verified, check_voucher_continues, verify_local};
use farebox_x402::wire::{Challenge, Complaint, Object, PaymentHeader, SettlementResponse, payload_of};
use farebox_x402::{check_echo, match_offer};
use serde_json::{Value, json};

use crate::given::{self, PAYER, exact, now, offers, vector};

fn take(offers: &[Offer], value: &str) -> Verified {
    let header = PaymentHeader::decode(value).unwrap();
    let (offer, payment) = match_offer(offers, &header).unwrap();
    let sent = match &header {
        PaymentHeader::V1(payload) => payload.payload(),
        PaymentHeader::V2(payload) => payload.payload(),
    };
    let same_case = |object: &Object| Value::Object(object.clone()).to_string().to_lowercase();
    let (ours, theirs): (Value, Value) = (
        serde_json::from_str(&same_case(&payload_of(&payment))).unwrap(),
        serde_json::from_str(&same_case(sent.unwrap())).unwrap(),
    );
    assert_eq!(ours, theirs, "what is read is written the same");
    verify_local(offer, &payment, now(), &Limits::default()).unwrap()
}

#[test]
fn every_payment_of_a_published_client_is_taken() {
    for (name, kind) in [
        ("v2 exact eip3009", Kind::Transfer),
        ("v2 exact permit2", Kind::Permit),
        ("v2 upto", Kind::Upto),
        ("v2 exact with identifier", Kind::Transfer),
        ("v1 exact by x402-fetch", Kind::Transfer),
        ("v1 exact by @x402/fetch", Kind::Transfer),
    ] {
        let verified = take(&offers(), vector(name));
        assert_eq!((verified.payer, verified.amount, verified.kind), (PAYER, U256::from(10_000), kind), "{name}");
        assert_eq!(verified.valid_before_s, Some(now().seconds() + 60), "{name}");
    }
}

#[test]
fn vouchers_and_deposits_of_the_published_client_are_taken_and_continue_their_channel() {
    let channel = given::VECTORS["channelId"].as_str().unwrap();
    let voucher = take(&offers(), vector("v2 batch voucher"));
    let Kind::Voucher { channel: id, max_claimable: 40_000 } = voucher.kind else { panic!("{:?}", voucher.kind) };
    assert_eq!(id.get().to_string(), channel);
    let state = ChannelState { balance: U256::from(1_000_000), total_claimed: U256::ZERO, charged: U256::from(30_000) };
    check_voucher_continues(&state, 40_000, voucher.amount).unwrap();
    for name in ["v2 batch deposit eip3009", "v2 batch deposit permit2"] {
        let deposit = take(&offers(), vector(name));
        assert!(
            matches!(deposit.kind, Kind::Deposit { max_claimable: 10_000, deposit, .. } if deposit == U256::from(50_000)),
            "{name}"
        );
    }
}

#[test]
fn the_identifier_of_a_published_client_is_read_and_its_echo_passes() {
    let header = PaymentHeader::decode(vector("v2 exact with identifier")).unwrap();
    assert_eq!(identifier::read(&header, true).unwrap().unwrap().as_str(), "pay_0123456789abcdef");
    let mut advertised = Object::new();
    advertised.insert(identifier::KEY.into(), identifier::extension(true));
    check_echo(&advertised, &header, &[]).unwrap();
    advertised.insert(identifier::KEY.into(), identifier::extension(false));
    assert!(check_echo(&advertised, &header, &[]).is_err());
}

#[test]
fn the_challenge_is_the_one_that_the_published_clients_answered_and_names_in_version_2_what_is_signed() {
    let resource = given::resource();
    let offers = [exact()];
    let challenge =
        Challenge { offers: &offers, resource: &resource, extensions: Object::new(), complaint: Complaint::Unpaid };
    let asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
    let pay_to = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    let domain = json!({ "name": "USDC", "version": "2" });
    // Payments need not repeat the name: those of the published clients are taken without it.
    let extra = json!({ "name": "USDC", "version": "2", "primaryType": "TransferWithAuthorization" });
    assert_eq!(
        serde_json::to_value(challenge.v2()).unwrap(),
        json!({
            "x402Version": 2,
            "error": "payment_required",
            "resource": { "url": given::URL, "description": "The weather now", "mimeType": "application/json" },
            "accepts": [{
                "scheme": "exact", "network": "eip155:84532", "amount": "10000", "asset": asset, "payTo": pay_to,
                "maxTimeoutSeconds": 60, "extra": extra,
            }],
        })
    );
    assert_eq!(
        serde_json::from_slice::<Value>(&challenge.v1_body().unwrap()).unwrap(),
        json!({
            "x402Version": 1,
            "error": "X-PAYMENT header is required",
            "accepts": [{
                "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": "10000", "resource": given::URL,
                "description": "The weather now", "mimeType": "application/json", "payTo": pay_to,
                "maxTimeoutSeconds": 60, "asset": asset, "extra": domain,
            }],
        })
    );
}

#[test]
fn version_1_is_only_offered_what_it_can_pay() {
    let (resource, offers) = (given::resource(), offers());
    let challenge =
        Challenge { offers: &offers, resource: &resource, extensions: Object::new(), complaint: Complaint::Unpaid };
    assert_eq!(challenge.v2().accepts.len(), 5);
    assert_eq!(challenge.v1().accepts.len(), 1);
}

fn required(offers: &[Offer], extensions: Object) -> Required {
    let resource = given::resource();
    let challenge = Challenge { offers, resource: &resource, extensions, complaint: Complaint::Unpaid };
    let (header, body) = (challenge.v2_header().unwrap(), challenge.v1_body().unwrap());
    Required::read(402, |name| (name == "payment-required").then_some(header.as_str()), &body).unwrap()
}

#[test]
fn our_client_pays_every_offer_that_it_is_given() {
    let key = given::key();
    for offer in [exact(), given::permit2(), given::upto()] {
        let preferences = Preferences { schemes: Scheme::ALL.to_vec(), ..Preferences::up_to(Micros::new(10_000)) };
        let offers = [offer];
        let choice = required(&offers, Object::new()).choose(&given::networks(), &preferences).unwrap();
        let signed = choice.sign(&key, [3; 32], now(), None).unwrap();
        assert_eq!((signed.name, take(&offers, &signed.value).payer), ("payment-signature", PAYER));
    }
    let v1 = Preferences { prefers_v1: true, ..Preferences::up_to(Micros::new(10_000)) };
    let choice = required(&offers(), Object::new()).choose(&given::networks(), &v1).unwrap();
    let signed = choice.sign(&key, [4; 32], now(), None).unwrap();
    assert_eq!((signed.name, take(&offers(), &signed.value).payer), ("x-payment", PAYER));
}

#[test]
fn our_client_pays_from_channels() {
    let key = given::key();
    let preferences = Preferences { schemes: vec![Scheme::BatchSettlement], ..Preferences::up_to(Micros::new(10_000)) };
    for method in [Method::Eip3009, Method::Permit2] {
        let offers = [given::batch(method)];
        let choice = required(&offers, Object::new()).choose(&given::networks(), &preferences).unwrap();
        let empty = ChannelBook::default();
        assert_eq!(choice.sign_voucher(&key, &empty).unwrap_err(), ClientError::ChannelTooSmall);
        assert_eq!(choice.sign(&key, [5; 32], now(), None).unwrap_err(), ClientError::NeedsChannel);
        let deposit = DepositChoice { amount: U256::from(50_000), nonce: [6; 32] };
        let signed = choice.sign_deposit(&key, &empty, deposit, now()).unwrap();
        assert!(matches!(take(&offers, &signed.value).kind, Kind::Deposit { .. }));
        let filled = ChannelBook { balance: U256::from(50_000), charged: U256::from(10_000), ..empty };
        let signed = choice.sign_voucher(&key, &filled).unwrap();
        assert!(matches!(take(&offers, &signed.value).kind, Kind::Voucher { max_claimable: 20_000, .. }));
    }
}

#[test]
fn our_client_names_its_payment_where_the_server_asks_for_it() {
    let mut advertised = Object::new();
    advertised.insert(identifier::KEY.into(), identifier::extension(true));
    let choice = required(&offers(), advertised.clone())
        .choose(&given::networks(), &Preferences::up_to(Micros::new(10_000)))
        .unwrap();
    let id = PaymentIdentifier::parse("pay_fedcba9876543210").unwrap();
    let signed = choice.sign(&given::key(), [7; 32], now(), Some(&id)).unwrap();
    let header = PaymentHeader::decode(&signed.value).unwrap();
    assert_eq!(identifier::read(&header, true).unwrap(), Some(id));
    check_echo(&advertised, &header, &[]).unwrap();
}

#[test]
fn our_client_signs_nothing_beyond_its_limit_or_for_what_it_does_not_know() {
    let choose = |preferences: &Preferences| {
        required(&offers(), Object::new()).choose(&given::networks(), preferences).map(|_| ()).unwrap_err()
    };
    let (asked, limit) = (Micros::new(10_000), Micros::new(9_999));
    assert_eq!(choose(&Preferences::up_to(limit)), ClientError::TooMuch { asked, limit });
    let elsewhere = Preferences { chains: vec![farebox_x402::network::ChainId::new(1)], ..Preferences::up_to(asked) };
    assert!(matches!(choose(&elsewhere), ClientError::NoOffer(_)));
    let other_token = Preferences { symbol: Some("EURC".into()), ..Preferences::up_to(asked) };
    assert!(matches!(choose(&other_token), ClientError::NoOffer(_)));
    let unknown = farebox_x402::network::Networks::default();
    let all = required(&offers(), Object::new()).choose(&unknown, &Preferences::up_to(asked));
    assert!(matches!(all, Err(ClientError::NoOffer(_))));
    assert_eq!(Required::read(200, |_| None, b"").unwrap_err(), ClientError::NotPaymentRequired(200));
    assert!(matches!(Required::read(402, |_| None, b"{}"), Err(ClientError::Unreadable(_))));
}

#[test]
fn a_receipt_is_read_from_the_header_of_either_version() {
    let receipt = SettlementResponse::settled("eip155:84532", PAYER, None, None);
    let value = receipt.header().unwrap();
    for name in ["payment-response", "x-payment-response"] {
        let read = read_receipt(|asked| (asked == name).then_some(value.as_str())).unwrap();
        assert_eq!(read.as_ref(), Some(&receipt));
    }
    assert_eq!(read_receipt(|_| None).unwrap(), None);
    assert!(read_receipt(|_| Some("%%%")).is_err());
}

#[test]
fn of_two_tokens_a_payment_of_version_1_takes_the_one_that_it_signed_for() {
    use farebox_x402::network::{Network, NetworkSettings, TokenSettings};
    use std::sync::Arc;
    let token = |address: &str| TokenSettings {
        address: address.into(),
        symbol: "USDC".into(),
        decimals: 6,
        name: "USDC".into(),
        version: "2".into(),
        has_eip3009: true,
    };
    let tokens =
        vec![token("0x90F79bf6EB2c4f870365E785982E1f101E93b906"), token("0x036CbD53842c5426634e7929541eC2318f3dCF7e")];
    let settings = NetworkSettings { chain_id: 84532, name: "Base Sepolia".into(), tokens };
    let network = Arc::new(Network::new(settings).unwrap());
    let offers: Vec<Offer> = network
        .tokens()
        .iter()
        .map(|token| {
            let like = exact();
            Offer::new(Arc::clone(&network), Arc::clone(token), like.amount, like.pay_to, 60, like.terms).unwrap()
        })
        .collect();
    let header = PaymentHeader::decode(vector("v1 exact by x402-fetch")).unwrap();
    let (offer, _) = match_offer(&offers, &header).unwrap();
    assert_eq!(offer.token().address(), network.tokens()[1].address());
    assert_eq!(take(&offers, vector("v1 exact by x402-fetch")).payer, PAYER);
}
