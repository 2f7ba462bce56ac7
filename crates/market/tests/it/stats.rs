//! Sums over calls.

use crate::{process, service};
use farebox_base::Micros;
use farebox_db::{Db, Isolation};
use farebox_market::{Listing, ListingStats};
use farebox_testkit::engines;

async fn call(db: &Db, id: &str, listing: &Listing, buyer: &str, state: &str, charged: i64) {
    let (listing_id, seller) = (listing.id.to_string(), listing.party_id.to_string());
    let mut tx = db.begin(Isolation::Serializable).await.unwrap();
    tx.execute(
        "INSERT INTO call (id, buyer_party_id, seller_party_id, listing_id, door, method, path, state, free_tier,
           quoted, charged, request_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, 'platform', 'GET', '/', $5, 0, 0, $6, $1, 0, 0)",
        &[id.into(), buyer.into(), (&seller).into(), (&listing_id).into(), state.into(), charged.into()],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn finished_calls_are_summed_per_listing_and_others_do_not_count() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let (busy, quiet) =
            (here.listing(party, service("a", "1")).await, here.listing(party, service("b", "1")).await);
        call(&db, "1", &busy, "x", "charged", 10).await;
        call(&db, "2", &busy, "x", "free", 0).await;
        call(&db, "3", &busy, "y", "charged", 5).await;
        call(&db, "4", &busy, "z", "failed", 0).await;
        call(&db, "5", &busy, "z", "open", 0).await;
        call(&db, "6", &quiet, "z", "expired", 0).await;
        let stats = here.market.stats(&[busy.id, quiet.id]).await.unwrap();
        let expected = ListingStats { total_queries: 3, unique_agents: 2, revenue: Micros::new(15) };
        assert_eq!((stats.get(&busy.id), stats.get(&quiet.id)), (Some(&expected), None));
        assert!(here.market.stats(&[]).await.unwrap().is_empty());
    })
    .await;
}
