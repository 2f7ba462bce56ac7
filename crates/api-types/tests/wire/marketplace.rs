//! Samples of the marketplace door.

use farebox_api_types::marketplace::*;
use farebox_api_types::{Secret, Time};
use farebox_base::{Micros, Role, Timestamp};
use serde_json::json;
use uuid::Uuid;

const AT: Time = Time(Timestamp::from_micros(1_773_914_400_000_000));

#[test]
fn a_key_is_asked_for_with_an_owner_alone() {
    let request: CreateKeyRequest = serde_json::from_value(json!({ "owner_id": "me", "surprise": 1 })).unwrap();
    assert_eq!((request.role, request.rate_limit, request.wallet_address), (KeyRole::Buyer, 60, None));
    let request: CreateKeyRequest = serde_json::from_value(json!({ "owner_id": "me", "rate_limit": "90" })).unwrap();
    assert_eq!(request.rate_limit, 90);
    let error = serde_json::from_value::<CreateKeyRequest>(json!({ "owner_id": "me", "role": "boss" })).unwrap_err();
    for word in ["`boss`", "`buyer`", "`provider`", "`admin`"] {
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(serde_json::from_value::<CreateKeyRequest>(json!({ "owner_id": 5 })).is_err(), "text is strict");
}

#[test]
fn roles_are_those_of_the_keys() {
    for role in [Role::Buyer, Role::Provider, Role::Admin] {
        assert_eq!(KeyRole::from(role).text(), role.text());
        assert_eq!(Role::from(KeyRole::from(role)), role);
    }
}

#[test]
fn a_new_key_shows_its_secret_and_a_valid_one_its_owner() {
    let created = KeyCreated {
        key_id: "fbx_0123456789abcdef".into(),
        secret: Secret::new("sec_xyz".into()),
        role: KeyRole::Provider,
        rate_limit: 60,
        message: "Keep it.".into(),
    };
    let expected = json!({ "key_id": "fbx_0123456789abcdef", "secret": "sec_xyz", "role": "provider",
        "rate_limit": 60, "message": "Keep it." });
    assert_eq!(json!(created), expected);
    let valid = KeyValidity { valid: true, owner_id: "me".into(), role: KeyRole::Buyer, rate_limit: 60 };
    assert_eq!(json!(valid), json!({ "valid": true, "owner_id": "me", "role": "buyer", "rate_limit": 60 }));
}

#[test]
fn a_service_is_registered_with_three_fields_and_shown_without_its_endpoint() {
    let body = json!({ "name": "S", "endpoint": "https://api.example.com", "price_per_call": "0.10" });
    let request: CreateServiceRequest = serde_json::from_value(body).unwrap();
    assert_eq!((request.payment_method, request.free_tier_calls), (PaymentMethod::X402, 0));
    assert!(
        serde_json::from_value::<CreateServiceRequest>(
            json!({ "name": "S", "endpoint": "https://api.example.com", "price_per_call": 0.1 })
        )
        .is_err()
    );

    let service = Service {
        id: Uuid::nil(),
        provider_id: "me".into(),
        name: "S".into(),
        description: String::new(),
        pricing: ServicePricing {
            price_per_call: "0.10".into(),
            currency: "USDC".into(),
            payment_method: PaymentMethod::X402,
            free_tier_calls: 0,
            reserve_max_charge: None,
            payment_order: None,
            payment_receiver: None,
        },
        status: ServiceStatus::Active,
        category: "ai".into(),
        tags: vec!["nlp".into()],
        created_at: AT,
        updated_at: AT,
    };
    let at = "2026-03-19T10:00:00.000000+00:00";
    let expected = json!({
        "id": "00000000-0000-0000-0000-000000000000", "provider_id": "me", "name": "S", "description": "",
        "pricing": { "price_per_call": "0.10", "currency": "USDC", "payment_method": "x402", "free_tier_calls": 0 },
        "status": "active", "category": "ai", "tags": ["nlp"], "created_at": at, "updated_at": at
    });
    assert_eq!(json!(service), expected);
}

#[test]
fn an_update_treats_null_as_left_out() {
    let update: UpdateServiceRequest = serde_json::from_value(json!({ "name": null, "status": "removed" })).unwrap();
    assert_eq!((update.name, update.status), (None, Some(ServiceStatus::Removed)));
}

#[test]
fn usage_is_money_as_text_and_latency_as_a_number() {
    let usage = BuyerUsage {
        buyer_id: "me".into(),
        total_calls: 42,
        total_spent_usd: Micros::new(2_100_000).into(),
        avg_latency_ms: 205.3,
    };
    let expected = json!({ "buyer_id": "me", "total_calls": 42, "total_spent_usd": "2.10", "avg_latency_ms": 205.3 });
    assert_eq!(json!(usage), expected);
}
