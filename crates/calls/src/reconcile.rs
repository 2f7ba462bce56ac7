//! Reconciling: closes calls that a crash left open, releases holds that nothing will resolve, forgets old answers and
//! what was settled on chains long ago.
//!
//! Takes no input but the time; running it twice changes nothing more.

use crate::Calls;
use crate::free_tier;
use crate::payment;
use farebox_base::{Result, Timestamp};
use farebox_db::{Db, Isolation, Tx, sql, tx};
use std::time::Duration;

/// How many calls one round closes.
const ROUND: i64 = 500;
/// How long after its expiry a hold without an open call is released.
const ORPHAN_GRACE: Duration = Duration::from_secs(60);

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    pub calls_expired: u64,
    pub holds_released: u64,
    pub answers_forgotten: u64,
    /// Rows of what was settled on chains long ago.
    pub settlements_forgotten: u64,
}

impl Calls {
    /// One round over everything that is due.
    pub async fn reconcile(&self) -> Result<Reconciled> {
        let (db, now) = (&self.parts.db, self.parts.clock.now());
        Ok(Reconciled {
            calls_expired: calls_expire(db, now, now).await?,
            holds_released: farebox_ledger::hold::holds_expire(db, now.minus(ORPHAN_GRACE), ROUND).await?,
            answers_forgotten: answers_forget(db, now, self.parts.settings.idempotency_ttl).await?,
            settlements_forgotten: settlements_forget(db, now, self.parts.settings.settlements_kept).await?,
        })
    }
}

/// Closes every open call at the start of a process that is alone on its database: no request of theirs can be alive.
pub async fn calls_expire_all(db: &Db, now: Timestamp) -> Result<u64> {
    let mut all = 0;
    loop {
        let closed = calls_expire(db, Timestamp::from_micros(i64::MAX), now).await?;
        all += closed;
        if closed == 0 {
            return Ok(all);
        }
    }
}

async fn calls_expire(db: &Db, due: Timestamp, now: Timestamp) -> Result<u64> {
    let rows = db
        .query(
            sql!(
                "SELECT id FROM call WHERE state = 'open' AND expires_at <= $1
                   AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.id = call.id AND p.state = 'earned')
                 ORDER BY expires_at, id LIMIT $2"
            ),
            &[due.into(), ROUND.into()],
        )
        .await?;
    let mut closed = 0;
    for row in rows {
        let id: String = row.get(0)?;
        let expired = tx!(db, Isolation::ReadCommitted, tx => { call_expire_in(tx, &id, now).await })?;
        closed += u64::from(expired);
    }
    Ok(closed)
}

async fn call_expire_in(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool> {
    let row = tx
        .one(
            sql!(
                "UPDATE call SET state = 'expired', finished_at = $2 WHERE id = $1 AND state = 'open'
                   AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.id = call.id AND p.state = 'earned')
                 RETURNING buyer_party_id, listing_id, free_tier"
            ),
            &[id.into(), now.into()],
        )
        .await?;
    let Some(row) = row else { return Ok(false) };
    farebox_ledger::hold::void_in(tx, id, now).await?;
    payment::release_in(tx, id).await?;
    if row.get::<bool>(2)? {
        let (buyer, listing): (String, String) = (row.get(0)?, row.get(1)?);
        free_tier::give_back_in(tx, &buyer, &listing).await?;
    }
    tx.execute(sql!("DELETE FROM idempotency WHERE call_id = $1 AND state = 'running'"), &[id.into()]).await?;
    Ok(true)
}

async fn settlements_forget(db: &Db, now: Timestamp, kept: Duration) -> Result<u64> {
    tx!(db, Isolation::ReadCommitted, tx => { payment::settlements_and_transactions_forget_in(tx, now, kept).await })
}

async fn answers_forget(db: &Db, now: Timestamp, patience: Duration) -> Result<u64> {
    tx!(db, Isolation::ReadCommitted, tx => {
        Ok(answers_forget_in(tx, now).await? + payment::replies_forget_in(tx, now, patience).await?)
    })
}

async fn answers_forget_in(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const FORGET: &str = sql!("DELETE FROM idempotency WHERE expires_at <= $1 AND state <> 'running'");
    Ok(tx.execute(FORGET, &[now.into()]).await?)
}
