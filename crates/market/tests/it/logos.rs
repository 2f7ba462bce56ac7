//! Logos of listings: kept, replaced, dropped, and nobody else's.

use crate::{process, service};
use farebox_base::Kind;
use farebox_market::{Door, ListingAccess, ListingPatch, Logo, LogoMedia};
use farebox_testkit::engines;

fn svg(colour: &str) -> Logo {
    let text = format!(r##"<svg xmlns="http://www.w3.org/2000/svg"><rect fill="{colour}"/></svg>"##);
    Logo::read("image/svg+xml", text.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_new_logo_takes_the_place_of_the_old_one_and_an_address_elsewhere_that_of_both() {
    engines::each(async |db| {
        let process = process(&db);
        let own = process.party().await;
        let listing = process.listing(own, service("Weather", "1")).await;
        let access = ListingAccess::platform(own);
        let current = async || process.market.by_id(listing.id).await.unwrap().unwrap().listing.clone();
        assert_eq!((current().await.logo_digest(), process.market.logo(&listing).await.unwrap()), (None, None));

        let mut digests = vec![];
        for logo in [svg("red"), svg("blue")] {
            process.market.logo_set(access, listing.id, &logo).await.unwrap();
            let listing = current().await;
            let stored = process.market.logo(&listing).await.unwrap().unwrap();
            assert_eq!((stored.media, stored.bytes.as_slice()), (LogoMedia::Svg, logo.bytes()));
            digests.push(listing.logo_digest().unwrap().to_owned());
        }
        assert_ne!(digests[0], digests[1]);
        let rows = db.one("SELECT COUNT(*) FROM listing_logo", &[]).await.unwrap().unwrap();
        assert_eq!(rows.get::<i64>(0).unwrap(), 1, "the old picture is gone");

        let mut patch = ListingPatch::new(Door::Platform);
        patch.profile.insert("logo_url".to_owned(), "https://pictures.example.com/a.png".into());
        patch.drop_logo();
        process.market.listing_update(access, listing.id, &patch).await.unwrap();
        assert_eq!(process.market.logo(&*current().await).await.unwrap(), None);
        process.market.logo_set(access, listing.id, &svg("green")).await.unwrap();
        assert!(!current().await.profile.contains_key("logo_url"));
    })
    .await;
}

#[tokio::test]
async fn a_stranger_changes_no_logo() {
    engines::each(async |db| {
        let process = process(&db);
        let (own, other) = (process.party().await, process.party().await);
        let listing = process.listing(own, service("Weather", "1")).await;
        let refused = process.market.logo_set(ListingAccess::platform(other), listing.id, &svg("red")).await;
        assert_eq!(refused.unwrap_err().kind, Kind::NotFound);
        let rows = db.one("SELECT COUNT(*) FROM listing_logo", &[]).await.unwrap().unwrap();
        assert_eq!(rows.get::<i64>(0).unwrap(), 0);
    })
    .await;
}
