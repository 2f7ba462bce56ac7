//! Reading a chain's entries in their order, with their transfers, a page ahead.
//!
//! Invariant: an entry that cannot be read is a gap, and what stands around it is read.

use super::super::why;
use crate::batch::{ENTRIES_MAX, Sealed};
use farebox_base::{Kind, Result};
use farebox_db::{Db, Row, sql};
use std::collections::VecDeque;

/// Entries that are read at a time.
const PAGE: i64 = 5_000;
/// Gaps of a chain whose ends are looked for; behind them whole parts are given up.
const GAPS_MAX: u32 = 64;

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

/// Entries that cannot be read, by their numbers.
struct Gap {
    first: i64,
    last: i64,
    why: String,
}

pub(super) struct Reader<'a> {
    db: &'a Db,
    /// Entries up to this number were read.
    after: i64,
    /// The chain's last possible number.
    end: i64,
    ahead: VecDeque<Stored>,
    gaps: VecDeque<Gap>,
    gaps_left: u32,
    /// Up to which number entries were handed out.
    told: i64,
}

impl<'a> Reader<'a> {
    /// Reads from the entry behind `first`, the number before a chain's.
    pub(super) fn new(db: &'a Db, first: i64) -> Self {
        let end = first.saturating_add(ENTRIES_MAX);
        let (ahead, gaps) = (VecDeque::new(), VecDeque::new());
        Self { db, after: first, end, ahead, gaps, gaps_left: GAPS_MAX, told: first }
    }

    /// All entries up to this number that were not read yet and can be read.
    pub(super) async fn until(&mut self, last: i64) -> Result<Vec<Stored>> {
        let mut read = Vec::new();
        self.told = last;
        loop {
            while let Some(entry) = self.ahead.pop_front_if(|entry| entry.no <= last) {
                read.push(entry);
            }
            if !self.ahead.is_empty() || self.after >= last {
                return Ok(read);
            }
            match self.part(self.after, self.end).await {
                Ok(part) => {
                    self.after = part.last().map_or(self.end, |entry| entry.no);
                    self.ahead.extend(part);
                }
                Err(error) if error.kind == Kind::Unavailable => return Err(error),
                Err(_) => self.around_gaps(last.max(self.after.saturating_add(PAGE)).min(self.end)).await?,
            }
        }
    }

    /// What could not be read of what [`Reader::until`] was asked for last.
    pub(super) fn gaps_read(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(Gap { first, last, why }) = self.gaps.pop_front_if(|gap| gap.first <= self.told) {
            told.push(match first == last {
                true => format!("the entry no {first} cannot be read: {why}"),
                false => format!("the entries no {first} to {last} cannot be read: {why}"),
            });
        }
        told
    }

    /// Reads up to a number in ever smaller parts, until each gap is alone.
    async fn around_gaps(&mut self, until: i64) -> Result<()> {
        let mut parts = vec![(self.after, until)];
        while let Some((after, last)) = parts.pop() {
            match self.part(after, last).await {
                Ok(part) => {
                    if part.len() as i64 == PAGE {
                        parts.extend(part.last().map(|entry| (entry.no, last)));
                    }
                    self.ahead.extend(part);
                }
                Err(error) if error.kind == Kind::Unavailable => return Err(error),
                Err(_) if last - after > 1 && self.gaps_left > 0 => {
                    let middle = after + (last - after) / 2;
                    parts.extend([(middle, last), (after, middle)]);
                }
                Err(error) => {
                    self.gaps_left = self.gaps_left.saturating_sub(1);
                    self.gaps.push_back(Gap { first: after + 1, last, why: why(error) });
                }
            }
        }
        self.after = until;
        Ok(())
    }

    /// The entries behind one number, up to another, at most a page.
    async fn part(&self, after: i64, last: i64) -> Result<Vec<Stored>> {
        let rows = self
            .db
            .query(
                sql!(
                    "SELECT e.no, e.transfer_id, e.account_id, e.amount, e.balance_after, e.prev, e.created_at,
                       t.kind, t.digest, t.hold_id, t.listing_id, t.memo, t.first_entry
                     FROM entry e LEFT JOIN transfer t ON t.id = e.transfer_id
                     WHERE e.no > $1 AND e.no <= $2 ORDER BY e.no LIMIT $3"
                ),
                &[after.into(), last.into(), PAGE.into()],
            )
            .await?;
        rows.iter().map(stored).collect()
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
