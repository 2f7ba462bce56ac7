//! Services of the marketplace as listings, and back.

use farebox_api_types::marketplace::{PaymentMethod, Service, ServicePricing, ServiceStatus};
use farebox_base::{Error, Result};
use farebox_market::{Listing, ListingStatus};

pub(crate) fn service(listing: &Listing) -> Result<Service> {
    Ok(Service {
        id: listing.id.uuid(),
        provider_id: listing.owner_id.clone(),
        name: listing.name.clone(),
        description: listing.description.clone(),
        pricing: ServicePricing {
            price_per_call: listing.prices.price_text.clone(),
            currency: "USDC".to_owned(),
            payment_method: payment_method(&listing.payment_method)?,
            free_tier_calls: i64::from(listing.free_tier_calls),
        },
        status: status(listing.status),
        category: listing.category.clone(),
        tags: listing.tags.clone(),
        created_at: listing.created_at.into(),
        updated_at: listing.updated_at.into(),
    })
}

fn payment_method(text: &str) -> Result<PaymentMethod> {
    match text {
        "x402" => Ok(PaymentMethod::X402),
        "paypal" => Ok(PaymentMethod::PayPal),
        "nowpayments" => Ok(PaymentMethod::NowPayments),
        other => Err(Error::internal(format!("stored payment method {other}"))),
    }
}

pub(crate) fn payment_method_text(method: PaymentMethod) -> String {
    match method {
        PaymentMethod::X402 => "x402",
        PaymentMethod::PayPal => "paypal",
        PaymentMethod::NowPayments => "nowpayments",
    }
    .to_owned()
}

fn status(status: ListingStatus) -> ServiceStatus {
    match status {
        ListingStatus::Active => ServiceStatus::Active,
        ListingStatus::Paused => ServiceStatus::Paused,
        ListingStatus::Removed => ServiceStatus::Removed,
    }
}

pub(crate) fn listing_status(status: ServiceStatus) -> ListingStatus {
    match status {
        ServiceStatus::Active => ListingStatus::Active,
        ServiceStatus::Paused => ListingStatus::Paused,
        ServiceStatus::Removed => ListingStatus::Removed,
    }
}
