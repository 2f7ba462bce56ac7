//! What a listing's calls add up to.

use crate::Market;
use farebox_base::{ListingId, Micros, Result};
use farebox_db::{Param, Where, sql};
use std::collections::HashMap;

/// Finished calls of one listing, paid and free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListingStats {
    pub total_queries: u64,
    /// Buyers that called at least once.
    pub unique_agents: u64,
    /// What buyers were charged, before the platform's fee.
    pub revenue: Micros,
}

impl Market {
    /// The sums of the listings that have calls; the others are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stats(&self, ids: &[ListingId]) -> Result<HashMap<ListingId, ListingStats>> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let params: Vec<Param<'_>> = ids.iter().map(Into::into).collect();
        let mut calls = Where::continuing(
            sql!(
                "SELECT listing_id, calls, buyers, revenue FROM (
                   SELECT listing_id, CAST(SUM(served) AS BIGINT) AS calls,
                     CAST(SUM(CASE WHEN served > 0 THEN 1 ELSE 0 END) AS BIGINT) AS buyers,
                     CAST(SUM(charged) AS BIGINT) AS revenue
                   FROM call_use GROUP BY listing_id
                 ) sums WHERE calls > 0"
            ),
            &[],
        );
        calls.and_in("listing_id", &params);
        let (statement, params) = calls.finish("", &[]);
        let mut stats = HashMap::with_capacity(ids.len());
        for row in self.db().query_built(&statement, &params).await? {
            let count = |index| row.get::<i64>(index).map(|n| u64::try_from(n).unwrap_or(0));
            let of_listing = ListingStats { total_queries: count(1)?, unique_agents: count(2)?, revenue: row.get(3)? };
            stats.insert(row.get(0)?, of_listing);
        }
        Ok(stats)
    }
}
