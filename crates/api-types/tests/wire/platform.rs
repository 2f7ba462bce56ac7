//! Samples of the platform door.

use farebox_api_types::platform::*;
use farebox_api_types::{Patch, Secret, Time};
use farebox_base::{Micros, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

const AT: Time = Time(Timestamp::from_micros(1_773_914_400_000_000));
const AT_TEXT: &str = "2026-03-19T10:00:00.000000+00:00";
const ID: Uuid = Uuid::from_u128(0x0195_aaaa_bbbb_7ccc_8ddd_eeee_ffff_0001);
const ID_TEXT: &str = "0195aaaa-bbbb-7ccc-8ddd-eeeeffff0001";

fn publisher() -> PublisherResponse {
    PublisherResponse {
        id: ID,
        name: "Market data".into(),
        slug: "market-data".into(),
        description: None,
        email: None,
        logo_url: None,
        resource_name: None,
        resource_description: None,
        categories: vec!["finance".into()],
        capabilities: vec![],
        use_cases: vec![],
        usage_examples: None,
        publisher_type: PublisherType::Individual,
        publisher_category: PublisherCategory::Integration,
        wallet_address: WalletAddress("0xabc".into()),
        wallet_network_id: "eip155:8453".into(),
        accepted_assets: None,
        pricing: None,
        billing_model: "prepaid_credits".into(),
        gateway_fee_percent: "0".into(),
        payment_order: None,
        payment_receiver: None,
        endpoints: None,
        undocumented_endpoint_policy: UndocumentedEndpointPolicy::DefaultAllow,
        routing: None,
        auth_type: "static".into(),
        allowed_passthrough_headers: vec![],
        passthrough_header_rewrite: json!({}),
        request_content_type: "application/json".into(),
        upstream_headers: json!({}),
        requires_user_oauth: false,
        ownership_tracking_enabled: false,
        database: DatabasePart::default(),
        integration: IntegrationPart {
            integration_type: Some(IntegrationType::Api),
            api_url: Some("https://api.example.com".into()),
            ..IntegrationPart::default()
        },
        compute: ComputePart::default(),
        token_exchange: TokenExchangePart::default(),
        ownership: OwnershipPart::default(),
        is_active: true,
        is_verified: false,
        verification_expires_at: None,
        total_queries: 3,
        unique_agents_served: 1,
        total_revenue_atomic: Micros::new(150_000).into(),
        created_at: AT,
        updated_at: AT,
    }
}

#[test]
fn a_publisher_is_one_flat_object_with_nulls_for_what_it_lacks() {
    let value = serde_json::to_value(publisher()).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(object["id"], ID_TEXT);
    assert_eq!(object["api_url"], "https://api.example.com");
    assert_eq!(object["integration_type"], "api");
    assert_eq!(object["total_revenue_atomic"], 150_000);
    assert_eq!(object["created_at"], AT_TEXT);
    for name in ["description", "database_type", "a2a_agent_card", "token_exchange_url", "pricing", "routing"] {
        assert_eq!(object.get(name), Some(&Value::Null), "{name} must be there and null");
    }
    assert_eq!(object.len(), 64);
    assert!(object.values().all(|value| !value.is_object() || value == &json!({})), "parts are flat");
}

#[test]
fn a_publisher_can_be_listed_with_the_five_required_fields_and_unknown_ones_are_ignored() {
    let body = json!({
        "name": "Market data", "slug": "market-data", "wallet_address": "0xabc", "wallet_network_id": "eip155:8453",
        "publisher_category": "integration", "price_per_call": "0.05", "upstream_api_key": "hunter2",
        "api_headers": {"authorization": "hunter2"}, "routing": {"proxy_region": "eu"}, "surprise": true
    });
    let request: CreatePublisherRequest = serde_json::from_value(body).unwrap();
    assert_eq!(request.price_per_call.as_deref(), Some("0.05"));
    assert_eq!(request.upstream_api_key.as_ref().map(Secret::expose).map(String::as_str), Some("hunter2"));
    assert_eq!(request.routing.as_ref().map(|routing| routing.mode), Some(GeoRoutingMode::OptIn));
    assert!(request.categories.is_empty() && !request.requires_user_oauth);
    assert!(!format!("{request:?}").contains("hunter2"), "secrets stay out of debug output");
}

#[test]
fn an_unknown_word_is_refused_with_the_known_ones() {
    let body = json!({ "name": "x", "slug": "x", "wallet_address": "0x", "wallet_network_id": "n",
        "publisher_category": "shop" });
    let error = serde_json::from_value::<CreatePublisherRequest>(body).unwrap_err().to_string();
    for word in ["`shop`", "`database`", "`integration`", "`compute`"] {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn an_update_tells_left_out_from_null_in_every_field() {
    let body = json!({ "name": "New", "description": null, "add_asset_ids": [ID_TEXT], "api_headers": null });
    let update: UpdatePublisherRequest = serde_json::from_value(body).unwrap();
    assert_eq!(update.name, Patch::Value("New".into()));
    assert_eq!(update.description, Patch::Null);
    assert_eq!(update.add_asset_ids, Patch::Value(vec![ID]));
    assert_eq!(update.api_headers, Patch::Null);
    assert!(update.is_active.is_absent() && update.database_config.is_absent());

    let body = json!({ "asset_id": ID_TEXT, "price_per_call": "0.02", "price_per_get": null });
    let update: UpdatePricingRequest = serde_json::from_value(body).unwrap();
    assert_eq!(update.price_per_call, Patch::Value("0.02".into()));
    assert_eq!(update.price_per_get, Patch::Null);
    assert_eq!(update.price_per_post, Patch::Absent);
}

#[test]
fn the_caller_is_shown_with_the_key_it_used() {
    let me = UserMe {
        user: UserInfo {
            id: ID,
            email: Email("a@example.com".into()),
            name: "A".into(),
            status: UserStatus::Active,
            avatar_url: None,
            affiliate_referral_code: None,
            created_at: AT,
        },
        default_organization_id: ID,
        agent_identity_id: None,
        api_key_id: Some(ID),
        api_key_scopes: Some(vec!["calls.make".into()]),
        api_key_type: Some(ApiKeyType::Agent),
    };
    let expected = json!({
        "id": ID_TEXT, "email": "a@example.com", "name": "A", "status": "active", "avatar_url": null,
        "affiliate_referral_code": null, "created_at": AT_TEXT, "default_organization_id": ID_TEXT,
        "agent_identity_id": null, "api_key_id": ID_TEXT, "api_key_scopes": ["calls.make"], "api_key_type": "agent"
    });
    assert_eq!(json!(me), expected);
}

#[test]
fn a_bonus_shows_its_amount_twice() {
    let amount = Micros::new(500_000);
    let bonus = BonusClaimResponse {
        success: true,
        amount_atomic: amount.into(),
        amount_usd: amount.into(),
        bonus_type: AgentCreditSource::SignupBonus.text().into(),
    };
    let expected =
        json!({ "success": true, "amount_atomic": 500_000, "amount_usd": "0.50", "bonus_type": "signup_bonus" });
    assert_eq!(json!(bonus), expected);
}

#[test]
fn a_post_to_the_root_is_a_query_or_anything() {
    let read = |body: Value| serde_json::from_value::<PublisherRootRequest>(body).unwrap();
    let query = DatabaseQueryRequest { query: "SELECT $1".into(), params: vec![json!(1)], database: None };
    assert_eq!(read(json!({ "query": "SELECT $1", "params": [1] })), PublisherRootRequest::Query(query));
    assert_eq!(read(json!({ "symbol": "X" })), PublisherRootRequest::Other(json!({ "symbol": "X" })));
}

#[test]
fn an_endpoint_says_little_and_reads_back_as_it_was_written() {
    let body = json!({ "method": "GET", "path": "/quotes", "query_params": [{ "name": "symbol" }] });
    let endpoint: EndpointDefinition = serde_json::from_value(body).unwrap();
    assert_eq!(endpoint.access, EndpointAccess::Authenticated);
    assert_eq!(endpoint.query_params.as_ref().unwrap()[0].param_type, ParamType::String);
    let written = serde_json::to_value(&endpoint).unwrap();
    assert_eq!(written["price"], Value::Null);
    assert_eq!(serde_json::from_value::<EndpointDefinition>(written).unwrap(), endpoint);
}
