//! The marketplace door: keys, services, discovery, usage, health.
//!
//! Names and shapes are those of the door's reference. Prices are decimal text as they were registered; statistics
//! that are no money are JSON numbers. Fields that are null in an update mean the same as fields left out.

mod discover;
mod health;
mod key;
mod service;
mod usage;

pub use discover::{CategoryCount, CategoryList, DiscoverQuery, DiscoverResult, ServiceSort};
pub use health::{MarketplaceHealth, ServiceInfo};
pub use key::{CreateKeyRequest, KeyCreated, KeyRole, KeyValidity, ValidateKeyRequest};
pub use service::{
    CreateServiceRequest, ListServicesQuery, PaymentMethod, Service, ServiceList, ServicePricing, ServiceRemoved,
    ServiceStatus, UpdateServiceRequest,
};
pub use usage::BuyerUsage;
