//! The numbers of a batch and of its entries, and the hash of the batch before.

use crate::batch::plan::Book;
use crate::batch::{ChainId, first_number};
use farebox_base::{Error, Result};
use farebox_db::{Rows, Tx, sql};

/// What the batch's entries are numbered from, and the batch before it.
pub(super) struct Numbers {
    pub chain: ChainId,
    pub seq: i64,
    pub before: Vec<u8>,
    /// Number of the first entry.
    pub first: i64,
    /// How many entries the chain has with this batch.
    pub entries: i64,
}

/// Writes the batch's row.
pub(super) const WRITE: &str = sql!("INSERT INTO batch (chain, seq, entries, hash) VALUES ($1, $2, $3, $4)");

impl Numbers {
    pub(super) fn row<'b>(&self, hash: &'b [u8; 32]) -> Rows<'b> {
        let mut rows = Rows::with_capacity(1, 4);
        rows.push([self.chain.get().into(), self.seq.into(), self.entries.into(), hash.into()]);
        rows
    }
}

/// Takes the chain's next numbers; whoever else wants them waits for this transaction.
pub(super) async fn take_in(tx: &mut Tx, book: &Book<'_>, chain: ChainId) -> Result<Numbers> {
    let new: i64 = book.accounts.iter().map(|account| account.entries).sum();
    if new == 0 {
        return Ok(Numbers { chain, seq: 0, before: Vec::new(), first: 0, entries: 0 });
    }
    if tx.is_alone() {
        return take_alone_in(tx, chain, new).await;
    }
    const TAKE: &str =
        sql!("UPDATE chain SET seq = seq + 1, entries = entries + $2 WHERE id = $1 RETURNING seq, entries");
    // A statement of its own: what waited for the chain still sees the batches of before its wait.
    const BEFORE: &str = sql!("SELECT hash FROM batch WHERE chain = $1 AND seq = $2");
    let row = tx.one(TAKE, &[chain.get().into(), new.into()]).await?;
    let row = row.ok_or_else(|| never_begun(chain))?;
    let (seq, entries): (i64, i64) = (row.get(0)?, row.get(1)?);
    let row = tx.one(BEFORE, &[chain.get().into(), (seq - 1).into()]).await?;
    let before = before(chain, seq, row.map(|row| row.get(0)).transpose()?)?;
    Ok(Numbers { chain, seq, before, first: first_number(chain) + entries - new + 1, entries })
}

/// As [`take_in`] where nobody else can: RETURNING would cost SQLite more than reading first.
async fn take_alone_in(tx: &mut Tx, chain: ChainId, new: i64) -> Result<Numbers> {
    const NEWEST: &str = sql!(
        "SELECT seq, entries, (SELECT hash FROM batch WHERE batch.chain = chain.id AND batch.seq = chain.seq)
         FROM chain WHERE id = $1"
    );
    const TAKEN: &str = sql!("UPDATE chain SET seq = $2, entries = $3 WHERE id = $1");
    let row = tx.one(NEWEST, &[chain.get().into()]).await?.ok_or_else(|| never_begun(chain))?;
    let (seq, entries): (i64, i64) = (row.get(0)?, row.get(1)?);
    let before = before(chain, seq + 1, row.get(2)?)?;
    let (seq, first, entries) = (seq + 1, first_number(chain) + entries + 1, entries + new);
    tx.execute_one(TAKEN, &[chain.get().into(), seq.into(), entries.into()]).await?;
    Ok(Numbers { chain, seq, before, first, entries })
}

/// The hash that a batch goes on from; the first of a chain has none.
fn before(chain: ChainId, seq: i64, hash: Option<Vec<u8>>) -> Result<Vec<u8>> {
    match hash {
        None if seq > 1 => Err(Error::internal(format!("batch {} of chain {} is gone", seq - 1, chain.get()))),
        hash => Ok(hash.unwrap_or_default()),
    }
}

fn never_begun(chain: ChainId) -> Error {
    Error::internal(format!("chain {} was never begun", chain.get()))
}
