//! Moving the balances of a batch, one guarded update per account.

use super::all;
use super::numbers::Numbers;
use crate::batch::plan::{Account, Book};
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Micros, Result, Timestamp};
use farebox_db::{Rows, Tx, sql};
use std::collections::HashMap;

/// What an account's entries of this batch build on.
#[derive(Clone, Copy)]
pub(super) struct After {
    pub posted: Micros,
    pub previous: Option<i64>,
    pub at: Timestamp,
}

/// By place in the book; nothing where the batch does not move the balance, or there is none.
pub(super) type Afters = Vec<Option<After>>;

/// Moves the balances; answers what they were moved to. Where somebody else may have changed an account
/// since it was read, the database says.
pub(super) async fn move_in(tx: &mut Tx, book: &Book<'_>, numbers: &Numbers, now: Timestamp) -> Result<Afters> {
    let newest = newest_entries(book, numbers);
    let mut touched: Vec<usize> = (0..book.accounts.len())
        .filter(|place| {
            let account = &book.accounts[*place];
            account.stored.is_some() && (account.entries > 0 || !account.held.is_zero())
        })
        .collect();
    touched.sort_by(|a, b| book.accounts[*a].id.cmp(&book.accounts[*b].id));
    let mut rows = Rows::with_capacity(touched.len(), 7);
    for place in &touched {
        let account = &book.accounts[*place];
        rows.push([
            account.id.text().into(),
            account.posted.into(),
            account.held.into(),
            account.credited.into(),
            account.entries.into(),
            newest[*place].into(),
            now.into(),
        ]);
    }
    let mut after: Afters = vec![None; book.accounts.len()];
    if tx.is_alone() {
        all(tx.execute_many(MOVE, &rows).await?, rows.len())?;
        for place in touched {
            after[place] = computed(&book.accounts[place], now);
        }
        return Ok(after);
    }
    let places: HashMap<&str, usize> = touched.iter().map(|p| (book.accounts[*p].id.text(), *p)).collect();
    let mut moved = 0;
    for row in tx.query_many(MOVE_AND_SHOW, &rows).await? {
        if let Some(place) = places.get(row.get::<&str>(0)?) {
            after[*place] = Some(After { posted: row.get(1)?, previous: row.get(2)?, at: row.get(3)? });
            moved += 1;
        }
    }
    all(moved, rows.len())?;
    Ok(after)
}

// An account's entries never go back in time, whatever the clocks of the processes say. There are two texts because
// RETURNING makes an update on SQLite about three times as slow, and alone nobody needs what it returns.
const MOVE: &str = sql!(
    "UPDATE balance SET posted = posted + $2, held = held + $3, credited = credited + $4, entries = entries + $5,
       prior_entry = last_entry, last_entry = COALESCE($6, last_entry),
       last_at = CASE WHEN $6 IS NULL THEN last_at WHEN last_at >= $7 THEN last_at + 1 ELSE $7 END
     WHERE account_id = $1 AND posted + $2 - held - $3 >= floor AND held + $3 >= 0"
);
const MOVE_AND_SHOW: &str = sql!(
    "UPDATE balance SET posted = posted + $2, held = held + $3, credited = credited + $4, entries = entries + $5,
       prior_entry = last_entry, last_entry = COALESCE($6, last_entry),
       last_at = CASE WHEN $6 IS NULL THEN last_at WHEN last_at >= $7 THEN last_at + 1 ELSE $7 END
     WHERE account_id = $1 AND posted + $2 - held - $3 >= floor AND held + $3 >= 0
     RETURNING account_id, posted, prior_entry, last_at"
);

/// What [`MOVE`] makes of an account that nobody else has touched.
fn computed(account: &Account, now: Timestamp) -> Option<After> {
    let stored = account.stored?;
    let posted = Micros::new(stored.posted.get() + account.posted.get());
    let is_behind = stored.last_at >= now && !is_planted(Bug::ClockTrusted);
    let at = if is_behind { Timestamp::from_micros(stored.last_at.micros() + 1) } else { now };
    Some(After { posted, previous: stored.last_entry, at })
}

/// The number of the newest entry that each account gets, by place.
fn newest_entries(book: &Book<'_>, numbers: &Numbers) -> Vec<Option<i64>> {
    let mut newest = vec![None; book.accounts.len()];
    let places = book.made.iter().flat_map(|made| made.entries.iter().map(|(place, _)| *place));
    places.zip(numbers.first..).for_each(|(place, number)| newest[place] = Some(number));
    newest
}
