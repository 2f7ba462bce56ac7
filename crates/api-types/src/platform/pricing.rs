//! A publisher's prices in one asset. Prices and amounts are decimal text in whole units of the asset.

use crate::{Patch, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// What a call is charged by.
    PricingModel {
        PerRow = "per_row",
        PerRequest = "per_request",
        PerByte = "per_byte",
        Tiered = "tiered",
        Passthrough = "passthrough",
    }
}

/// The prices in one asset.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PricingConfigResponse {
    pub asset_id: Uuid,
    #[schemars(example = &"USDC")]
    pub asset_symbol: Option<String>,
    pub pricing_model: PricingModel,
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
    pub base_price_per_1000_rows: String,
    /// The base price is multiplied by this; 1 adds nothing.
    pub markup_multiplier: String,
    /// The least that a call costs.
    pub min_charge: String,
    /// The most that is reserved for a call whose cost only its reply tells.
    pub reserve_max_charge: Option<String>,
    /// What a call costs whose reply does not tell.
    pub unresolved_fallback_charge: Option<String>,
    /// Whether calls can be paid from a balance.
    pub prepaid_enabled: bool,
    /// Whether calls can be paid by a transfer on the asset's chain.
    pub onchain_enabled: bool,
    /// How long an on-chain payment request is good for, in minutes.
    pub payment_expiry_minutes: i32,
    /// The balance that a caller must have.
    pub minimum_balance: String,
    /// The balance below which a caller is warned.
    pub low_balance_threshold: String,
    /// How long running work goes on without balance, in minutes.
    pub grace_period_minutes: Option<i32>,
    pub max_queries_per_minute: Option<i32>,
    /// The lowest price to show to people; nothing is charged by it.
    pub min_display_price: Option<String>,
    /// What to show in place of a price.
    pub pricing_display_text: Option<String>,
}

/// Changes the prices in one asset. A field that is left out stays as it is, `null` takes the price away.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdatePricingRequest {
    /// The asset whose prices change.
    pub asset_id: Uuid,
    #[serde(default)]
    pub pricing_model: Patch<PricingModel>,
    #[serde(default)]
    #[schemars(example = &"0.05")]
    pub price_per_call: Patch<String>,
    #[serde(default)]
    pub price_per_get: Patch<String>,
    #[serde(default)]
    pub price_per_post: Patch<String>,
    #[serde(default)]
    pub price_per_put: Patch<String>,
    #[serde(default)]
    pub price_per_patch: Patch<String>,
    #[serde(default)]
    pub price_per_delete: Patch<String>,
    /// Price of one run of a publisher of the category `compute`.
    #[serde(default)]
    pub price_per_execution: Patch<String>,
    /// Price of an hour of running time.
    #[serde(default)]
    pub hourly_rate: Patch<String>,
    #[serde(default)]
    pub base_price_per_1000_rows: Patch<String>,
    /// The base price is multiplied by this; 1 adds nothing.
    #[serde(default)]
    pub markup_multiplier: Patch<String>,
    /// The least that a call costs.
    #[serde(default)]
    pub min_charge: Patch<String>,
    /// The most that is reserved for a call whose cost only its reply tells.
    #[serde(default)]
    pub reserve_max_charge: Patch<String>,
    /// What a call costs whose reply does not tell.
    #[serde(default)]
    pub unresolved_fallback_charge: Patch<String>,
    /// Whether calls can be paid from a balance.
    #[serde(default)]
    pub prepaid_enabled: Patch<bool>,
    /// Whether calls can be paid by a transfer on the asset's chain.
    #[serde(default)]
    pub onchain_enabled: Patch<bool>,
    /// How long an on-chain payment request is good for, in minutes.
    #[serde(default)]
    pub payment_expiry_minutes: Patch<i32>,
    /// The balance that a caller must have.
    #[serde(default)]
    pub minimum_balance: Patch<String>,
    /// The balance below which a caller is warned.
    #[serde(default)]
    pub low_balance_threshold: Patch<String>,
    /// How long running work goes on without balance, in minutes.
    #[serde(default)]
    pub grace_period_minutes: Patch<i32>,
    #[serde(default)]
    pub max_queries_per_minute: Patch<i32>,
    /// The lowest price to show to people; nothing is charged by it.
    #[serde(default)]
    pub min_display_price: Patch<String>,
    /// What to show in place of a price.
    #[serde(default)]
    pub pricing_display_text: Patch<String>,
    /// Where a gateway key is exchanged for a token of the upstream.
    #[serde(default)]
    pub token_exchange_url: Patch<String>,
    /// `POST` or `GET`.
    #[serde(default)]
    pub token_exchange_method: Patch<String>,
    /// What carries the gateway's token there: `header`, `body` or `query`.
    #[serde(default)]
    pub token_exchange_mode: Patch<String>,
    /// Field of the reply that holds the upstream's token.
    #[serde(default)]
    pub token_response_field: Patch<String>,
    /// How long the token is kept, in seconds.
    #[serde(default)]
    pub token_cache_ttl_seconds: Patch<i32>,
}
