//! The entries of a batch: numbered, linked to the one before on the same account, and with the balance after each.

use super::balances::Afters;
use super::numbers::Numbers;
use crate::batch::plan::Book;
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Micros, Result, Timestamp};
use farebox_db::{Rows, sql};

/// One entry as it is written.
pub(super) struct Entry<'b> {
    pub no: i64,
    pub place: usize,
    pub transfer_id: &'b str,
    pub amount: Micros,
    pub balance_after: Option<Micros>,
    pub previous: Option<i64>,
    pub at: Timestamp,
}

/// All entries, numbered and linked.
pub(super) fn of<'b>(book: &Book<'b>, numbers: &Numbers, after: &Afters, now: Timestamp) -> Result<Vec<Entry<'b>>> {
    // The balance before the batch, from which each entry moves on.
    let mut running = after.clone();
    for (account, after) in book.accounts.iter().zip(&mut running) {
        if let Some(after) = after {
            after.posted = after.posted.checked_sub(account.posted)?;
        }
    }
    let mut entries = Vec::with_capacity(book.made.iter().map(|made| made.entries.len()).sum());
    let mut no = numbers.first;
    for made in &book.made {
        for (place, amount) in &made.entries {
            let (mut balance_after, mut previous, mut at) = (None, None, now);
            if let Some(account) = &mut running[*place] {
                account.posted = account.posted.checked_add(*amount)?;
                (balance_after, previous, at) = (Some(account.posted), account.previous, account.at);
                if !is_planted(Bug::LinkSkipped) || account.previous.is_none() {
                    account.previous = Some(no);
                }
            }
            let (transfer_id, amount) = (made.transfer.id.as_str(), *amount);
            entries.push(Entry { no, place: *place, transfer_id, amount, balance_after, previous, at });
            no += 1;
        }
    }
    Ok(entries)
}

/// Writes one entry.
pub(super) const WRITE: &str = sql!(
    "INSERT INTO entry (no, transfer_id, account_id, amount, balance_after, prev, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)"
);

pub(super) fn rows<'b>(book: &'b Book<'_>, entries: &[Entry<'b>]) -> Rows<'b> {
    let mut rows = Rows::with_capacity(entries.len(), 7);
    for entry in entries {
        rows.push([
            entry.no.into(),
            entry.transfer_id.into(),
            book.accounts[entry.place].id.text().into(),
            entry.amount.into(),
            entry.balance_after.into(),
            entry.previous.into(),
            entry.at.into(),
        ]);
    }
    rows
}
