//! A publisher as replies show it. Secrets of the upstream are never part of it.
//!
//! Fields that only some kinds of publisher have are grouped into parts that are written flat; a kind that lacks
//! one writes its part's default, which is all nulls.

use super::{
    AssetInfo, ComputeType, DatabaseType, EndpointDefinition, GeoRoutingConfig, IntegrationType, McpDiscoveryStatus,
    PricingConfigResponse, PublisherCategory, PublisherType, UndocumentedEndpointPolicy, UsageExample, WalletAddress,
};
use crate::{AtomicAmount, PaymentOrder, PaymentReceiver, Time};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A publisher: what it offers, what it costs and how its upstream is called.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PublisherResponse {
    pub id: Uuid,
    pub name: String,
    /// Names the publisher in paths.
    #[schemars(example = &"market-data")]
    pub slug: String,
    pub description: Option<String>,
    /// Where the publisher answers questions.
    pub email: Option<String>,
    pub logo_url: Option<String>,
    pub resource_name: Option<String>,
    pub resource_description: Option<String>,
    pub categories: Vec<String>,
    /// What the publisher says that it can do, as words that tasks are matched with.
    pub capabilities: Vec<String>,
    /// What the publisher is good for, as sentences for people.
    pub use_cases: Vec<String>,
    pub usage_examples: Option<Vec<UsageExample>>,
    pub publisher_type: PublisherType,
    pub publisher_category: PublisherCategory,

    /// Where the publisher's earnings go.
    pub wallet_address: WalletAddress,
    pub wallet_network_id: String,
    pub accepted_assets: Option<Vec<AssetInfo>>,
    /// One entry per asset; null where the reply does not show prices.
    pub pricing: Option<Vec<PricingConfigResponse>>,
    #[schemars(example = &"prepaid_credits")]
    pub billing_model: String,
    /// The platform's share of each call, in percent.
    #[schemars(example = &"2.5")]
    pub gateway_fee_percent: String,
    /// When payments on chain are settled; left out where the seller has not chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_order: Option<PaymentOrder>,
    /// Who receives payments on chain; left out where the seller has not chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_receiver: Option<PaymentReceiver>,

    pub endpoints: Option<Vec<EndpointDefinition>>,
    pub undocumented_endpoint_policy: UndocumentedEndpointPolicy,
    pub routing: Option<GeoRoutingConfig>,
    /// How the gateway proves itself to the upstream: `static`, `jwt` or `oauth2_cc`.
    pub auth_type: String,
    /// Headers of the caller that reach the upstream.
    pub allowed_passthrough_headers: Vec<String>,
    /// New names for headers that are passed through, as an object from old to new.
    pub passthrough_header_rewrite: Value,
    /// Content type of requests to the upstream.
    pub request_content_type: String,
    /// Headers that the gateway adds to each call; none of them is secret.
    pub upstream_headers: Value,
    /// Whether callers must first connect an account of theirs at the upstream.
    pub requires_user_oauth: bool,
    /// Whether resources belong to the caller who made them.
    pub ownership_tracking_enabled: bool,

    #[serde(flatten)]
    pub database: DatabasePart,
    #[serde(flatten)]
    pub integration: IntegrationPart,
    #[serde(flatten)]
    pub compute: ComputePart,
    #[serde(flatten)]
    pub token_exchange: TokenExchangePart,
    #[serde(flatten)]
    pub ownership: OwnershipPart,

    pub is_active: bool,
    pub is_verified: bool,
    /// When the verification ends; null means that it does not.
    pub verification_expires_at: Option<Time>,
    /// Calls ever made.
    pub total_queries: i64,
    /// Distinct buyers ever served.
    pub unique_agents_served: i64,
    /// All that was ever earned, over all assets, in atomic units.
    pub total_revenue_atomic: AtomicAmount,
    pub created_at: Time,
    pub updated_at: Time,
}

/// Of publishers of the category `database`.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct DatabasePart {
    pub database_type: Option<DatabaseType>,
    pub database_name: Option<String>,
    /// Settings of the database's provider, without the secret ones.
    pub database_config: Option<Value>,
    /// The database's project at its host.
    pub project_id: Option<Uuid>,
    /// The database's branch at its host.
    pub branch_id: Option<Uuid>,
}

/// Of publishers of the category `integration`.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct IntegrationPart {
    pub integration_type: Option<IntegrationType>,
    /// Base URL of the upstream, for the type `api`.
    pub api_url: Option<String>,
    /// Header that carries the seller's key to the upstream.
    pub api_key_header: Option<String>,
    /// Query parameter that carries the seller's key to the upstream.
    pub api_key_query_param: Option<String>,
    /// Where the upstream's reply states what the call cost it, as dotted names.
    #[schemars(example = &"usage.cost")]
    pub upstream_cost_response_path: Option<String>,
    /// URL of the MCP server, for the type `mcp`.
    pub mcp_endpoint: Option<String>,
    /// Tools, resources and prompts that the MCP server named when it was last asked.
    pub mcp_capabilities: Option<Value>,
    pub mcp_discovery: Option<McpDiscoveryStatus>,
    /// The OAuth provider through which callers bring their own credentials.
    pub oauth_provider_id: Option<Uuid>,
}

/// Of publishers of the category `compute`.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct ComputePart {
    pub compute_type: Option<ComputeType>,
    /// Base URL of the A2A agent, for the type `agent`.
    pub a2a_endpoint_url: Option<String>,
    /// The card that the agent showed when it was last asked.
    pub a2a_agent_card: Option<Value>,
    /// `unknown`, `healthy`, `unhealthy` or `unreachable`.
    pub a2a_health_status: Option<String>,
}

/// How a gateway key is exchanged for a token of the upstream.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct TokenExchangePart {
    /// Where the exchange takes place.
    pub token_exchange_url: Option<String>,
    /// `POST` or `GET`.
    pub token_exchange_method: Option<String>,
    /// What carries the gateway's token there: `header`, `body` or `query`.
    pub token_exchange_mode: Option<String>,
    /// Field of the reply that holds the upstream's token.
    pub token_response_field: Option<String>,
    /// How long the token is kept, in seconds.
    pub token_cache_ttl_seconds: Option<i32>,
}

/// How resources that calls make are told apart, so that only their makers act on them.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct OwnershipPart {
    /// The operations that are kept to the maker of a resource.
    pub protected_operations: Option<Value>,
    /// Where a reply names the resource it made, as dotted names.
    pub resource_id_response_path: Option<String>,
    /// Where a URL names the resource, as a path with a placeholder.
    pub resource_id_url_pattern: Option<String>,
}
