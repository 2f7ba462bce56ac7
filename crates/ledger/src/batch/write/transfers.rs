//! The rows of a batch's transfers, and the hash that seals the batch.

use super::entries::Entry;
use super::numbers::Numbers;
use crate::batch::plan::{Book, Made};
use crate::batch::{Sealed, seal};
use farebox_base::Micros;
use farebox_db::{Rows, sql};

/// A transfer's row, and which of the entries are its own.
pub(super) struct Row<'b> {
    id: &'b str,
    kind: &'static str,
    digest: &'b [u8; 32],
    hold_id: Option<&'b str>,
    listing_id: Option<&'b str>,
    memo: &'b str,
    first_entry: i64,
    entries: std::ops::Range<usize>,
}

pub(super) fn of<'b>(book: &'b Book<'_>, entries: &[Entry<'_>]) -> Vec<Row<'b>> {
    let mut next = 0;
    let row = |made: &'b Made<'_>| {
        let range = next..next + made.entries.len();
        next = range.end;
        Row {
            id: &made.transfer.id,
            kind: made.transfer.kind.text(),
            digest: &made.digest,
            hold_id: made.hold_id,
            listing_id: made.listing.as_deref(),
            memo: &made.transfer.memo,
            first_entry: entries[range.start].no,
            entries: range,
        }
    };
    book.made.iter().map(row).collect()
}

/// Writes one transfer, unless there is one of its id.
pub(super) const WRITE: &str = sql!(
    "INSERT INTO transfer (id, kind, digest, hold_id, listing_id, memo, first_entry)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING"
);

pub(super) fn rows<'b>(transfers: &[Row<'b>]) -> Rows<'b> {
    let mut rows = Rows::with_capacity(transfers.len(), 7);
    for row in transfers {
        rows.push([
            row.id.into(),
            row.kind.into(),
            row.digest.into(),
            row.hold_id.into(),
            row.listing_id.into(),
            row.memo.into(),
            row.first_entry.into(),
        ]);
    }
    rows
}

/// The hash that seals the batch.
pub(super) fn hash(book: &Book<'_>, numbers: &Numbers, transfers: &[Row<'_>], entries: &[Entry<'_>]) -> [u8; 32] {
    let mut seal = seal(numbers.chain.get(), numbers.seq, &numbers.before);
    for row in transfers {
        seal.transfer(&Sealed {
            id: row.id,
            kind: row.kind,
            digest: row.digest,
            hold_id: row.hold_id,
            listing_id: row.listing_id,
            memo: row.memo,
            first_entry: row.first_entry,
        });
        for entry in &entries[row.entries.clone()] {
            let rest = [entry.balance_after.map(Micros::get), entry.previous, Some(entry.at.micros())];
            seal.entry(book.accounts[entry.place].id.text(), entry.amount.get(), rest);
        }
    }
    seal.finish()
}
