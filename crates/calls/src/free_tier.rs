//! Free-tier slots: claimed before the call, given back when it fails.

use farebox_base::Result;
use farebox_db::{Tx, sql};

/// Claims one of `limit` free calls. `false`: all are used; nothing was changed.
pub(crate) async fn claim_in(tx: &mut Tx, party: &str, listing: &str, limit: u32) -> Result<bool> {
    let claimed = tx
        .execute(
            sql!(
                "INSERT INTO free_tier_use (party_id, listing_id, used) VALUES ($1, $2, 1)
                 ON CONFLICT (party_id, listing_id) DO UPDATE SET used = free_tier_use.used + 1
                 WHERE free_tier_use.used < $3"
            ),
            &[party.into(), listing.into(), i64::from(limit).into()],
        )
        .await?;
    Ok(claimed == 1)
}

/// Gives a claimed slot back.
pub(crate) async fn give_back_in(tx: &mut Tx, party: &str, listing: &str) -> Result<()> {
    tx.execute_one(
        sql!("UPDATE free_tier_use SET used = used - 1 WHERE party_id = $1 AND listing_id = $2"),
        &[party.into(), listing.into()],
    )
    .await?;
    Ok(())
}
