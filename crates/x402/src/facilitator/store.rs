//! The table of settlements for other servers. With `listed` the only SQL of the facilitator.
//!
//! Invariants: a nonce has one row, whoever asks and in whichever process; an end is written once, and the catalogue
//! with it.

mod listed;

use super::catalogue::Entry;
use super::record::{Begun, NewSettlement, Remembered, SettlementStore};
use super::{Promised, Settlement};
use crate::verify::NonceKey;
use crate::{Reason, Refusal};
use alloy_primitives::B256;
use farebox_base::{Clock, Error, Result, Rng, Timestamp, uuid_v7};
use farebox_db::{Db, Isolation, Row, Tx, sql, tx};
use listed::resource_count_in;
use std::sync::Arc;
use uuid::Uuid;

/// Both stores, in the database.
#[derive(Clone)]
pub struct SqlStore {
    db: Db,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl SqlStore {
    pub fn new(db: Db, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { db, clock, rng }
    }

    async fn begin_row(&self, new: &NewSettlement) -> Result<Begun> {
        let (id, now) = (uuid_v7(&*self.clock, &*self.rng), self.clock.now());
        tx!(self.db, Isolation::ReadCommitted, tx => { settlement_begin_in(tx, id, new, now).await })
    }

    async fn end_row(&self, id: Uuid, settlement: &Settlement, resource: Option<&Entry>) -> Result<()> {
        let now = self.clock.now();
        tx!(self.db, Isolation::ReadCommitted, tx => { settlement_end_in(tx, id, settlement, resource, now).await })
    }
}

impl SettlementStore for SqlStore {
    fn find<'a>(&'a self, nonce: &'a NonceKey) -> Promised<'a, Result<Option<Remembered>>> {
        Box::pin(async move {
            let select =
                sql!("SELECT id, fingerprint, state, tx_hash, reason, message FROM x402_settlement WHERE nonce = $1");
            self.db.one(select, &[nonce.as_str().into()]).await?.map(|row| remembered(&row)).transpose()
        })
    }

    fn begin<'a>(&'a self, new: &'a NewSettlement) -> Promised<'a, Result<Begun>> {
        Box::pin(self.begin_row(new))
    }

    fn ended<'a>(
        &'a self,
        id: Uuid,
        settlement: &'a Settlement,
        resource: Option<&'a Entry>,
    ) -> Promised<'a, Result<()>> {
        Box::pin(self.end_row(id, settlement, resource))
    }
}

/// Forgets up to `most` settlements that ended before `before`; answers how many. Their signatures must be over by then.
///
/// # Errors
/// Those of the database.
pub async fn settlements_forget_in(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64> {
    let forget = sql!(
        "DELETE FROM x402_settlement WHERE id IN (SELECT id FROM x402_settlement
           WHERE state <> 'begun' AND updated_at < $1 ORDER BY updated_at LIMIT $2) AND state <> 'begun'"
    );
    Ok(tx.execute(forget, &[before.into(), most.into()]).await?)
}

async fn settlement_begin_in(tx: &mut Tx, id: Uuid, new: &NewSettlement, now: Timestamp) -> Result<Begun> {
    let insert = sql!(
        "INSERT INTO x402_settlement (id, nonce, network, token, payer, pay_to, amount, fingerprint, state, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'begun', $9, $9) ON CONFLICT (nonce) DO NOTHING"
    );
    let (own_id, amount) = (id.to_string(), new.amount.to_string());
    let [token, payer, pay_to] = [new.token, new.payer, new.pay_to].map(|address| format!("{address:#x}"));
    let params = [
        (&own_id).into(),
        new.nonce.as_str().into(),
        (&new.network).into(),
        (&token).into(),
        (&payer).into(),
        (&pay_to).into(),
        (&amount).into(),
        (&new.fingerprint.0).into(),
        now.into(),
    ];
    if tx.execute(insert, &params).await? == 1 {
        return Ok(Begun::Fresh(id));
    }
    let reopen = sql!(
        "UPDATE x402_settlement SET state = 'begun', reason = NULL, message = NULL, updated_at = $3
         WHERE nonce = $1 AND fingerprint = $2 AND state = 'not_taken' AND reason = $4"
    );
    let passing = Reason::UnexpectedSettleError.code();
    tx.execute(reopen, &[new.nonce.as_str().into(), (&new.fingerprint.0).into(), now.into(), passing.into()]).await?;
    let select = sql!("SELECT id, fingerprint, state, tx_hash, reason, message FROM x402_settlement WHERE nonce = $1");
    let row = tx.one(select, &[new.nonce.as_str().into()]).await?;
    Ok(Begun::Known(remembered(&row.ok_or_else(|| Error::internal("a reserved nonce has no row"))?)?))
}

async fn settlement_end_in(
    tx: &mut Tx,
    id: Uuid,
    settlement: &Settlement,
    resource: Option<&Entry>,
    now: Timestamp,
) -> Result<()> {
    let (state, hash, refusal) = match settlement {
        Settlement::Pending { .. } => return Ok(()),
        Settlement::Settled { transaction } => ("settled", Some(transaction.as_str()), None),
        Settlement::NotTaken(refusal) => ("not_taken", None, Some(refusal)),
    };
    let update = sql!(
        "UPDATE x402_settlement SET state = $2, tx_hash = $3, reason = $4, message = $5, updated_at = $6
         WHERE id = $1 AND state = 'begun'"
    );
    let message = refusal.map(|refusal| refusal.message.replace('\0', ""));
    let id = id.to_string();
    let params = [
        (&id).into(),
        state.into(),
        hash.into(),
        refusal.map(|refusal| refusal.reason.code()).into(),
        message.as_deref().into(),
        now.into(),
    ];
    let is_first = tx.execute(update, &params).await? == 1;
    match resource {
        Some(entry) if is_first && state == "settled" => resource_count_in(tx, entry, 1, now).await,
        _ => Ok(()),
    }
}

fn remembered(row: &Row) -> Result<Remembered> {
    let unreadable = || Error::internal("a row of x402_settlement can't be read");
    let (id, fingerprint, state): (String, Vec<u8>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let end = match state.as_str() {
        "begun" => None,
        "settled" => Some(Settlement::Settled { transaction: row.get::<Option<String>>(3)?.unwrap_or_default() }),
        "not_taken" => {
            let code: Option<String> = row.get(4)?;
            let reason = code.as_deref().and_then(Reason::parse).unwrap_or(Reason::UnexpectedSettleError);
            let message: Option<String> = row.get(5)?;
            Some(Settlement::NotTaken(Refusal::new(reason, message.unwrap_or_default())))
        }
        _ => return Err(unreadable()),
    };
    Ok(Remembered {
        id: id.parse().map_err(|_| unreadable())?,
        fingerprint: B256::try_from(fingerprint.as_slice()).map_err(|_| unreadable())?,
        end,
    })
}
