//! Rows of the journal that have ended, as long as a chain may take their blocks back: found, moved, begun again.
//!
//! Invariants: a row is begun again with the very bytes that were in the block, unless it had failed: what was told as
//! failed must never be mined, and its nonce is filled. `gas_used` on an unfinished row marks one that was mined once.

use super::journal::{Owner, hash, signed, text, unsigned};
use crate::chain::transaction::Transaction;
use alloy_primitives::{B256, keccak256};
use farebox_base::{Error, Result, Timestamp};
use farebox_db::{Db, Row, Tx, sql};
use uuid::Uuid;

/// A row that has ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub id: Uuid,
    pub nonce: u64,
    /// Of the form that was mined.
    pub hash: B256,
    pub block: u64,
    pub block_hash: B256,
    /// Whether the form that was mined did not revert; one that only fills a nonce does not.
    pub succeeded: bool,
}

/// A nonce that a row has.
pub(super) struct Held {
    pub nonce: u64,
    pub is_unfinished: bool,
    pub ended: Option<Ended>,
}

/// Rows that ended since then, the newest first.
pub(super) async fn since(db: &Db, owner: &Owner, at: Timestamp, count: i64) -> Result<Vec<Ended>> {
    let select = sql!(
        "SELECT id, nonce, state, tx_hash, block, block_hash, refusal FROM chain_transaction
         WHERE network = $1 AND wallet = $2 AND state IN ('mined', 'failed') AND updated_at >= $3
           AND block IS NOT NULL AND block_hash IS NOT NULL
         ORDER BY updated_at DESC LIMIT $4"
    );
    let params = [owner.network.as_str().into(), owner.wallet.as_str().into(), at.into(), count.into()];
    db.query(select, &params).await?.iter().map(read).collect()
}

/// Which of the nonces from `first` up to, and without, `end` have a row.
pub(super) async fn held(db: &Db, owner: &Owner, first: u64, end: u64) -> Result<Vec<Held>> {
    let select = sql!(
        "SELECT id, nonce, state, tx_hash, block, block_hash, refusal FROM chain_transaction
         WHERE network = $1 AND wallet = $2 AND nonce >= $3 AND nonce < $4 ORDER BY nonce, created_at"
    );
    let params =
        [owner.network.as_str().into(), owner.wallet.as_str().into(), signed(first)?.into(), signed(end)?.into()];
    let held = |row: &Row| {
        let is_unfinished = !matches!(row.get::<&str>(2)?, "mined" | "failed");
        let has_ended = !is_unfinished && row.get::<Option<i64>>(4)?.is_some();
        let ended = if has_ended { Some(read(row)?) } else { None };
        Ok(Held { nonce: unsigned(row.get(1)?)?, is_unfinished, ended })
    };
    db.query(select, &params).await?.iter().map(held).collect()
}

fn read(row: &Row) -> Result<Ended> {
    let is_mined = row.get::<&str>(2)? == "mined";
    Ok(Ended {
        id: Uuid::try_parse(row.get(0)?).map_err(|_| Error::internal("a row of chain_transaction has no UUID"))?,
        nonce: unsigned(row.get(1)?)?,
        hash: hash(row.get(3)?)?,
        block: unsigned(row.get(4)?)?,
        block_hash: hash(row.get(5)?)?,
        succeeded: is_mined || row.get::<Option<&str>>(6)?.is_some(),
    })
}

/// Writes in which block an ended transaction is now.
pub(super) async fn move_in(tx: &mut Tx, moved: &[Ended], now: Timestamp) -> Result<()> {
    let update = sql!(
        "UPDATE chain_transaction SET block = $3, block_hash = $4, updated_at = $5
         WHERE id = $1 AND tx_hash = $2 AND state IN ('mined', 'failed')"
    );
    for one in moved {
        let (id, hash, block_hash) = (one.id.to_string(), text(one.hash), text(one.block_hash));
        let params = [(&id).into(), (&hash).into(), signed(one.block)?.into(), (&block_hash).into(), now.into()];
        tx.execute(update, &params).await?;
    }
    Ok(())
}

/// Begins transactions again that are in no block any more; answers which. Those that another process was first with, or
/// whose nonce something unfinished has, are left out.
pub(super) async fn begin_again_in(tx: &mut Tx, gone: &[Ended], now: Timestamp) -> Result<Vec<Uuid>> {
    let mut begun = Vec::with_capacity(gone.len());
    for one in gone {
        if one_again_in(tx, one, now).await? {
            begun.push(one.id);
        }
    }
    Ok(begun)
}

async fn one_again_in(tx: &mut Tx, gone: &Ended, now: Timestamp) -> Result<bool> {
    let (id, mined) = (gone.id.to_string(), text(gone.hash));
    let newest = sql!("SELECT raw, signed_at FROM chain_transaction WHERE id = $1 AND tx_hash = $2");
    let Some(newest) = tx.one(newest, &[(&id).into(), (&mined).into()]).await? else { return Ok(false) };
    let (newest, signed_at): (Vec<u8>, Timestamp) = (newest.get::<&[u8]>(0)?.to_vec(), newest.get(1)?);
    let newest_hash = text(keccak256(&newest));
    let raw = if newest_hash == mined {
        newest.clone()
    } else {
        let older = sql!("SELECT raw FROM chain_replaced WHERE transaction_id = $1 AND tx_hash = $2");
        let Some(row) = tx.one(older, &[(&id).into(), (&mined).into()]).await? else { return Ok(false) };
        row.get::<&[u8]>(0)?.to_vec()
    };
    let nonce = Transaction::read(&raw).map_or(gone.nonce, |sent| sent.nonce);
    // What is sent anew has its full time before it counts as stuck.
    let update = sql!(
        "UPDATE chain_transaction SET nonce = $3, raw = $4, signed_at = $5, updated_at = $5, block = NULL,
           block_hash = NULL, reason = NULL, gas_used = CASE WHEN state = 'mined' THEN COALESCE(gas_used, 0) END,
           refusal = CASE WHEN state = 'failed' THEN COALESCE(refusal, reason, 'failed') END, state = 'new'
         WHERE id = $1 AND tx_hash = $2 AND state IN ('mined', 'failed') AND NOT EXISTS (
           SELECT 1 FROM chain_transaction other WHERE other.network = chain_transaction.network
             AND other.wallet = chain_transaction.wallet AND other.nonce = $3
             AND other.state IN ('new', 'broadcast', 'included'))"
    );
    let params = [(&id).into(), (&mined).into(), signed(nonce)?.into(), raw.as_slice().into(), now.into()];
    if tx.execute(update, &params).await? == 0 {
        return Ok(false);
    }
    if newest_hash != mined {
        let swap = sql!(
            "UPDATE chain_replaced SET tx_hash = $3, raw = $4, signed_at = $5 WHERE transaction_id = $1 AND tx_hash = $2"
        );
        let params = [(&id).into(), (&mined).into(), (&newest_hash).into(), newest.as_slice().into(), signed_at.into()];
        tx.execute(swap, &params).await?;
    }
    Ok(true)
}
