//! Services of the marketplace as listings, and back.

use crate::payments::{order_of, receiver_of, shown_policy};
use farebox_api_types::marketplace::{PaymentMethod, Service, ServicePricing, ServiceStatus};
use farebox_api_types::{Patch, PaymentOrder, PaymentReceiver};
use farebox_base::{Error, Result};
use farebox_market::{Change, JsonObject, Listing, ListingStatus, PaymentPolicyChanges};
use farebox_x402::evm::address;

pub(crate) fn service(listing: &Listing) -> Result<Service> {
    let (payment_order, payment_receiver) = shown_policy(listing.payments);
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
            reserve_max_charge: listing.prices.reserve_max.map(|most| most.to_string()),
            payment_order,
            payment_receiver,
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

/// What a request decides about payments on chain.
pub(crate) fn payments(order: Patch<PaymentOrder>, receiver: Patch<PaymentReceiver>) -> PaymentPolicyChanges {
    fn change<T>(asked: Patch<T>) -> Change<T> {
        match asked {
            Patch::Absent => Change::Keep,
            Patch::Null => Change::Clear,
            Patch::Value(value) => Change::Set(value),
        }
    }
    PaymentPolicyChanges { order: change(order).map(order_of), receiver: change(receiver).map(receiver_of) }
}

/// The descriptive fields that a request sets.
///
/// # Errors
/// `Invalid` for `wallet_address`.
pub(crate) fn profile(wallet_address: Option<String>) -> Result<JsonObject> {
    let mut profile = JsonObject::new();
    if let Some(wallet) = wallet_address {
        if address::parse(&wallet).is_none_or(|address| address.is_zero()) {
            return Err(Error::invalid("wallet_address", "must be 0x followed by 40 hex digits, and not zero"));
        }
        profile.insert("wallet_address".to_owned(), wallet.into());
    }
    Ok(profile)
}
