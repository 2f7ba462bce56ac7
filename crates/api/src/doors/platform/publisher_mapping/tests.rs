//! Requests that are refused, by the field that they are refused for, and requests that come back as they were sent,
//! through a real market on both engines.

mod payments;

use super::*;
use crate::assets::LEDGER_ASSET;
use farebox_accounts::{Accounts, AccountsParts, AgentRegistration, Vault};
use farebox_api_types::platform::UpdatePricingRequest;
use farebox_base::{ManualClock, Micros, PartyId, SystemRng, Timestamp};
use farebox_db::Db;
use farebox_events::Changes;
use farebox_mail::{Folder, Mailer, MailerParts, Transport};
use farebox_market::{ListingAccess, ListingEntry, ListingStats, Market, MarketConfig, MarketParts};
use farebox_testkit::engines;
use serde_json::json;
use std::sync::Arc;

const FEE_BASIS_POINTS: i64 = 250;
const WALLET: &str = "0x1f9090aaE28b8a3dCeaDf281B0F12828e676c326";

fn with(mut request: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn server() -> Value {
    json!({
        "name": "Market data", "slug": "market-data", "publisher_category": "integration",
        "api_url": "https://api.example.com/v1", "wallet_address": WALLET, "wallet_network_id": "eip155:8453",
    })
}

fn database() -> Value {
    let fields = json!({
        "publisher_category": "database", "api_url": null,
        "database_config": {"connection_string": "postgresql://reader:hunter2@db.example.com/quotes"},
    });
    with(server(), &fields)
}

fn create(request: Value) -> Result<farebox_market::ListingCreate> {
    listing_create(serde_json::from_value(request).unwrap(), FEE_BASIS_POINTS)
}

struct Seller {
    market: Market,
    party: PartyId,
}

/// Nobody sends what these tests queue.
fn mailer(db: &Db, clock: Arc<ManualClock>, vault: Vault) -> Mailer {
    let transport = Transport::Folder(Folder::new("outbox".into(), "no-reply@example.com").unwrap());
    Mailer::new(MailerParts { db: db.clone(), clock, rng: Arc::new(SystemRng), vault, transport })
}

impl Seller {
    async fn on(db: &Db) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000)));
        let changes = Changes::new(db.clone());
        let rng = Arc::new(SystemRng);
        let vault = Vault::from_key([4; 32], rng.clone());
        let accounts = Accounts::new(AccountsParts {
            db: db.clone(),
            changes: changes.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
            pepper: [3; 32],
            vault: vault.clone(),
            mailer: mailer(db, clock.clone(), vault.clone()),
            public_url: "https://pay.example".to_owned(),
            open_provider_registration: true,
        });
        let config = MarketConfig { fee_basis_points: FEE_BASIS_POINTS, ..MarketConfig::default() };
        let check_url = Arc::new(|_: &str, url: &str| Ok(url.to_owned()));
        let market = Market::new(MarketParts { db: db.clone(), changes, clock, rng, vault, check_url, config });
        let party = accounts.register_agent(&AgentRegistration::default()).await.unwrap().party.id;
        Self { market, party }
    }

    async fn create(&self, request: Value) -> Result<Arc<ListingEntry>> {
        let listing = self.market.listing_create(self.party, &create(request)?).await.map_err(in_platform_words)?;
        Ok(self.market.by_id(listing.id).await?.unwrap())
    }

    async fn update(&self, entry: &ListingEntry, request: Value) -> Result<Arc<ListingEntry>> {
        let subject = Subject::of(&entry.listing, entry.secret().ok());
        let patch = listing_patch(&serde_json::from_value(request).unwrap(), subject)?;
        self.apply(entry, &patch).await
    }

    async fn reprice(&self, entry: &ListingEntry, request: &Value) -> Result<Arc<ListingEntry>> {
        let request = with(json!({"asset_id": LEDGER_ASSET}), request);
        let request: UpdatePricingRequest = serde_json::from_value(request).unwrap();
        let patch = pricing_patch(&request, Subject::of(&entry.listing, entry.secret().ok()))?;
        self.apply(entry, &patch).await
    }

    async fn apply(&self, entry: &ListingEntry, patch: &farebox_market::ListingPatch) -> Result<Arc<ListingEntry>> {
        let (id, access) = (entry.listing.id, ListingAccess::platform(self.party));
        self.market.listing_update(access, id, patch).await.map_err(in_platform_words)?;
        Ok(self.market.by_id(id).await?.unwrap())
    }
}

const PUBLIC_URL: &str = "http://localhost";

fn reply(entry: &ListingEntry, viewer: Viewer<'_>) -> Value {
    let reply = publisher(&entry.listing, ListingStats::default(), viewer, OnChain(false), PUBLIC_URL);
    serde_json::to_value(reply.unwrap()).unwrap()
}

fn shown(entry: &ListingEntry) -> Value {
    reply(entry, Viewer::Owner(entry.secret().ok()))
}

fn shown_to_all(entry: &ListingEntry) -> Value {
    reply(entry, Viewer::Store)
}

fn refused_field<T>(result: Result<T>) -> Option<String> {
    let error = result.err()?;
    let field = error.field.unwrap();
    assert!(error.message.starts_with(&field), "{}", error.message);
    Some(field)
}

#[test]
fn what_this_gateway_does_not_serve_is_refused_by_name() {
    let valid = [
        json!({"routing": {"proxy_region": "eu"}}),
        json!({"mcp_endpoint": "https://mcp.example.com"}),
        json!({"integration_type": "mcp"}),
        json!({"compute_type": "agent"}),
        json!({"a2a_endpoint_url": "https://a2a.example.com"}),
        json!({"publisher_category": "compute"}),
        json!({"publisher_type": "verified_partner"}),
        json!({"auth_type": "jwt"}),
        json!({"auth_type": "oauth2_cc"}),
        json!({"jwt_access_key": "a"}),
        json!({"jwt_secret_key": "s"}),
        json!({"jwt_algorithm": "HS256"}),
        json!({"jwt_expiration_seconds": 60}),
        json!({"oauth2_client_id": "c"}),
        json!({"oauth2_client_secret": "s"}),
        json!({"oauth2_token_url": "https://id.example.com"}),
        json!({"oauth2_scopes": ["read"]}),
        json!({"token_exchange_url": "https://id.example.com"}),
        json!({"token_exchange_method": "POST"}),
        json!({"token_exchange_mode": "header"}),
        json!({"token_response_field": "token"}),
        json!({"token_cache_ttl_seconds": 60}),
        json!({"ownership_tracking_enabled": true}),
        json!({"protected_operations": ["DELETE"]}),
        json!({"resource_id_response_path": "id"}),
        json!({"resource_id_url_pattern": "/x/{id}"}),
        json!({"passthrough_header_rewrite": {"X-A": "X-B"}}),
        json!({"upstream_cost_response_path": "usage.cost"}),
        json!({"billing_model": "x402_passthrough"}),
        json!({"price_per_execution": "1"}),
        json!({"hourly_rate": "1"}),
        json!({"minimum_balance": "0.01"}),
        json!({"grace_period_minutes": 5}),
        json!({"gateway_fee_percent": "1"}),
    ];
    for fields in valid {
        let named = fields.as_object().unwrap().keys().next().cloned();
        assert_eq!(refused_field(create(with(server(), &fields))), named, "{fields}");
    }
}

#[test]
fn what_breaks_a_rule_is_refused_by_name() {
    for (fields, field) in [
        (json!({"email": "nobody"}), "email"),
        (json!({"logo_url": "javascript:alert(1)"}), "logo_url"),
        (json!({"resource_name": "a\u{0}b"}), "resource_name"),
        (json!({"categories": ["finance", " "]}), "categories.1"),
        (json!({"use_cases": [""]}), "use_cases.0"),
        (json!({"wallet_address": "0x12"}), "wallet_address"),
        (json!({"wallet_network_id": ""}), "wallet_network_id"),
        (json!({"wallet_network_id": "n".repeat(65)}), "wallet_network_id"),
        (json!({"accepted_asset_ids": []}), "accepted_asset_ids"),
        (json!({"accepted_asset_ids": [uuid::Uuid::nil()]}), "accepted_asset_ids.0"),
        (json!({"billing_model": "barter"}), "billing_model"),
        (json!({"gateway_fee_percent": "some"}), "gateway_fee_percent"),
        (json!({"request_content_type": "json"}), "request_content_type"),
        (json!({"upstream_headers": ["X-A"]}), "upstream_headers"),
        (json!({"upstream_headers": {"X-A": 1}}), "upstream_headers"),
        (json!({"upstream_headers": {"X-A": "a\r\nX-B: b"}}), "upstream_headers"),
        (json!({"upstream_headers": {"Authorization": "Bearer hunter2"}}), "upstream_headers"),
        (json!({"upstream_headers": {"Host": "example.com"}}), "upstream_headers"),
        (json!({"api_headers": {"X-Key": ["a"]}}), "api_headers"),
        (json!({"allowed_passthrough_headers": ["Accept", "Cookie"]}), "allowed_passthrough_headers.1"),
        (json!({"allowed_passthrough_headers": ["Transfer-Encoding"]}), "allowed_passthrough_headers.0"),
        (json!({"allowed_passthrough_headers": ["X-Forwarded-For"]}), "allowed_passthrough_headers.0"),
        (json!({"allowed_passthrough_headers": ["a b"]}), "allowed_passthrough_headers.0"),
        (json!({"upstream_api_key": "k"}), "api_key_header"),
        (json!({"api_key_header": "X-Key"}), "upstream_api_key"),
        (json!({"endpoints": [{"method": "GET", "path": "/", "access": "public_anonymous"}]}), "endpoints.0.access"),
        (json!({"endpoints": [{"method": "GET", "path": "/", "is_protected": true}]}), "endpoints.0.is_protected"),
        (json!({"base_price_per_1000_rows": "1"}), "base_price_per_1000_rows"),
        (json!({"markup_multiplier": "2"}), "markup_multiplier"),
        (json!({"low_balance_threshold": "-1"}), "low_balance_threshold"),
        (json!({"database_type": "neon"}), "database_type"),
        (json!({"database_name": "quotes"}), "database_name"),
        (json!({"project_id": uuid::Uuid::nil()}), "project_id"),
        (json!({"database_config": {"connection_string": "postgresql://h/d"}}), "database_config"),
    ] {
        assert_eq!(refused_field(create(with(server(), &fields))).as_deref(), Some(field), "{fields}");
    }
}

#[test]
fn what_says_nothing_about_a_database_is_refused_by_name() {
    for (fields, field) in [
        (json!({"database_config": null}), "database_config"),
        (json!({"database_config": {"host": "h", "password": "hunter2"}}), "database_config"),
        (json!({"database_config": {"connection_string": "postgresql://h/d", "password": "p"}}), "database_config"),
        (json!({"database_type": "mongodb"}), "database_type"),
        (json!({"database_type": "neon", "database_config": {"connection_string": "sqlite:a.db"}}), "database_type"),
        (json!({"integration_type": "api"}), "integration_type"),
        (json!({"api_url": "https://api.example.com"}), "api_url"),
        (json!({"upstream_api_key": "k", "api_key_header": "X-Key"}), "upstream_api_key"),
        (json!({"api_headers": {"X-Key": "k"}}), "api_headers"),
        (json!({"price_per_get": "1"}), "price_per_get"),
        (json!({"price_per_call": "1", "base_price_per_1000_rows": "1"}), "price_per_call"),
        (json!({"undocumented_endpoint_policy": "default_deny"}), "undocumented_endpoint_policy"),
        (json!({"endpoints": [{"method": "GET", "path": "/", "price": "1"}]}), "endpoints.0.price"),
    ] {
        assert_eq!(refused_field(create(with(database(), &fields))).as_deref(), Some(field), "{fields}");
    }
}

#[tokio::test]
async fn what_the_market_refuses_is_named_in_the_doors_words() {
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        for (request, field) in [
            (with(server(), &json!({"capabilities": ["a", " "]})), "capabilities.1"),
            (with(server(), &json!({"api_url": null})), "api_url"),
            (with(server(), &json!({"price_per_call": "-1"})), "price_per_call"),
            (with(server(), &json!({"endpoints": [{"method": "GET", "path": "a"}]})), "endpoints.0.path"),
            (
                with(server(), &json!({"endpoints": [{"method": "GET", "path": "/", "price": "x"}]})),
                "endpoints.0.price",
            ),
            (
                with(database(), &json!({"database_config": {"connection_string": "mysql://h/d"}})),
                "database_config.connection_string",
            ),
            (
                with(database(), &json!({"database_config": {"connection_string": "sqlite:a.db"}})),
                "database_config.connection_string",
            ),
        ] {
            assert_eq!(refused_field(seller.create(request.clone()).await).as_deref(), Some(field), "{request}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_comes_back_as_it_was_sent_and_nobody_reads_its_secrets() {
    let sent = json!({
        "description": "Prices\nof things", "email": "Help@Example.com", "logo_url": "https://example.com/l.png",
        "resource_name": "Quotes", "resource_description": "All quotes", "categories": ["finance", "data"],
        "capabilities": ["quotes", "Charts"], "use_cases": ["Know what things cost"],
        "usage_examples": [{"title": "Try", "description": null, "curl": "curl x"}], "publisher_type": "individual",
        "publisher_category": "integration", "integration_type": "api", "billing_model": "pay_per_use",
        "gateway_fee_percent": "2.5", "undocumented_endpoint_policy": "default_deny", "auth_type": "static",
        "request_content_type": "application/x-ndjson", "upstream_headers": {"X-Plan": "pro"},
        "allowed_passthrough_headers": ["Accept-Language"], "api_key_header": "Authorization",
        "api_url": "https://api.example.com/v1", "wallet_address": WALLET, "wallet_network_id": "eip155:8453",
        "passthrough_header_rewrite": {}, "requires_user_oauth": false, "ownership_tracking_enabled": false,
    });
    let unseen = json!({
        "upstream_api_key": "Bearer hunter2", "api_headers": {"X-Token": "hunter2"}, "price_per_call": "0.050",
        "price_per_post": "0.10", "markup_multiplier": "1.0", "accepted_asset_ids": [LEDGER_ASSET],
        "endpoints": [{"method": "GET", "path": "/quotes/{symbol}", "price": "0.002"}],
    });
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        let entry = seller.create(with(with(server(), &sent), &unseen)).await.unwrap();
        let (reply, public) = (shown(&entry), shown_to_all(&entry));
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&reply[name], value, "{name}");
        }
        for hidden in ["api_url", "api_key_header"] {
            assert_eq!(public[hidden], Value::Null, "{hidden}");
        }
        assert!(!reply.to_string().contains("hunter2") && !public.to_string().contains("example.com/v1"));
        assert_eq!(reply["endpoints"][0]["price"], "0.002");
        assert_eq!(reply["accepted_assets"][0]["id"], json!(LEDGER_ASSET));
        let pricing = &reply["pricing"][0];
        assert_eq!((&pricing["price_per_call"], &pricing["price_per_post"]), (&json!("0.050"), &json!("0.10")));
        assert_eq!((&pricing["pricing_model"], &pricing["price_per_get"]), (&json!("per_request"), &Value::Null));
        assert_eq!((&pricing["markup_multiplier"], &pricing["minimum_balance"]), (&json!("1.0"), &json!("0")));
        assert_eq!(entry.secret().unwrap().api_key.as_deref(), Some("Bearer hunter2"));
        assert!(entry.listing.serves("GET", "/quotes/ABC") && !entry.listing.serves("GET", "/other"));
    })
    .await;
}

#[tokio::test]
async fn a_database_is_charged_by_rows_or_by_call_and_hides_where_it_is() {
    let fields = json!({
        "database_type": "neon", "database_name": "quotes", "project_id": uuid::Uuid::nil(),
        "base_price_per_1000_rows": "0.50", "markup_multiplier": "2",
    });
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        let entry = seller.create(with(database(), &fields)).await.unwrap();
        let reply = shown(&entry);
        for name in ["database_type", "database_name", "project_id"] {
            assert_eq!(reply[name], fields[name], "{name}");
        }
        let pricing = &reply["pricing"][0];
        assert_eq!((&pricing["pricing_model"], &pricing["price_per_call"]), (&json!("per_row"), &Value::Null));
        assert_eq!(pricing["base_price_per_1000_rows"], "0.50");
        assert_eq!(pricing["markup_multiplier"], "2");
        let config = json!({"connection_string": "[redacted]"});
        assert_eq!((&reply["database_config"], &shown_to_all(&entry)["database_config"]), (&config, &Value::Null));
        assert!(!reply.to_string().contains("hunter2") && !reply.to_string().contains("db.example.com"));

        let by_call = json!({"price_per_call": "0.01"});
        assert_eq!(refused_field(seller.reprice(&entry, &by_call).await).as_deref(), Some("price_per_call"));
        let by_call =
            json!({"price_per_call": "0.01", "base_price_per_1000_rows": "0", "pricing_model": "per_request"});
        let entry = seller.reprice(&entry, &by_call).await.unwrap();
        assert_eq!(entry.listing.prices.per_1000_rows, None);
        assert_eq!(farebox_market::quote_rows(&entry.listing, 5_000), Micros::new(10_000));
        assert_eq!(shown(&entry)["pricing"][0]["price_per_call"], "0.01");
    })
    .await;
}

#[tokio::test]
async fn an_update_changes_clears_and_keeps() {
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        let first = json!({
            "description": "old", "email": "a@example.com", "categories": ["x"], "capabilities": ["y"],
            "price_per_call": "1", "price_per_get": "2", "upstream_api_key": "k", "api_key_header": "X-Key",
        });
        let entry = seller.create(with(server(), &first)).await.unwrap();
        let before = shown(&entry);
        let entry = seller.update(&entry, json!({})).await.unwrap();
        assert_eq!(with(shown(&entry), &json!({"updated_at": null})), with(before, &json!({"updated_at": null})));

        let changed = json!({
            "description": null, "email": null, "categories": null, "capabilities": ["z"], "is_active": false,
            "price_per_get": null, "upstream_api_key": null, "api_key_header": null, "add_asset_ids": [LEDGER_ASSET],
        });
        let entry = seller.update(&entry, changed).await.unwrap();
        let reply = shown(&entry);
        for name in ["description", "email", "api_key_header"] {
            assert_eq!(reply[name], Value::Null, "{name}");
        }
        assert_eq!((&reply["categories"], &reply["capabilities"]), (&json!([]), &json!(["z"])));
        assert_eq!((&reply["is_active"], &reply["api_url"]), (&json!(false), &json!("https://api.example.com/v1")));
        assert_eq!(reply["pricing"][0]["price_per_get"], Value::Null);
        assert!(entry.secret().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn updates_that_are_refused_name_the_field_and_change_nothing() {
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        let key = json!({"upstream_api_key": "k", "api_key_header": "X-Key"});
        let entry = seller.create(with(server(), &key)).await.unwrap();
        for (fields, field) in [
            (json!({"name": null}), "name"),
            (json!({"is_active": null}), "is_active"),
            (json!({"api_url": null}), "api_url"),
            (json!({"wallet_address": null}), "wallet_address"),
            (json!({"wallet_network_id": null}), "wallet_network_id"),
            (json!({"publisher_category": "database"}), "publisher_category"),
            (json!({"publisher_category": null}), "publisher_category"),
            (json!({"remove_asset_ids": [LEDGER_ASSET]}), "remove_asset_ids"),
            (json!({"remove_asset_ids": [uuid::Uuid::nil()]}), "remove_asset_ids.0"),
            (json!({"add_asset_ids": [uuid::Uuid::nil()]}), "add_asset_ids.0"),
            (json!({"requires_user_oauth": true}), "oauth_provider_id"),
            (json!({"api_key_header": null}), "api_key_header"),
            (json!({"upstream_api_key": null}), "upstream_api_key"),
            (json!({"api_headers": {"Host": "x"}}), "api_headers"),
        ] {
            assert_eq!(refused_field(seller.update(&entry, fields.clone()).await).as_deref(), Some(field), "{fields}");
        }
        for (fields, field) in [
            (json!({"asset_id": uuid::Uuid::nil()}), "asset_id"),
            (json!({"pricing_model": "per_row"}), "pricing_model"),
            (json!({"pricing_model": "passthrough"}), "pricing_model"),
            (json!({"prepaid_enabled": false}), "prepaid_enabled"),
            (json!({"max_queries_per_minute": 5}), "max_queries_per_minute"),
            (json!({"min_charge": "1"}), "min_charge"),
            (json!({"token_exchange_url": "https://x.example.com"}), "token_exchange_url"),
            (json!({"payment_expiry_minutes": 0}), "payment_expiry_minutes"),
            (json!({"min_display_price": "cheap"}), "min_display_price"),
            (json!({"price_per_call": "0.0000001"}), "price_per_call"),
        ] {
            assert_eq!(refused_field(seller.reprice(&entry, &fields).await).as_deref(), Some(field), "{fields}");
        }
        assert_eq!(shown(&seller.market.by_id(entry.listing.id).await.unwrap().unwrap()), shown(&entry));
    })
    .await;
}

#[tokio::test]
async fn a_price_is_shown_as_it_was_sent_only_while_it_is_the_price() {
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        let entry = seller.create(server()).await.unwrap();
        let prices = json!({
            "price_per_get": "0.10", "payment_expiry_minutes": 15, "low_balance_threshold": "1.0",
            "min_display_price": "0.05", "pricing_display_text": "from 5 cents", "pricing_model": "per_request",
        });
        let entry = seller.reprice(&entry, &prices).await.unwrap();
        let reply = serde_json::to_value(pricing(&entry.listing, OnChain(false))).unwrap();
        for (name, value) in prices.as_object().unwrap() {
            assert_eq!(&reply[name], value, "{name}");
        }
        let mut elsewhere = farebox_market::ListingPatch::new(farebox_market::Door::Marketplace);
        elsewhere.prices.get = Change::Set("0.2".to_owned());
        let entry = seller.apply(&entry, &elsewhere).await.unwrap();
        assert_eq!(pricing(&entry.listing, OnChain(false)).price_per_get.as_deref(), Some("0.2"));
    })
    .await;
}

#[tokio::test]
async fn a_publisher_whose_replies_tell_their_cost_says_so() {
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        let prices = json!({
            "price_per_call": "0.01", "reserve_max_charge": "0.50", "unresolved_fallback_charge": "0.020",
        });
        let entry = seller.create(with(server(), &prices)).await.unwrap();
        let shown = serde_json::to_value(pricing(&entry.listing, OnChain(false))).unwrap();
        for (name, value) in prices.as_object().unwrap() {
            assert_eq!(&shown[name], value, "{name}");
        }
        assert_eq!(shown["pricing_model"], "passthrough");
        assert_eq!(farebox_market::quote(&entry.listing, "GET", "/x"), Micros::new(500_000));
        for (fields, field) in [
            (json!({"unresolved_fallback_charge": "0.6"}), "reserve_max_charge"),
            (json!({"reserve_max_charge": null}), "unresolved_fallback_charge"),
            (json!({"reserve_max_charge": "-1"}), "reserve_max_charge"),
            (json!({"pricing_model": "per_request"}), "pricing_model"),
        ] {
            assert_eq!(refused_field(seller.reprice(&entry, &fields).await).as_deref(), Some(field), "{fields}");
        }
        let fixed = json!({
            "reserve_max_charge": null, "unresolved_fallback_charge": null, "pricing_model": "per_request",
        });
        let entry = seller.reprice(&entry, &fixed).await.unwrap();
        let shown = serde_json::to_value(pricing(&entry.listing, OnChain(false))).unwrap();
        assert_eq!((&shown["reserve_max_charge"], &shown["pricing_model"]), (&Value::Null, &json!("per_request")));
        assert_eq!(farebox_market::quote(&entry.listing, "GET", "/x"), Micros::new(10_000));
    })
    .await;
}
