//! Publishers of an organization: what its members list, change and take away.

use super::publisher_mapping::{
    OnChain, Subject, Viewer, check_on_chain, in_platform_words, listing_create, listing_patch, pricing, pricing_patch,
    publisher,
};
use super::{Cx, publisher_oauth};
use crate::Core;
use crate::organization::organization;
use farebox_accounts::Page;
use farebox_api_kit::{Created, Data, Json, Ok200, Path, operations};
use farebox_api_types::platform::{
    CreatePublisherRequest, PricingConfigResponse, PublisherResponse, UpdatePricingRequest, UpdatePublisherRequest,
};
use farebox_base::{ListingId, Result};
use farebox_market::{Change, ListingAccess, ListingEntry, UserOauth, UserOauthChanges};
use std::sync::Arc;
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Organizations";
    GET    "/organizations/{organization_id}/publishers" list_org_publishers(Needs(ListingsRead)) "List an organization's publishers";
    POST   "/organizations/{organization_id}/publishers" create_publisher(Needs(ListingsWrite)) errors(409) "Create a publisher";
    GET    "/organizations/{organization_id}/publishers/{publisher_id}" get_org_publisher(Needs(ListingsRead)) "Show a publisher of an organization";
    PUT    "/organizations/{organization_id}/publishers/{publisher_id}" update_publisher(Needs(ListingsWrite)) "Change a publisher";
    DELETE "/organizations/{organization_id}/publishers/{publisher_id}" delete_publisher(Needs(ListingsWrite)) "Remove a publisher; its slug stays taken";
    PUT    "/organizations/{organization_id}/publishers/{publisher_id}/pricing" update_publisher_pricing(Needs(ListingsWrite)) "Change a publisher's prices";
}

/// The most publishers that a list shows; the contract's list has no paging parameters.
const LIST_MAX: u32 = 1_000;

type Shown = Result<Ok200<Data<PublisherResponse>>>;

/// A publisher that can no longer be found or called.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct PublisherDeleted {
    id: Uuid,
    deleted: bool,
}

async fn list_org_publishers(cx: Cx, path: Path<String>) -> Result<Ok200<Data<Vec<PublisherResponse>>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let market = &cx.core.market;
    let listings = market.listings_owned(party, false, Page::first(LIST_MAX)).await?.items;
    let ids: Vec<ListingId> = listings.iter().map(|listing| listing.id).collect();
    let stats = market.stats(&ids).await?;
    let mut shown = Vec::with_capacity(listings.len());
    for listing in listings {
        let Some(entry) = market.by_id(listing.id).await? else { continue };
        let viewer = Viewer::Owner(entry.secret().ok());
        let stats = stats.get(&listing.id).copied().unwrap_or_default();
        shown.push(publisher(&entry.listing, stats, viewer, OnChain::of(&cx), &cx.core.settings.public_url)?);
    }
    Ok(Ok200(Data(shown)))
}

async fn create_publisher(
    cx: Cx,
    path: Path<String>,
    body: Json<CreatePublisherRequest>,
) -> Result<Created<Data<PublisherResponse>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let slug = body.0.oauth_provider_slug.clone();
    let mut create = listing_create(body.0, cx.core.settings.fee_basis_points)?;
    if let Some(slug) = slug {
        create.user_oauth.provider = Change::Set(publisher_oauth::named(&cx, party, &slug).await?);
    }
    let asked = UserOauth::default().changed(create.user_oauth);
    publisher_oauth::check(&cx, party, asked, create.target.as_deref().unwrap_or_default()).await?;
    cx.core.settings.payments.check_wallet(&create.profile)?;
    let listing = cx.core.market.listing_create(party, &create).await.map_err(in_platform_words)?;
    let entry = cx.core.market.listing_owned(ListingAccess::platform(party), listing.id).await?;
    Ok(Created(Data(shown(&cx, &entry).await?)))
}

async fn get_org_publisher(cx: Cx, path: Path<(String, Uuid)>) -> Shown {
    let (_, entry) = owned(&cx, &path.0).await?;
    Ok(Ok200(Data(shown(&cx, &entry).await?)))
}

async fn update_publisher(cx: Cx, path: Path<(String, Uuid)>, body: Json<UpdatePublisherRequest>) -> Shown {
    let (access, entry) = owned(&cx, &path.0).await?;
    let id = entry.listing.id;
    let patch = listing_patch(&body.0, Subject::of(&entry.listing, entry.secret().ok()))?;
    cx.core.settings.payments.check_wallet(&patch.profile)?;
    if patch.user_oauth != UserOauthChanges::default() || patch.target.is_some() {
        let asked = entry.listing.user_oauth.changed(patch.user_oauth);
        let target = patch.target.as_deref().unwrap_or(&entry.listing.target);
        publisher_oauth::check(&cx, entry.listing.party_id, asked, target).await?;
    }
    cx.core.market.listing_update(access, id, &patch).await.map_err(in_platform_words)?;
    let entry = cx.core.market.listing_owned(access, id).await?;
    Ok(Ok200(Data(shown(&cx, &entry).await?)))
}

async fn delete_publisher(cx: Cx, path: Path<(String, Uuid)>) -> Result<Ok200<Data<PublisherDeleted>>> {
    let party = organization(cx.caller()?, &path.0.0)?;
    let id = ListingId::from_uuid(path.0.1);
    cx.core.market.listing_remove(ListingAccess::platform(party), id).await?;
    Ok(Ok200(Data(PublisherDeleted { id: id.uuid(), deleted: true })))
}

async fn update_publisher_pricing(
    cx: Cx,
    path: Path<(String, Uuid)>,
    body: Json<UpdatePricingRequest>,
) -> Result<Ok200<Data<PricingConfigResponse>>> {
    let (access, entry) = owned(&cx, &path.0).await?;
    check_on_chain(&body.0, OnChain::of(&cx))?;
    let patch = pricing_patch(&body.0, Subject::of(&entry.listing, entry.secret().ok()))?;
    let listing = cx.core.market.listing_update(access, entry.listing.id, &patch).await.map_err(in_platform_words)?;
    Ok(Ok200(Data(pricing(&listing, OnChain::of(&cx)))))
}

/// The caller's own publisher that the path names.
pub(super) async fn owned(
    cx: &Cx,
    (organization_text, id): &(String, Uuid),
) -> Result<(ListingAccess, Arc<ListingEntry>)> {
    let access = ListingAccess::platform(organization(cx.caller()?, organization_text)?);
    let entry = cx.core.market.listing_owned(access, ListingId::from_uuid(*id)).await?;
    Ok((access, entry))
}

async fn shown(cx: &Cx, entry: &ListingEntry) -> Result<PublisherResponse> {
    let id = entry.listing.id;
    let stats = cx.core.market.stats(&[id]).await?;
    let viewer = Viewer::Owner(entry.secret().ok());
    let stats = stats.get(&id).copied().unwrap_or_default();
    publisher(&entry.listing, stats, viewer, OnChain::of(cx), &cx.core.settings.public_url)
}
