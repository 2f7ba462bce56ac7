//! The lines of statements that a batch adds to.

use super::entries::Entry;
use super::transfers::listing_texts;
use crate::batch::plan::Book;
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Micros, Result, Timestamp};
use farebox_db::{Rows, Tx, sql};
use std::collections::BTreeMap;

const DAY_MICROS: i64 = 86_400_000_000;

struct Line<'b> {
    kind: &'static str,
    listing_id: Option<&'b str>,
    memo: &'b str,
    amount: Micros,
    transfers: i64,
    at: Timestamp,
    last_entry: i64,
}

/// Adds the entries to the lines of their accounts' statements.
pub(super) async fn write_in(tx: &mut Tx, book: &Book<'_>, entries: &[Entry<'_>]) -> Result<()> {
    let listings = listing_texts(book);
    let mut lines: BTreeMap<(&str, i64, &str), Line<'_>> = BTreeMap::new();
    let mut rest = entries.iter();
    for (index, made) in book.made.iter().enumerate() {
        let listing_id = listings[index].as_deref();
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
    let mut rows = Rows::with_capacity(lines.len(), 10);
    for ((account, day, name), line) in &lines {
        rows.push([
            (*account).into(),
            (*day).into(),
            (*name).into(),
            line.kind.into(),
            line.listing_id.into(),
            line.memo.into(),
            line.amount.into(),
            line.transfers.into(),
            line.at.into(),
            line.last_entry.into(),
        ]);
    }
    const LINE: &str = sql!(
        "INSERT INTO statement_line (account_id, day, line, kind, listing_id, memo, amount, transfers, at, last_entry)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (account_id, day, line) DO UPDATE SET amount = statement_line.amount + excluded.amount,
           transfers = statement_line.transfers + excluded.transfers, at = excluded.at, last_entry = excluded.last_entry"
    );
    tx.execute_each(LINE, &rows).await?;
    Ok(())
}
