//! The tables of gas wallets and their transactions. With `ended` the only SQL of chain access.
//!
//! Invariants: a nonce is given out by one guarded update, in the transaction that stores what was signed with it; a
//! final row changes only where its block is taken back.

use super::flight::{Flight, Form, Stage};
use crate::chain::transaction::Transaction;
use alloy_primitives::{Address, B256, Bytes};
use farebox_base::{Error, Result, Timestamp};
use farebox_db::{Db, Isolation, Row, Rows, Tx, sql, tx};
use uuid::Uuid;

/// Unfinished rows that are read at once.
const UNFINISHED_MAX: i64 = 10_000;

/// Whose transactions: network and wallet, as the tables name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub network: String,
    pub wallet: String,
}

impl Owner {
    pub(super) fn new(network: &str, wallet: Address) -> Self {
        Self { network: network.to_owned(), wallet: format!("{wallet:#x}") }
    }
}

/// A row as it was found.
pub(super) enum Found {
    Unfinished(Box<Flight>),
    Mined { hash: B256 },
    Failed { hash: B256, reason: String },
}

/// A change of an unfinished row.
pub(super) struct Progress {
    pub id: Uuid,
    pub state: &'static str,
    pub hash: B256,
    pub block: Option<u64>,
    pub block_hash: Option<B256>,
    pub gas_used: Option<u64>,
    pub reason: Option<String>,
}

/// Makes sure that the wallet has a row, and that it gives out no nonce below `nonce`.
pub(super) async fn wallet_ensure(db: &Db, owner: &Owner, nonce: u64) -> Result<()> {
    let nonce = signed(nonce)?;
    let insert = sql!(
        "INSERT INTO gas_wallet (network, address, next_nonce) VALUES ($1, $2, $3) ON CONFLICT (network, address) DO NOTHING"
    );
    let raise = sql!("UPDATE gas_wallet SET next_nonce = $3 WHERE network = $1 AND address = $2 AND next_nonce < $3");
    tx!(db, Isolation::ReadCommitted, tx => {
        let params = [owner.network.as_str().into(), owner.wallet.as_str().into(), nonce.into()];
        if tx.execute(insert, &params).await? == 0 {
            tx.execute(raise, &params).await?;
        }
        Ok(())
    })
}

/// The newest hash of what was begun for a purpose, by any wallet on any network; `None` where nothing was. For whoever
/// has to know while no sender runs.
///
/// # Errors
/// Those of the database.
pub async fn begun(db: &Db, purpose_id: Uuid) -> Result<Option<B256>> {
    let select = sql!("SELECT tx_hash FROM chain_transaction WHERE id = $1");
    let row = db.one(select, &[(&purpose_id.to_string()).into()]).await?;
    row.map(|row| hash(&row.get::<String>(0)?)).transpose()
}

/// Takes so many nonces; answers the first.
pub(super) async fn nonces_take_in(tx: &mut Tx, owner: &Owner, count: usize) -> Result<u64> {
    let count = i64::try_from(count).map_err(|_| Error::internal("too many nonces at once"))?;
    let take = sql!(
        "UPDATE gas_wallet SET next_nonce = next_nonce + $3 WHERE network = $1 AND address = $2 RETURNING next_nonce"
    );
    let row = tx.one(take, &[owner.network.as_str().into(), owner.wallet.as_str().into(), count.into()]).await?;
    let next: i64 = row.ok_or_else(|| Error::internal("the gas wallet has no row"))?.get(0)?;
    unsigned(next - count)
}

/// Which of these are in the journal.
pub(super) async fn known_in(tx: &mut Tx, ids: &[String]) -> Result<Vec<String>> {
    let mut rows = Rows::with_capacity(ids.len(), 1);
    ids.iter().for_each(|id| rows.push([id.into()]));
    let found = tx.query_many(sql!("SELECT id FROM chain_transaction WHERE id = $1"), &rows).await?;
    found.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// Adds rows of state `new`; answers how many were not there.
pub(super) async fn insert_in(tx: &mut Tx, owner: &Owner, flights: &[(String, u64, Form)]) -> Result<u64> {
    let hashes: Vec<String> = flights.iter().map(|(_, _, form)| text(form.hash)).collect();
    let mut rows = Rows::with_capacity(flights.len(), 7);
    for ((id, nonce, form), hash) in flights.iter().zip(&hashes) {
        rows.push([
            id.into(),
            owner.network.as_str().into(),
            owner.wallet.as_str().into(),
            signed(*nonce)?.into(),
            hash.into(),
            form.raw.as_ref().into(),
            form.signed_at.into(),
        ]);
    }
    let insert = sql!(
        "INSERT INTO chain_transaction (id, network, wallet, nonce, state, tx_hash, raw, signed_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 'new', $5, $6, $7, $7, $7) ON CONFLICT (id) DO NOTHING"
    );
    Ok(tx.execute_many(insert, &rows).await?)
}

/// Puts a newly signed form in the place of the one with hash `old`; `false` where another process was first or the row
/// is in a block. The older form stays on record.
pub(super) async fn renew_in(
    tx: &mut Tx,
    id: Uuid,
    old: &Form,
    (nonce, form): (u64, &Form),
    refusal: Option<&str>,
) -> Result<bool> {
    let (id, old_hash, hash) = (id.to_string(), text(old.hash), text(form.hash));
    let update = sql!(
        "UPDATE chain_transaction SET nonce = $3, state = 'new', tx_hash = $4, raw = $5, refusal = COALESCE($6, refusal),
           signed_at = $7, updated_at = $7
         WHERE id = $1 AND tx_hash = $2 AND state IN ('new', 'broadcast')"
    );
    let raw: &[u8] = form.raw.as_ref();
    let params = [
        (&id).into(),
        (&old_hash).into(),
        signed(nonce)?.into(),
        (&hash).into(),
        raw.into(),
        refusal.into(),
        form.signed_at.into(),
    ];
    if tx.execute(update, &params).await? == 0 {
        return Ok(false);
    }
    let keep = sql!("INSERT INTO chain_replaced (transaction_id, tx_hash, raw, signed_at) VALUES ($1, $2, $3, $4)");
    let raw: &[u8] = old.raw.as_ref();
    tx.execute_one(keep, &[(&id).into(), (&old_hash).into(), raw.into(), old.signed_at.into()]).await?;
    Ok(true)
}

/// Writes what the chain told about several rows. Final ones stay as they are.
pub(super) async fn progress_in(tx: &mut Tx, list: &[Progress], now: Timestamp) -> Result<()> {
    let texts: Vec<[Option<String>; 3]> =
        list.iter().map(|one| [Some(one.id.to_string()), Some(text(one.hash)), one.block_hash.map(text)]).collect();
    let mut rows = Rows::with_capacity(list.len(), 8);
    for (one, [id, hash, block_hash]) in list.iter().zip(&texts) {
        rows.push([
            id.as_deref().into(),
            one.state.into(),
            hash.as_deref().into(),
            one.block.map(signed).transpose()?.into(),
            block_hash.as_deref().into(),
            one.gas_used.map(signed).transpose()?.into(),
            one.reason.as_deref().into(),
            now.into(),
        ]);
    }
    let update = sql!(
        "UPDATE chain_transaction SET state = $2, tx_hash = CASE WHEN $2 IN ('mined', 'failed') THEN $3 ELSE tx_hash END,
           block = $4, block_hash = $5, gas_used = COALESCE($6, gas_used), reason = $7, updated_at = $8
         WHERE id = $1 AND state IN ('new', 'broadcast', 'included')"
    );
    tx.execute_many(update, &rows).await?;
    Ok(())
}

/// Forgets those of these that have ended, with their replaced forms. Nobody may ask for their purposes any more; answers
/// how many.
///
/// # Errors
/// Those of the database.
pub async fn transactions_forget_in(tx: &mut Tx, ids: &[String]) -> Result<u64> {
    let mut rows = Rows::with_capacity(ids.len(), 1);
    ids.iter().for_each(|id| rows.push([id.into()]));
    let replaced = sql!(
        "DELETE FROM chain_replaced WHERE transaction_id = $1
           AND EXISTS (SELECT 1 FROM chain_transaction t WHERE t.id = $1 AND t.state IN ('mined', 'failed'))"
    );
    tx.execute_many(replaced, &rows).await?;
    let ended = sql!("DELETE FROM chain_transaction WHERE id = $1 AND state IN ('mined', 'failed')");
    Ok(tx.execute_many(ended, &rows).await?)
}

/// One row, whatever its state.
pub(super) async fn find(db: &Db, owner: &Owner, id: Uuid) -> Result<Option<Found>> {
    let select = sql!(
        "SELECT id, nonce, state, tx_hash, raw, refusal, signed_at, reason, gas_used FROM chain_transaction
         WHERE id = $1 AND network = $2 AND wallet = $3"
    );
    let id = id.to_string();
    let params = [(&id).into(), owner.network.as_str().into(), owner.wallet.as_str().into()];
    match db.one(select, &params).await? {
        Some(row) => Ok(Some(read(db, &row).await?)),
        None => Ok(None),
    }
}

/// Rows without an end that were last changed before `before`, by nonce.
pub(super) async fn unfinished(db: &Db, owner: &Owner, before: Timestamp) -> Result<Vec<Flight>> {
    let select = sql!(
        "SELECT id, nonce, state, tx_hash, raw, refusal, signed_at, reason, gas_used FROM chain_transaction
         WHERE network = $1 AND wallet = $2 AND state IN ('new', 'broadcast', 'included') AND updated_at < $3
         ORDER BY nonce LIMIT $4"
    );
    let params = [owner.network.as_str().into(), owner.wallet.as_str().into(), before.into(), UNFINISHED_MAX.into()];
    let mut flights = Vec::new();
    for row in db.query(select, &params).await? {
        if let Found::Unfinished(flight) = read(db, &row).await? {
            flights.push(*flight);
        }
    }
    Ok(flights)
}

async fn read(db: &Db, row: &Row) -> Result<Found> {
    let hash = hash(row.get(3)?)?;
    let stage = match row.get::<&str>(2)? {
        "mined" => return Ok(Found::Mined { hash }),
        "failed" => return Ok(Found::Failed { hash, reason: row.get::<Option<String>>(7)?.unwrap_or_default() }),
        "included" => Stage::Included,
        "broadcast" => Stage::Broadcast,
        _ => Stage::New,
    };
    let id: &str = row.get(0)?;
    let newest = Form { hash, raw: Bytes::copy_from_slice(row.get(4)?), signed_at: row.get(6)? };
    let uuid = Uuid::try_parse(id).map_err(|_| Error::internal("a row of chain_transaction has no UUID"))?;
    let mut flight = Flight::new(uuid, unsigned(row.get(1)?)?, stage, newest);
    flight.refusal = row.get(5)?;
    flight.counted = row.get::<Option<i64>>(8)?.map(|_| hash);
    let older = sql!("SELECT tx_hash, raw, signed_at FROM chain_replaced WHERE transaction_id = $1 ORDER BY signed_at");
    for row in db.query(older, &[id.into()]).await? {
        let (raw, signed_at) = (Bytes::copy_from_slice(row.get(1)?), row.get(2)?);
        let older = Transaction::read(&raw).map_or(flight.nonce, |older| older.nonce);
        flight.lowest_nonce = flight.lowest_nonce.min(older);
        flight.older.push(Form { hash: self::hash(row.get(0)?)?, raw, signed_at });
    }
    Ok(Found::Unfinished(Box::new(flight)))
}

pub(super) fn text(hash: B256) -> String {
    format!("{hash:#x}")
}

pub(super) fn hash(text: &str) -> Result<B256> {
    text.parse().map_err(|_| Error::internal("a row of chain_transaction has no hash"))
}

pub(super) fn signed(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::internal("a number of the chain does not fit the journal"))
}

pub(super) fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::internal("a number of the journal is negative"))
}
