//! Sellers' secrets at rest, in memory and in changes.

use crate::{process, process_with, service};
use farebox_base::Kind;
use farebox_market::{
    Change, Door, ListingAccess, ListingCreate, ListingFilter, ListingKind, ListingPatch, SecretChanges, UpstreamSecret,
};
use farebox_testkit::engines;

const CONNECTION: &str = "postgres://seller:hunter2@db.example.com/data";

fn database() -> ListingCreate {
    ListingCreate::database(Door::SqlGateway, ListingKind::Postgres, "Yields", CONNECTION)
}

#[tokio::test]
async fn a_secret_is_sealed_in_the_row_and_open_in_the_cache_and_never_shown() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let party = here.party().await;
        let listing = here.listing(party, database()).await;
        assert_eq!(listing.target, "");
        let row = db.one("SELECT * FROM listing", &[]).await.unwrap().unwrap();
        let stored = format!("{row:?}");
        let in_bytes = format!("{:?}", b"hunter2").trim_matches(['[', ']']).to_owned();
        assert!(!stored.contains("hunter2") && !stored.contains(&in_bytes), "{stored}");
        let entry = there.market.by_id(listing.id).await.unwrap().unwrap();
        assert_eq!(entry.secret().unwrap().connection_string.as_deref(), Some(CONNECTION));
        for shown in [format!("{entry:?}"), format!("{:?}", database()), format!("{:?}", entry.listing)] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    })
    .await;
}

#[tokio::test]
async fn another_listings_blob_or_another_key_does_not_open_and_the_listing_is_still_shown() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let (first, second) = (here.listing(party, database()).await, here.listing(party, database()).await);
        let mut tx = db.begin(farebox_db::Isolation::Serializable).await.unwrap();
        let (from, to) = (first.id.to_string(), second.id.to_string());
        tx.execute(
            "UPDATE listing SET secret = (SELECT secret FROM listing WHERE id = $1) WHERE id = $2",
            &[(&from).into(), (&to).into()],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let there = process(&db);
        let moved = there.market.by_id(second.id).await.unwrap().unwrap();
        assert_eq!(moved.secret().unwrap_err().kind, Kind::Internal);
        there.market.by_id(first.id).await.unwrap().unwrap().secret().unwrap();

        let foreign = process_with(&db, [5; 32]);
        let entry = foreign.market.by_id(first.id).await.unwrap().unwrap();
        let error = entry.secret().unwrap_err();
        assert!(error.internal.unwrap().contains("not the one it was sealed with"));
        let listed = foreign.market.listings_page(&ListingFilter::default(), farebox_accounts::Page::first(9)).await;
        assert_eq!(listed.unwrap().total, 2);
        let renamed = ListingPatch { name: Some("still ours".to_owned()), ..ListingPatch::new(Door::SqlGateway) };
        let access = ListingAccess::sql_gateway(party);
        foreign.market.listing_update(access, first.id, &renamed).await.unwrap();
        let secret = process(&db).market.by_id(first.id).await.unwrap().unwrap();
        assert_eq!(secret.secret().unwrap().connection_string.as_deref(), Some(CONNECTION), "kept as it was");
    })
    .await;
}

#[tokio::test]
async fn a_secret_changes_field_by_field() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let secret = UpstreamSecret {
            api_key: Some("k1".to_owned()),
            api_key_header: Some("X-Api-Key".to_owned()),
            headers: vec![("X-A".to_owned(), "1".to_owned())],
            ..UpstreamSecret::default()
        };
        let listing = here.listing(party, ListingCreate { secret, ..service("x", "0.01") }).await;
        let access = ListingAccess::marketplace(party, "no");
        let change = async |secret: SecretChanges| {
            let patch = ListingPatch { secret, ..ListingPatch::new(Door::Platform) };
            here.market.listing_update(access, listing.id, &patch).await?;
            here.market.by_id(listing.id).await?.unwrap().secret().cloned()
        };
        let after = change(SecretChanges { api_key: Change::Set("k2".to_owned()), ..SecretChanges::default() }).await;
        let after = after.unwrap();
        assert_eq!((after.api_key.as_deref(), after.api_key_header.as_deref()), (Some("k2"), Some("X-Api-Key")));
        assert_eq!(after.headers.len(), 1);
        let bad = SecretChanges {
            headers: Change::Set(vec![("X".to_owned(), "a\r\nb".to_owned())]),
            ..SecretChanges::default()
        };
        assert_eq!(change(bad).await.unwrap_err().kind, Kind::Invalid);
        let on_http =
            SecretChanges { connection_string: Change::Set(CONNECTION.to_owned()), ..SecretChanges::default() };
        assert_eq!(change(on_http).await.unwrap_err().field.as_deref(), Some("connection_string"));
        let cleared = SecretChanges {
            api_key: Change::Clear,
            api_key_header: Change::Clear,
            headers: Change::Clear,
            ..SecretChanges::default()
        };
        assert!(change(cleared).await.unwrap().is_empty());
        let sealed = db.one("SELECT secret FROM listing", &[]).await.unwrap().unwrap();
        assert_eq!(sealed.get::<Option<&[u8]>>(0), Ok(None));
    })
    .await;
}

#[tokio::test]
async fn a_database_keeps_its_connection_string() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let listing = here.listing(party, database()).await;
        let secret = SecretChanges { connection_string: Change::Clear, ..SecretChanges::default() };
        let patch = ListingPatch { secret, ..ListingPatch::new(Door::SqlGateway) };
        let error =
            here.market.listing_update(ListingAccess::sql_gateway(party), listing.id, &patch).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some("connectionString"));
    })
    .await;
}
