//! Listings as several processes see them.

use crate::{process, service};
use farebox_base::Kind;
use farebox_market::{Door, ListingAccess, ListingPatch, ListingStatus};
use farebox_testkit::engines;
use std::sync::Arc;

#[tokio::test]
async fn a_change_is_seen_here_at_once_and_elsewhere_after_a_refresh() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let party = here.party().await;
        let listing = here.listing(party, service("x", "0.01")).await;
        let status = async |market: &farebox_market::Market| {
            let by_id = market.by_id(listing.id).await.unwrap().unwrap();
            let by_slug = market.by_slug(&listing.slug).await.unwrap().unwrap();
            assert_eq!(by_id.listing.status, by_slug.listing.status);
            by_id.listing.status
        };
        assert_eq!(status(&there.market).await, ListingStatus::Active);
        let pause = ListingPatch { status: Some(ListingStatus::Paused), ..ListingPatch::new(Door::Marketplace) };
        here.market.listing_update(ListingAccess::marketplace(party, "no"), listing.id, &pause).await.unwrap();
        assert_eq!(status(&here.market).await, ListingStatus::Paused);
        assert_eq!(status(&there.market).await, ListingStatus::Active);
        there.changes.refresh().await.unwrap();
        assert_eq!(status(&there.market).await, ListingStatus::Paused);
    })
    .await;
}

#[tokio::test]
async fn a_hit_is_the_same_entry_and_new_listings_do_not_empty_the_cache() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let listing = here.listing(party, service("x", "0.01")).await;
        let first = here.market.by_id(listing.id).await.unwrap().unwrap();
        here.listing(party, service("y", "0.01")).await;
        here.changes.refresh().await.unwrap();
        let by_slug = here.market.by_slug(&listing.slug).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &by_slug));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_slug_is_not_there() {
    engines::each(async |db| {
        let here = process(&db);
        for slug in ["", "no-such", "a\0b", "../etc", &"x".repeat(10_000)] {
            assert!(here.market.by_slug(slug).await.unwrap().is_none());
        }
        let nobody = here.party().await;
        let id = farebox_base::ListingId::generate(&*here.clock, &farebox_base::SystemRng);
        let error = here.market.listing_owned(ListingAccess::platform(nobody), id).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::NotFound, "Publisher not found"));
    })
    .await;
}
