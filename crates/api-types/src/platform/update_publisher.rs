//! Changing a publisher.

use super::{
    ComputeType, DatabaseType, EndpointDefinition, GeoRoutingConfig, IntegrationType, PublisherCategory,
    UndocumentedEndpointPolicy, UsageExample, WalletAddress,
};
use crate::{Patch, PaymentOrder, PaymentReceiver, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Changes a publisher. A field that is left out stays as it is, `null` clears it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdatePublisherRequest {
    pub name: Patch<String>,
    pub description: Patch<String>,
    /// Where the publisher answers questions.
    pub email: Patch<String>,
    pub logo_url: Patch<String>,
    pub resource_name: Patch<String>,
    pub resource_description: Patch<String>,
    pub categories: Patch<Vec<String>>,
    /// What the publisher can do, as words that tasks are matched with.
    pub capabilities: Patch<Vec<String>>,
    /// What the publisher is good for, as sentences for people.
    pub use_cases: Patch<Vec<String>>,
    pub usage_examples: Patch<Vec<UsageExample>>,
    pub publisher_category: Patch<PublisherCategory>,
    /// Whether the publisher is listed and can be called.
    pub is_active: Patch<bool>,

    /// Where the publisher's earnings go.
    pub wallet_address: Patch<WalletAddress>,
    /// The network of that wallet.
    #[schemars(example = &"eip155:8453")]
    pub wallet_network_id: Patch<String>,
    /// Assets that calls can be paid in from now on.
    pub add_asset_ids: Patch<Vec<Uuid>>,
    /// Assets that calls can no longer be paid in.
    pub remove_asset_ids: Patch<Vec<Uuid>>,
    /// How calls are paid: `x402_per_request`, `prepaid_credits`, `x402_passthrough` or `pay_per_use`.
    pub billing_model: Patch<String>,
    /// The platform's share of each call, in percent.
    pub gateway_fee_percent: Patch<String>,
    /// Price of one call in decimal units of the asset, as all prices here.
    #[schemars(example = &"0.05")]
    pub price_per_call: Patch<String>,
    pub price_per_get: Patch<String>,
    pub price_per_post: Patch<String>,
    pub price_per_put: Patch<String>,
    pub price_per_patch: Patch<String>,
    pub price_per_delete: Patch<String>,
    /// Price of one run of a publisher of the category `compute`.
    pub price_per_execution: Patch<String>,
    /// Price of an hour of running time.
    pub hourly_rate: Patch<String>,
    pub base_price_per_1000_rows: Patch<String>,
    /// The base price is multiplied by this; 1 adds nothing.
    pub markup_multiplier: Patch<String>,
    /// The most that is reserved for a call whose cost only its reply tells, in `X-Farebox-Charge`.
    pub reserve_max_charge: Patch<String>,
    /// What a call costs whose reply does not tell; the price per call where it is missing.
    pub unresolved_fallback_charge: Patch<String>,
    /// The balance that a caller must have.
    pub minimum_balance: Patch<String>,
    /// The balance below which a caller is warned.
    pub low_balance_threshold: Patch<String>,
    /// How long running work goes on without balance, in minutes.
    pub grace_period_minutes: Patch<i32>,
    /// When payments on chain are settled; `null` goes back to the operator's choice. Not published: an extension of this
    /// gateway, as the next field.
    pub payment_order: Patch<PaymentOrder>,
    /// Who receives payments on chain; `null` goes back to the operator's choice.
    pub payment_receiver: Patch<PaymentReceiver>,

    pub endpoints: Patch<Vec<EndpointDefinition>>,
    pub undocumented_endpoint_policy: Patch<UndocumentedEndpointPolicy>,
    pub routing: Patch<GeoRoutingConfig>,

    /// Needed for the category `integration`.
    pub integration_type: Patch<IntegrationType>,
    /// Base URL of the upstream; needed for the type `api`.
    pub api_url: Patch<String>,
    /// URL of the MCP server; needed for the type `mcp`.
    pub mcp_endpoint: Patch<String>,
    /// Content type of requests to the upstream.
    pub request_content_type: Patch<String>,
    /// Headers that the gateway adds to each call, as an object; none of them is secret.
    pub upstream_headers: Patch<Value>,
    /// The same, but kept encrypted and never shown.
    pub api_headers: Patch<Secret<Value>>,
    /// Headers of the caller that reach the upstream.
    pub allowed_passthrough_headers: Patch<Vec<String>>,
    /// New names for headers that are passed through, as an object from old to new.
    pub passthrough_header_rewrite: Patch<Value>,
    /// Where the upstream's reply states what the call cost it, as dotted names.
    #[schemars(example = &"usage.cost")]
    pub upstream_cost_response_path: Patch<String>,

    /// How the gateway proves itself to the upstream: `static`, `jwt` or `oauth2_cc`.
    pub auth_type: Patch<String>,
    /// The seller's key for the upstream; kept encrypted and never shown.
    pub upstream_api_key: Patch<Secret>,
    /// Header that carries that key.
    pub api_key_header: Patch<String>,
    /// Query parameter that carries that key.
    pub api_key_query_param: Patch<String>,
    /// Identifies the seller in the tokens of `jwt`.
    pub jwt_access_key: Patch<Secret>,
    /// Signs the tokens of `jwt`.
    pub jwt_secret_key: Patch<Secret>,
    pub jwt_algorithm: Patch<String>,
    pub jwt_expiration_seconds: Patch<i32>,
    pub oauth2_client_id: Patch<String>,
    pub oauth2_client_secret: Patch<Secret>,
    /// Where `oauth2_cc` gets its tokens.
    pub oauth2_token_url: Patch<String>,
    pub oauth2_scopes: Patch<Vec<String>>,
    /// Whether callers must first connect an account of theirs at the upstream.
    pub requires_user_oauth: Patch<bool>,
    /// The OAuth provider of those accounts.
    pub oauth_provider_id: Patch<Uuid>,
    /// Where a gateway key is exchanged for a token of the upstream.
    pub token_exchange_url: Patch<String>,
    /// `POST` or `GET`.
    pub token_exchange_method: Patch<String>,
    /// What carries the gateway's token there: `header`, `body` or `query`.
    pub token_exchange_mode: Patch<String>,
    /// Field of the reply that holds the upstream's token.
    pub token_response_field: Patch<String>,
    /// How long the token is kept, in seconds.
    pub token_cache_ttl_seconds: Patch<i32>,

    /// Whether resources belong to the caller who made them.
    pub ownership_tracking_enabled: Patch<bool>,
    /// The operations that are kept to the maker of a resource.
    pub protected_operations: Patch<Value>,
    /// Where a reply names the resource it made, as dotted names.
    pub resource_id_response_path: Patch<String>,
    /// Where a URL names the resource, as a path with a placeholder.
    pub resource_id_url_pattern: Patch<String>,

    /// Needed for the category `database`.
    pub database_type: Patch<DatabaseType>,
    pub database_name: Patch<String>,
    /// Settings of the database's provider; secret ones are kept encrypted and never shown.
    pub database_config: Patch<Secret<Value>>,
    /// The database's project at its host.
    pub project_id: Patch<Uuid>,
    /// The database's branch at its host.
    pub branch_id: Patch<Uuid>,
    /// Needed for the category `compute`.
    pub compute_type: Patch<ComputeType>,
    /// Base URL of the A2A agent; needed for the type `agent`.
    pub a2a_endpoint_url: Patch<String>,
}
