//! The rows of a batch's transfers, and the hash that seals the batch.

use super::all;
use super::entries::Entry;
use super::numbers::Numbers;
use crate::batch::plan::{Book, Made};
use crate::batch::{Sealed, seal};
use farebox_base::{Micros, Result};
use farebox_db::{Param, Rows, Tx, sql};

pub(super) async fn write_in(tx: &mut Tx, book: &Book<'_>, numbers: &Numbers, entries: &[Entry<'_>]) -> Result<()> {
    let rows = rows(book, entries);
    rows_in(tx, &rows).await?;
    seal_in(tx, book, numbers, &rows, entries).await
}

pub(super) fn listing_texts(book: &Book<'_>) -> Vec<Option<String>> {
    book.made.iter().map(|made| made.transfer.listing.map(|listing| listing.to_string())).collect()
}

/// A transfer's row, and which of the entries are its own.
struct Row<'b> {
    id: &'b str,
    kind: &'static str,
    digest: &'b [u8; 32],
    hold_id: Option<&'b str>,
    listing_id: Option<String>,
    memo: &'b str,
    first_entry: i64,
    entries: std::ops::Range<usize>,
}

fn rows<'b>(book: &'b Book<'_>, entries: &[Entry<'_>]) -> Vec<Row<'b>> {
    let mut next = 0;
    let row = |(made, listing_id): (&'b Made<'_>, Option<String>)| {
        let range = next..next + made.entries.len();
        next = range.end;
        Row {
            id: &made.transfer.id,
            kind: made.transfer.kind.text(),
            digest: &made.digest,
            hold_id: made.hold_id,
            listing_id,
            memo: &made.transfer.memo,
            first_entry: entries[range.start].no,
            entries: range,
        }
    };
    book.made.iter().zip(listing_texts(book)).map(row).collect()
}

async fn rows_in(tx: &mut Tx, transfers: &[Row<'_>]) -> Result<()> {
    let mut rows = Rows::with_capacity(transfers.len(), 7);
    for row in transfers {
        rows.push([
            row.id.into(),
            row.kind.into(),
            row.digest.into(),
            row.hold_id.into(),
            row.listing_id.as_deref().into(),
            row.memo.into(),
            row.first_entry.into(),
        ]);
    }
    const TRANSFER: &str = sql!(
        "INSERT INTO transfer (id, kind, digest, hold_id, listing_id, memo, first_entry)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING"
    );
    all(tx.execute_many(TRANSFER, &rows).await?, rows.len())
}

async fn seal_in(
    tx: &mut Tx,
    book: &Book<'_>,
    numbers: &Numbers,
    transfers: &[Row<'_>],
    entries: &[Entry<'_>],
) -> Result<()> {
    let mut seal = seal(numbers.chain.get(), numbers.seq, &numbers.before);
    for row in transfers {
        seal.transfer(&Sealed {
            id: row.id,
            kind: row.kind,
            digest: row.digest,
            hold_id: row.hold_id,
            listing_id: row.listing_id.as_deref(),
            memo: row.memo,
            first_entry: row.first_entry,
        });
        for entry in &entries[row.entries.clone()] {
            let rest = [entry.balance_after.map(Micros::get), entry.previous, Some(entry.at.micros())];
            seal.entry(book.accounts[entry.place].id.text(), entry.amount.get(), rest);
        }
    }
    let hash = seal.finish();
    tx.execute_one(
        sql!("INSERT INTO batch (chain, seq, entries, hash) VALUES ($1, $2, $3, $4)"),
        &[numbers.chain.get().into(), numbers.seq.into(), numbers.entries.into(), Param::Blob(&hash)],
    )
    .await?;
    Ok(())
}
