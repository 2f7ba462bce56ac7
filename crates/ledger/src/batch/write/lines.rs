//! The lines of statements that a batch adds to.

use super::entries::Entry;
use crate::batch::plan::Book;
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Micros, Result, Timestamp};
use farebox_db::{Rows, sql};
use std::collections::BTreeMap;

const DAY_MICROS: i64 = 86_400_000_000;

/// What a batch adds to a line.
pub(super) struct Line<'b> {
    kind: &'static str,
    listing_id: Option<&'b str>,
    memo: &'b str,
    amount: Micros,
    transfers: i64,
    first_at: Timestamp,
    at: Timestamp,
    last_entry: i64,
}

/// By account, day and name of the line.
pub(super) type Lines<'b> = BTreeMap<(&'b str, i64, &'b str), Line<'b>>;

/// What the entries add to the lines of their accounts' statements.
pub(super) fn of<'b>(book: &'b Book<'_>, entries: &[Entry<'_>]) -> Result<Lines<'b>> {
    let mut lines = Lines::new();
    let mut rest = entries.iter();
    for made in &book.made {
        let listing_id = made.listing.as_deref();
        for (leg, entry) in rest.by_ref().take(made.entries.len()).enumerate() {
            let daily = if made.is_daily() { listing_id } else { None };
            // A transfer counts once in a wallet; who pays himself has it among his earnings too.
            let side = |place: usize| (book.accounts[place].id.party(), book.accounts[place].id.kind().is_spendable());
            let own = side(entry.place);
            let counted = own.0.is_none() || made.entries[..leg].iter().all(|(place, _)| side(*place) != own);
            let key = (
                book.accounts[entry.place].id.text(),
                entry.at.micros() / DAY_MICROS,
                daily.unwrap_or(&made.transfer.id),
            );
            let line = lines.entry(key).or_insert(Line {
                kind: made.transfer.kind.text(),
                listing_id,
                memo: if daily.is_some() { "" } else { &made.transfer.memo },
                amount: Micros::ZERO,
                transfers: 0,
                first_at: entry.at,
                at: entry.at,
                last_entry: entry.no,
            });
            if !is_planted(Bug::LineForgotten) || entry.amount.is_negative() {
                line.amount = line.amount.checked_add(entry.amount)?;
            }
            line.transfers += i64::from(counted);
            (line.at, line.last_entry) = (entry.at, entry.no);
        }
    }
    Ok(lines)
}

/// Adds to one line.
pub(super) const WRITE: &str = sql!(
    "INSERT INTO statement_line (account_id, day, line, kind, listing_id, memo, amount, transfers, first_at, at,
       last_entry)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (account_id, day, line) DO UPDATE SET amount = statement_line.amount + excluded.amount,
       transfers = statement_line.transfers + excluded.transfers, at = excluded.at, last_entry = excluded.last_entry"
);

pub(super) fn rows<'b>(lines: &Lines<'b>) -> Rows<'b> {
    let mut rows = Rows::with_capacity(lines.len(), 11);
    for ((account, day, name), line) in lines {
        rows.push([
            (*account).into(),
            (*day).into(),
            (*name).into(),
            line.kind.into(),
            line.listing_id.into(),
            line.memo.into(),
            line.amount.into(),
            line.transfers.into(),
            line.first_at.into(),
            line.at.into(),
            line.last_entry.into(),
        ]);
    }
    rows
}
