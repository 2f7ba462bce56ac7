//! Services: registering, listing, changing, removing.

use super::Cx;
use super::service_mapping::{listing_status, payment_method_text, payments, profile, service};
use crate::Core;
use farebox_accounts::Page;
use farebox_api_kit::{Created, Json, Ok200, Path, Query, operations};
use farebox_api_types::Patch;
use farebox_api_types::marketplace::{
    CreateServiceRequest, ListServicesQuery, Service, ServiceList, ServiceRemoved, ServiceStatus, UpdateServiceRequest,
};
use farebox_base::{Error, ListingId, Result};
use farebox_market::{
    Change, Door, ListingAccess, ListingCreate, ListingFilter, ListingPatch, ListingStatus, PriceChanges,
};
use uuid::Uuid;

operations! {
    core Core, door Marketplace, tag "Service Registry";
    POST   "/api/v1/services" register_service(Needs(ListingsWrite)) "Register a service";
    GET    "/api/v1/services" list_services(Public) "List and search services";
    GET    "/api/v1/services/{service_id}" get_service(Public) "Show a service";
    PATCH  "/api/v1/services/{service_id}" update_service(Needs(ListingsWrite)) "Change a service of your own";
    DELETE "/api/v1/services/{service_id}" remove_service(Needs(ListingsWrite)) "Remove a service of your own";
}

pub(super) const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 100;

/// The page that a door's `limit` and `offset` ask for: clamped, as the marketplace's clients expect.
pub(super) fn page(limit: Option<i64>, offset: Option<i64>) -> Page {
    let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    Page { limit: u32::try_from(limit).unwrap_or(1), offset: u64::try_from(offset.unwrap_or(0).max(0)).unwrap_or(0) }
}

async fn register_service(cx: Cx, body: Json<CreateServiceRequest>) -> Result<Created<Service>> {
    let body = body.0;
    let create = ListingCreate {
        description: body.description,
        category: body.category,
        tags: body.tags,
        prices: PriceChanges {
            per_call: Change::Set(body.price_per_call),
            reserve_max: body.reserve_max_charge.into(),
            ..PriceChanges::default()
        },
        payments: payments(given(body.payment_order), given(body.payment_receiver)),
        profile: profile(body.wallet_address)?,
        free_tier_calls: body.free_tier_calls,
        payment_method: Some(payment_method_text(body.payment_method)),
        ..ListingCreate::http(Door::Marketplace, body.name, body.endpoint)
    };
    cx.core.settings.payments.check_wallet(&create.profile)?;
    let listing = cx.core.market.listing_create(cx.caller()?.party_id, &create).await?;
    service(&listing).map(Created)
}

async fn list_services(cx: Cx, query: Query<ListServicesQuery>) -> Result<Ok200<ServiceList>> {
    let (query, page) = (query.0.clone(), page(query.0.limit, query.0.offset));
    let filter = ListingFilter {
        text: query.query,
        category: query.category,
        status: Some(query.status.map_or(ListingStatus::Active, listing_status)),
        ..ListingFilter::default()
    };
    let found = cx.core.market.listings_page(&filter, page).await?;
    let services = found.items.iter().map(|listing| service(listing)).collect::<Result<Vec<_>>>()?;
    Ok(Ok200(ServiceList {
        count: i64::try_from(services.len()).unwrap_or(i64::MAX),
        services,
        offset: i64::try_from(page.offset).unwrap_or(i64::MAX),
        limit: i64::from(page.limit),
    }))
}

async fn get_service(cx: Cx, path: Path<String>) -> Result<Ok200<Service>> {
    let id = service_id(&path.0)?;
    let entry = cx.core.market.by_id(id).await?.ok_or_else(not_found)?;
    service(&entry.listing).map(Ok200)
}

async fn update_service(cx: Cx, path: Path<String>, body: Json<UpdateServiceRequest>) -> Result<Ok200<Service>> {
    let (id, body) = (service_id(&path.0)?, body.0);
    let patch = ListingPatch {
        name: body.name,
        description: body.description,
        category: body.category,
        tags: body.tags,
        status: body.status.map(listing_status),
        target: body.endpoint,
        prices: PriceChanges {
            per_call: body.price_per_call.into(),
            reserve_max: body.reserve_max_charge.into(),
            ..PriceChanges::default()
        },
        payments: payments(body.payment_order, body.payment_receiver),
        profile: profile(body.wallet_address)?,
        ..ListingPatch::new(Door::Marketplace)
    };
    let access = ListingAccess::marketplace(cx.caller()?.party_id, "Only the service owner can update");
    cx.core.settings.payments.check_wallet(&patch.profile)?;
    let listing = cx.core.market.listing_update(access, id, &patch).await?;
    service(&listing).map(Ok200)
}

async fn remove_service(cx: Cx, path: Path<String>) -> Result<Ok200<ServiceRemoved>> {
    let id = service_id(&path.0)?;
    let access = ListingAccess::marketplace(cx.caller()?.party_id, "Only the service owner can remove");
    cx.core.market.listing_remove(access, id).await?;
    let id: Uuid = id.uuid();
    Ok(Ok200(ServiceRemoved { status: ServiceStatus::Removed, id }))
}

fn given<T>(asked: Option<T>) -> Patch<T> {
    asked.map_or(Patch::Absent, Patch::Value)
}

/// Text that is no id names no service.
pub(super) fn service_id(text: &str) -> Result<ListingId> {
    ListingId::parse(text).ok_or_else(not_found)
}

pub(super) fn not_found() -> Error {
    Error::not_found("Service")
}
