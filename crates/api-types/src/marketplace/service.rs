//! Services: the marketplace's word for listings. A service's endpoint is never shown to the public.

use crate::{Patch, PaymentOrder, PaymentReceiver, Time, number::integer_or_text, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// `active` services are found and called, `paused` ones are shown but not called, `removed` ones are gone.
    ServiceStatus { Active = "active", Paused = "paused", Removed = "removed" }
}

wire_enum! {
    /// How calls of a service are paid.
    PaymentMethod { X402 = "x402", PayPal = "paypal", NowPayments = "nowpayments" }
}

/// Registers a service for the key's owner.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateServiceRequest {
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// Base URL that calls are forwarded to, `https://` or `http://`.
    #[schemars(example = &"https://api.example.com/v1")]
    pub endpoint: String,
    /// Price of one call in USDC, as decimal text.
    #[schemars(example = &"0.05")]
    pub price_per_call: String,
    #[serde(default)]
    #[schemars(example = &"data")]
    pub category: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default = "x402")]
    pub payment_method: PaymentMethod,
    /// Calls that each buyer has free.
    #[serde(default, deserialize_with = "integer_or_text")]
    pub free_tier_calls: i64,
    /// The most that a call costs whose reply tells, in `X-Farebox-Charge`, what it costs. A reply that does not tell costs
    /// `price_per_call`. Not published: an extension of this gateway, as the fields below.
    #[schemars(example = &"0.50")]
    pub reserve_max_charge: Option<String>,
    /// When payments on chain are settled; the operator's choice where it is missing.
    pub payment_order: Option<PaymentOrder>,
    /// Who receives payments on chain; the operator's choice where it is missing. `seller` needs `wallet_address`.
    pub payment_receiver: Option<PaymentReceiver>,
    /// The seller's address on EVM chains.
    pub wallet_address: Option<String>,
}

/// Changes a service. A field that is null or left out stays as it is, unless it says otherwise.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct UpdateServiceRequest {
    pub name: Option<String>,
    pub description: Option<String>,
    /// Base URL that calls are forwarded to, `https://` or `http://`.
    pub endpoint: Option<String>,
    /// Price of one call in USDC, as decimal text.
    #[schemars(example = &"0.05")]
    pub price_per_call: Option<String>,
    pub status: Option<ServiceStatus>,
    pub category: Option<String>,
    pub tags: Option<Vec<String>>,
    /// The most that a call costs whose reply tells, in `X-Farebox-Charge`, what it costs; `"0"`: the price is fixed. Not
    /// published: an extension of this gateway, as the fields below.
    pub reserve_max_charge: Option<String>,
    /// When payments on chain are settled; `null` goes back to the operator's choice.
    #[serde(default)]
    pub payment_order: Patch<PaymentOrder>,
    /// Who receives payments on chain; `null` goes back to the operator's choice. `seller` needs `wallet_address`.
    #[serde(default)]
    pub payment_receiver: Patch<PaymentReceiver>,
    /// The seller's address on EVM chains.
    pub wallet_address: Option<String>,
}

/// A service as everyone sees it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Service {
    pub id: Uuid,
    /// The `owner_id` of whoever sells it.
    pub provider_id: String,
    pub name: String,
    pub description: String,
    pub pricing: ServicePricing,
    pub status: ServiceStatus,
    pub category: String,
    pub tags: Vec<String>,
    pub created_at: Time,
    pub updated_at: Time,
}

/// What a call of a service costs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServicePricing {
    /// Decimal text, digit for digit as it was registered.
    #[schemars(example = &"0.05")]
    pub price_per_call: String,
    #[schemars(example = &"USDC")]
    pub currency: String,
    pub payment_method: PaymentMethod,
    /// Calls that each buyer has free.
    pub free_tier_calls: i64,
    /// The most that a call costs whose reply tells what it costs; left out where the price is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve_max_charge: Option<String>,
    /// When payments on chain are settled; left out where the seller has not chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_order: Option<PaymentOrder>,
    /// Who receives payments on chain; left out where the seller has not chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_receiver: Option<PaymentReceiver>,
}

/// Narrows and pages the list of services.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListServicesQuery {
    /// Text that the name or the description contains.
    pub query: Option<String>,
    pub category: Option<String>,
    /// Active ones unless told.
    pub status: Option<ServiceStatus>,
    /// How many to show at most: 50 unless told, never more than 100.
    pub limit: Option<i64>,
    /// How many to skip.
    pub offset: Option<i64>,
}

/// One page of services, newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServiceList {
    pub services: Vec<Service>,
    /// How many this page shows.
    pub count: i64,
    pub offset: i64,
    pub limit: i64,
}

/// A service that was taken off the market.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServiceRemoved {
    /// Always `removed`.
    pub status: ServiceStatus,
    pub id: Uuid,
}

const fn x402() -> PaymentMethod {
    PaymentMethod::X402
}
