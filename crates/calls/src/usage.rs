//! What a buyer has used.

use farebox_base::{Micros, PartyId, Result};
use farebox_db::{Db, sql};

/// A buyer's totals over all time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Calls that were forwarded, failed ones too.
    pub calls: i64,
    pub spent: Micros,
    /// Sum of the latencies, for an average.
    pub latency_ms_sum: i64,
}

/// Totals over the party's closed calls.
pub async fn usage_totals(db: &Db, party: PartyId) -> Result<UsageTotals> {
    let party = party.to_string();
    let row = db
        .one(
            sql!(
                "SELECT CAST(COALESCE(SUM(served + failed), 0) AS BIGINT), CAST(COALESCE(SUM(charged), 0) AS BIGINT),
                   CAST(COALESCE(SUM(latency_ms), 0) AS BIGINT)
                 FROM call_use WHERE buyer_party_id = $1"
            ),
            &[party.as_str().into()],
        )
        .await?;
    row.map_or(Ok(UsageTotals::default()), |row| {
        Ok(UsageTotals { calls: row.get(0)?, spent: row.get(1)?, latency_ms_sum: row.get(2)? })
    })
}
