//! Finding active services.

use super::{PaymentMethod, Service};
use crate::wire_enum::wire_enum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

wire_enum! {
    /// The order of what was found: newest first, cheapest first, or by name.
    ServiceSort { CreatedAt = "created_at", Price = "price", Name = "name" }
}

/// What to look for. Conditions narrow each other.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct DiscoverQuery {
    /// Text to look for.
    pub q: Option<String>,
    pub category: Option<String>,
    /// Words with commas between them; a service with any of them is found.
    #[schemars(example = &"nlp,sentiment")]
    pub tags: Option<String>,
    /// The lowest price of a call, itself included, as decimal text.
    #[schemars(example = &"0.01")]
    pub min_price: Option<String>,
    /// The highest price of a call, itself included, as decimal text.
    #[schemars(example = &"1.00")]
    pub max_price: Option<String>,
    pub payment_method: Option<PaymentMethod>,
    /// Whether there must be free calls; `false` finds only services without.
    pub has_free_tier: Option<bool>,
    /// Newest first unless told.
    pub sort_by: Option<ServiceSort>,
    /// How many to show at most: 50 unless told, never more than 100.
    pub limit: Option<i64>,
    /// How many to skip.
    pub offset: Option<i64>,
}

/// One page of what was found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiscoverResult {
    pub services: Vec<Service>,
    /// How many were found on all pages.
    pub total: i64,
    pub offset: i64,
    pub limit: i64,
}

/// Every category that has active services, the fullest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CategoryList {
    pub categories: Vec<CategoryCount>,
}

/// A category and how many active services it has.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CategoryCount {
    pub category: String,
    pub count: i64,
}
