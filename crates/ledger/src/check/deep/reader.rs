//! Reading a chain's entries in their order, with their transfers, a page ahead.

use crate::batch::{ENTRIES_MAX, Sealed};
use farebox_base::Result;
use farebox_db::{Db, Row, sql};

/// Entries that are read at a time.
const PAGE: i64 = 5_000;

/// An entry with its transfer, as stored.
pub(super) struct Stored {
    no: i64,
    pub transfer: Option<StoredTransfer>,
    pub transfer_id: String,
    pub account: String,
    pub amount: i64,
    pub balance_after: Option<i64>,
    pub prev: Option<i64>,
    pub at: i64,
}

pub(super) struct StoredTransfer {
    pub kind: String,
    pub digest: Vec<u8>,
    pub hold_id: Option<String>,
    pub listing_id: Option<String>,
    memo: String,
    first_entry: i64,
}

impl StoredTransfer {
    pub(super) fn sealed<'s>(&'s self, id: &'s str) -> Sealed<'s> {
        Sealed {
            id,
            kind: &self.kind,
            digest: &self.digest,
            hold_id: self.hold_id.as_deref(),
            listing_id: self.listing_id.as_deref(),
            memo: &self.memo,
            first_entry: self.first_entry,
        }
    }
}

pub(super) struct Reader<'a> {
    db: &'a Db,
    /// Entries up to this number were read.
    after: i64,
    /// The chain's last possible number.
    end: i64,
    ahead: std::collections::VecDeque<Stored>,
}

impl<'a> Reader<'a> {
    /// Reads from the entry behind `first`, the number before a chain's.
    pub(super) fn new(db: &'a Db, first: i64) -> Self {
        Self { db, after: first, end: first + ENTRIES_MAX, ahead: Default::default() }
    }

    /// All entries up to this number that were not read yet.
    pub(super) async fn until(&mut self, last: i64) -> Result<Vec<Stored>> {
        let mut read = Vec::new();
        loop {
            while let Some(entry) = self.ahead.pop_front_if(|entry| entry.no <= last) {
                read.push(entry);
            }
            if !self.ahead.is_empty() || self.after >= last {
                return Ok(read);
            }
            self.page().await?;
        }
    }

    async fn page(&mut self) -> Result<()> {
        let rows = self
            .db
            .query(
                sql!(
                    "SELECT e.no, e.transfer_id, e.account_id, e.amount, e.balance_after, e.prev, e.created_at,
                       t.kind, t.digest, t.hold_id, t.listing_id, t.memo, t.first_entry
                     FROM entry e LEFT JOIN transfer t ON t.id = e.transfer_id
                     WHERE e.no > $1 AND e.no <= $2 ORDER BY e.no LIMIT $3"
                ),
                &[self.after.into(), self.end.into(), PAGE.into()],
            )
            .await?;
        for row in &rows {
            self.ahead.push_back(stored(row)?);
        }
        self.after = self.ahead.back().map_or(self.end, |entry| entry.no);
        Ok(())
    }
}

fn stored(row: &Row) -> Result<Stored> {
    let kind: Option<String> = row.get(7)?;
    let transfer = match kind {
        None => None,
        Some(kind) => Some(StoredTransfer {
            kind,
            digest: row.get(8)?,
            hold_id: row.get(9)?,
            listing_id: row.get(10)?,
            memo: row.get(11)?,
            first_entry: row.get(12)?,
        }),
    };
    Ok(Stored {
        no: row.get(0)?,
        transfer,
        transfer_id: row.get(1)?,
        account: row.get(2)?,
        amount: row.get(3)?,
        balance_after: row.get(4)?,
        prev: row.get(5)?,
        at: row.get(6)?,
    })
}
