//! Sums over what buyers have used.

use crate::{process, service};
use farebox_base::Micros;
use farebox_db::{Db, Isolation};
use farebox_market::{Listing, ListingStats};
use farebox_testkit::engines;

async fn used(db: &Db, listing: &Listing, buyer: &str, [served, failed, charged]: [i64; 3]) {
    let mut tx = db.begin(Isolation::Serializable).await.unwrap();
    tx.execute(
        "INSERT INTO call_use (listing_id, buyer_party_id, served, failed, charged, latency_ms)
         VALUES ($1, $2, $3, $4, $5, 0)",
        &[(&listing.id.to_string()).into(), buyer.into(), served.into(), failed.into(), charged.into()],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn served_calls_are_summed_per_listing_and_failed_ones_do_not_count() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let (busy, quiet) =
            (here.listing(party, service("a", "1")).await, here.listing(party, service("b", "1")).await);
        used(&db, &busy, "x", [2, 0, 10]).await;
        used(&db, &busy, "y", [1, 0, 5]).await;
        used(&db, &busy, "z", [0, 1, 0]).await;
        let stats = here.market.stats(&[busy.id, quiet.id]).await.unwrap();
        let expected = ListingStats { total_queries: 3, unique_agents: 2, revenue: Micros::new(15) };
        assert_eq!((stats.get(&busy.id), stats.get(&quiet.id)), (Some(&expected), None));
        assert!(here.market.stats(&[]).await.unwrap().is_empty());
    })
    .await;
}
