//! Creating a publisher. What a kind of publisher needs, the domain checks.

use super::{
    ComputeType, DatabaseType, EndpointDefinition, GeoRoutingConfig, IntegrationType, PublisherCategory, PublisherType,
    UndocumentedEndpointPolicy, UsageExample, WalletAddress,
};
use crate::{PaymentOrder, PaymentReceiver, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Lists a new publisher for an organisation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreatePublisherRequest {
    pub name: String,
    /// Names the publisher in paths: lower-case letters, digits and hyphens.
    pub slug: String,
    pub description: Option<String>,
    /// Where the publisher answers questions.
    pub email: Option<String>,
    pub logo_url: Option<String>,
    pub resource_name: Option<String>,
    pub resource_description: Option<String>,
    #[serde(default)]
    pub categories: Vec<String>,
    /// What the publisher can do, as words that tasks are matched with.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// What the publisher is good for, as sentences for people.
    #[serde(default)]
    pub use_cases: Vec<String>,
    pub usage_examples: Option<Vec<UsageExample>>,
    pub publisher_type: Option<PublisherType>,
    pub publisher_category: PublisherCategory,

    /// Where the publisher's earnings go.
    pub wallet_address: WalletAddress,
    /// The network of that wallet.
    #[schemars(example = &"eip155:8453")]
    pub wallet_network_id: String,
    /// The assets that calls can be paid in; the platform's usual ones where this is missing.
    pub accepted_asset_ids: Option<Vec<Uuid>>,
    /// How calls are paid: `x402_per_request`, `prepaid_credits`, `x402_passthrough` or `pay_per_use`.
    pub billing_model: Option<String>,
    /// The platform's share of each call, in percent.
    pub gateway_fee_percent: Option<String>,
    /// Price of one call in decimal units of the asset, as all prices here.
    #[schemars(example = &"0.05")]
    pub price_per_call: Option<String>,
    pub price_per_get: Option<String>,
    pub price_per_post: Option<String>,
    pub price_per_put: Option<String>,
    pub price_per_patch: Option<String>,
    pub price_per_delete: Option<String>,
    /// Price of one run of a publisher of the category `compute`.
    pub price_per_execution: Option<String>,
    /// Price of an hour of running time.
    pub hourly_rate: Option<String>,
    pub base_price_per_1000_rows: Option<String>,
    /// The base price is multiplied by this; 1 adds nothing.
    pub markup_multiplier: Option<String>,
    /// The most that is reserved for a call whose cost only its reply tells, in `X-Farebox-Charge`.
    pub reserve_max_charge: Option<String>,
    /// What a call costs whose reply does not tell; the price per call where it is missing.
    pub unresolved_fallback_charge: Option<String>,
    /// The balance that a caller must have.
    pub minimum_balance: Option<String>,
    /// The balance below which a caller is warned.
    pub low_balance_threshold: Option<String>,
    /// How long running work goes on without balance, in minutes.
    pub grace_period_minutes: Option<i32>,
    /// When payments on chain are settled; the operator's choice where it is missing. Not published: an extension of this
    /// gateway, as the next field.
    pub payment_order: Option<PaymentOrder>,
    /// Who receives payments on chain; the operator's choice where it is missing.
    pub payment_receiver: Option<PaymentReceiver>,

    pub endpoints: Option<Vec<EndpointDefinition>>,
    pub undocumented_endpoint_policy: Option<UndocumentedEndpointPolicy>,
    pub routing: Option<GeoRoutingConfig>,

    /// Needed for the category `integration`.
    pub integration_type: Option<IntegrationType>,
    /// Base URL of the upstream; needed for the type `api`.
    pub api_url: Option<String>,
    /// URL of the MCP server; needed for the type `mcp`.
    pub mcp_endpoint: Option<String>,
    /// Content type of requests to the upstream.
    pub request_content_type: Option<String>,
    /// Headers that the gateway adds to each call, as an object; none of them is secret.
    pub upstream_headers: Option<Value>,
    /// The same, but kept encrypted and never shown.
    pub api_headers: Option<Secret<Value>>,
    /// Headers of the caller that reach the upstream.
    #[serde(default)]
    pub allowed_passthrough_headers: Vec<String>,
    /// New names for headers that are passed through, as an object from old to new.
    pub passthrough_header_rewrite: Option<Value>,
    /// Where the upstream's reply states what the call cost it, as dotted names.
    #[schemars(example = &"usage.cost")]
    pub upstream_cost_response_path: Option<String>,

    /// How the gateway proves itself to the upstream: `static`, `jwt` or `oauth2_cc`.
    pub auth_type: Option<String>,
    /// The seller's key for the upstream; kept encrypted and never shown.
    pub upstream_api_key: Option<Secret>,
    /// Header that carries that key.
    pub api_key_header: Option<String>,
    /// Query parameter that carries that key.
    pub api_key_query_param: Option<String>,
    /// Identifies the seller in the tokens of `jwt`.
    pub jwt_access_key: Option<Secret>,
    /// Signs the tokens of `jwt`.
    pub jwt_secret_key: Option<Secret>,
    pub jwt_algorithm: Option<String>,
    pub jwt_expiration_seconds: Option<i32>,
    pub oauth2_client_id: Option<String>,
    pub oauth2_client_secret: Option<Secret>,
    /// Where `oauth2_cc` gets its tokens.
    pub oauth2_token_url: Option<String>,
    #[serde(default)]
    pub oauth2_scopes: Vec<String>,
    /// Whether callers must first connect an account of theirs at the upstream.
    #[serde(default)]
    pub requires_user_oauth: bool,
    /// The OAuth provider of those accounts.
    pub oauth_provider_slug: Option<String>,
    /// Where a gateway key is exchanged for a token of the upstream.
    pub token_exchange_url: Option<String>,
    /// `POST` or `GET`.
    pub token_exchange_method: Option<String>,
    /// What carries the gateway's token there: `header`, `body` or `query`.
    pub token_exchange_mode: Option<String>,
    /// Field of the reply that holds the upstream's token.
    pub token_response_field: Option<String>,
    /// How long the token is kept, in seconds.
    pub token_cache_ttl_seconds: Option<i32>,

    /// Whether resources belong to the caller who made them.
    pub ownership_tracking_enabled: Option<bool>,
    /// The operations that are kept to the maker of a resource.
    pub protected_operations: Option<Value>,
    /// Where a reply names the resource it made, as dotted names.
    pub resource_id_response_path: Option<String>,
    /// Where a URL names the resource, as a path with a placeholder.
    pub resource_id_url_pattern: Option<String>,

    /// Needed for the category `database`.
    pub database_type: Option<DatabaseType>,
    pub database_name: Option<String>,
    /// Settings of the database's provider; secret ones are kept encrypted and never shown.
    pub database_config: Option<Secret<Value>>,
    /// The database's project at its host.
    pub project_id: Option<Uuid>,
    /// The database's branch at its host.
    pub branch_id: Option<Uuid>,
    /// Needed for the category `compute`.
    pub compute_type: Option<ComputeType>,
    /// Base URL of the A2A agent; needed for the type `agent`.
    pub a2a_endpoint_url: Option<String>,
}
