//! A provider's price of rows: USDC per 1000 rows, times a multiplier.

use crate::{DecimalNumber, Time, number::number_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Sets both parts of the price.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetPricingRequest {
    /// USDC for 1000 rows, before the multiplier.
    #[serde(rename = "basePricePer1000Rows")]
    pub base_price_per_1000_rows: DecimalNumber,
    /// The base price is multiplied by this; 1 adds nothing.
    pub markup_multiplier: DecimalNumber,
}

/// A provider's price.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderPricing {
    pub id: Uuid,
    pub provider_id: Uuid,
    /// USDC for 1000 rows, before the multiplier.
    #[serde(rename = "basePricePer1000Rows")]
    #[schemars(schema_with = "number_schema")]
    pub base_price_per_1000_rows: DecimalNumber,
    /// The base price is multiplied by this; 1 adds nothing.
    #[schemars(schema_with = "number_schema")]
    pub markup_multiplier: DecimalNumber,
    pub created_at: Time,
    pub updated_at: Time,
}
