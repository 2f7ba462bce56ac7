//! Samples of the SQL gateway door.

use farebox_api_types::sql_gateway::*;
use farebox_api_types::{DecimalNumber, Secret, Time};
use farebox_base::{Micros, Timestamp};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const AT: Time = Time(Timestamp::from_micros(1_773_914_400_000_000));
const AT_TEXT: &str = "2026-03-19T10:00:00.000000+00:00";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

#[test]
fn a_provider_registers_in_camel_case_and_its_connection_string_stays_hidden() {
    let body = json!({ "name": "DB", "email": "a@example.com", "walletAddress": "0xabc",
        "connectionString": "postgresql://u:hunter2@db/x" });
    let request: RegisterProviderRequest = serde_json::from_value(body).unwrap();
    assert!(!format!("{request:?}").contains("hunter2"));
    let reply = RegisterProviderResponse {
        provider: Provider {
            id: Uuid::nil(),
            name: request.name,
            email: request.email,
            wallet_address: request.wallet_address,
            provisioned_by_gateway: false,
            created_at: AT,
        },
        api_key: Secret::new("key".into()),
    };
    let expected = json!({ "provider": { "id": NIL, "name": "DB", "email": "a@example.com", "walletAddress": "0xabc",
        "provisionedByGateway": false, "createdAt": AT_TEXT }, "apiKey": "key" });
    assert_eq!(json!(reply), expected);
}

#[test]
fn prices_are_numbers_whose_digits_survive() {
    let read = |text: &str| serde_json::from_str::<SetPricingRequest>(text);
    let request = read(r#"{"basePricePer1000Rows": 1.10, "markupMultiplier": "2.0"}"#).unwrap();
    let reply = ProviderPricing {
        id: Uuid::nil(),
        provider_id: Uuid::nil(),
        base_price_per_1000_rows: request.base_price_per_1000_rows,
        markup_multiplier: request.markup_multiplier,
        created_at: AT,
        updated_at: AT,
    };
    let text = serde_json::to_string(&reply).unwrap();
    let expected = format!(
        r#"{{"id":"{NIL}","providerId":"{NIL}","basePricePer1000Rows":1.10,"markupMultiplier":2.0,"createdAt":"{AT_TEXT}","updatedAt":"{AT_TEXT}"}}"#
    );
    assert_eq!(text, expected);
    assert!(read(r#"{"basePricePer1000Rows": 1}"#).is_err());
}

#[test]
fn digits_and_the_field_at_fault_survive_the_way_in_which_bodies_are_read() {
    let read = |text: &str| {
        serde_path_to_error::deserialize::<_, SetPricingRequest>(&mut serde_json::Deserializer::from_str(text))
    };
    let request = read(r#"{"basePricePer1000Rows": 0.12345678901234567890, "markupMultiplier": 1}"#).unwrap();
    assert_eq!(request.base_price_per_1000_rows.as_str(), "0.12345678901234567890");
    let error = read(r#"{"basePricePer1000Rows": 1e3, "markupMultiplier": 1}"#).unwrap_err();
    assert_eq!(error.path().to_string(), "basePricePer1000Rows");
    assert!(error.inner().to_string().starts_with("must be a plain decimal number"), "{error}");
}

#[test]
fn a_price_is_asked_for_as_number_or_text_and_shown_as_a_number() {
    let type_of = |schema: schemars::Schema| schema.to_value()["properties"]["basePricePer1000Rows"]["type"].clone();
    assert_eq!(type_of(schemars::schema_for!(SetPricingRequest)), json!(["number", "string"]));
    assert_eq!(type_of(schemars::schema_for!(ProviderPricing)), json!("number"));
    assert_eq!(DecimalNumber::from(Micros::new(2_000_000)).as_str(), "2");
}

#[test]
fn a_query_names_its_provider_under_either_name_and_costs_six_digits() {
    for name in ["providerId", "publisherId"] {
        let body = json!({ "sql": "SELECT 1", "agentWallet": "0xabc", name: NIL });
        let request: SqlQueryRequest = serde_json::from_value(body).unwrap();
        assert_eq!(request.provider_id, Uuid::nil());
    }
    let reply = SqlQueryResponse {
        rows: vec![json!({ "n": 1 })],
        row_count: 1,
        estimated_cost: Micros::new(2_000).into(),
        actual_cost: Micros::new(1_000).into(),
        execution_time: SqlQueryResponse::execution_time_text(Duration::from_micros(45_900)),
        payment_request_id: None,
        settlement: None,
    };
    let expected = json!({ "rows": [{ "n": 1 }], "rowCount": 1, "estimatedCost": "0.002000",
        "actualCost": "0.001000", "executionTime": "45ms" });
    assert_eq!(json!(reply), expected);
}

#[test]
fn a_balance_that_never_changed_has_no_time_and_a_query_is_negative() {
    let balance = ProviderBalance {
        agent_wallet: "0xabc".into(),
        provider_id: Uuid::nil(),
        balance: Micros::ZERO.into(),
        updated_at: None,
    };
    let expected = json!({ "agentWallet": "0xabc", "providerId": NIL, "balance": "0.000000", "updatedAt": null });
    assert_eq!(json!(balance), expected);

    let query = GatewayTransaction {
        id: "t".into(),
        kind: GatewayTransactionKind::Query,
        amount: Micros::new(-1_000).into(),
        balance_before: Micros::new(3_000).into(),
        balance_after: Micros::new(2_000).into(),
        tx_hash: None,
        metadata: serde_json::Map::new(),
        timestamp: AT,
    };
    let expected = json!({ "id": "t", "type": "query", "amount": "-0.001000", "balanceBefore": "0.003000",
        "balanceAfter": "0.002000", "txHash": null, "metadata": {}, "timestamp": AT_TEXT });
    assert_eq!(json!(query), expected);
}

#[test]
fn a_catalog_entry_leaves_out_what_it_lacks() {
    let entry = CatalogEntry {
        id: Uuid::nil(),
        name: "Quotes".into(),
        publisher_type: CatalogKind::Database,
        resource_name: None,
        resource_description: None,
        price_per_call: Some(Micros::new(50_000).into()),
        categories: None,
        upstream_api_url: None,
        usage_example: None,
    };
    let expected = json!({ "id": NIL, "name": "Quotes", "publisherType": "database", "pricePerCall": "0.050000" });
    assert_eq!(json!(entry), expected);
}
