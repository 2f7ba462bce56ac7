//! Forgetting what ended on chains long ago: settlements for other servers, and later the transactions of gas wallets.
//!
//! Invariant: a transaction is forgotten after everything that may still ask for its outcome. Payments stay, as part of the
//! books.

use farebox_base::{Result, Timestamp};
use farebox_db::{Tx, sql};
use farebox_x402::chain::transactions_forget_in;
use farebox_x402::facilitator::settlements_forget_in;
use std::time::Duration;

/// How many rows of each kind one round forgets.
const ROUND: i64 = 2_000;
/// So many times as long as settlements their transactions are kept.
const TRANSACTIONS_TIMES: u32 = 2;

/// Forgets what ended more than `kept` ago; answers how many rows.
pub(crate) async fn settlements_and_transactions_forget_in(tx: &mut Tx, now: Timestamp, kept: Duration) -> Result<u64> {
    let settlements = settlements_forget_in(tx, now.minus(kept), ROUND).await?;
    let before = now.minus(kept.saturating_mul(TRANSACTIONS_TIMES));
    const ENDED: &str = sql!(
        "SELECT t.id FROM chain_transaction t WHERE t.state IN ('mined', 'failed') AND t.updated_at < $1
           AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.id = t.id AND p.state IN ('reserved', 'earned'))
           AND NOT EXISTS (SELECT 1 FROM x402_settlement s WHERE s.id = t.id)
         ORDER BY t.updated_at LIMIT $2"
    );
    let rows = tx.query(ENDED, &[before.into(), ROUND.into()]).await?;
    let ids: Vec<String> = rows.iter().map(|row| Ok(row.get(0)?)).collect::<Result<_>>()?;
    Ok(settlements + transactions_forget_in(tx, &ids).await?)
}
