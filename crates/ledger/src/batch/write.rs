//! Writing a decided batch: one statement per table, rows in sorted order where others may want the same ones.
//!
//! Order of locks, the same for every batch: the chain, balances by account, statement lines by account, day and line.

mod balances;
mod entries;
mod lines;
mod numbers;
mod transfers;

use super::plan::{Account, Book, HoldState, Stored};
use super::{ChainId, lost_race};
use crate::account::{ASSET, SCALE};
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Micros, Result, Timestamp};
use farebox_db::{Rows, Tx, sql};

pub(super) async fn write_in(tx: &mut Tx, book: &mut Book<'_>, chain: ChainId, now: Timestamp) -> Result<()> {
    holds_in(tx, book, now).await?;
    accounts_in(tx, book, now).await?;
    let numbers = numbers::take_in(tx, book, chain).await?;
    let after = balances::move_in(tx, book, &numbers, now).await?;
    if book.made.is_empty() {
        return Ok(());
    }
    let entries = entries::of(book, &numbers, &after, now)?;
    let lines = lines::of(book, &entries)?;
    let transfers = transfers::of(book, &entries);
    let hash = transfers::hash(book, &numbers, &transfers, &entries);
    let wanted = [entries.len(), lines.len(), transfers.len(), 1];
    let written = tx
        .execute_all(&[
            (entries::WRITE, &entries::rows(book, &entries)),
            (lines::WRITE, &lines::rows(&lines)),
            (transfers::WRITE, &transfers::rows(&transfers)),
            (numbers::WRITE, &numbers.row(&hash)),
        ])
        .await?;
    written.into_iter().zip(wanted).try_for_each(|(written, wanted)| all(written, wanted))
}

async fn holds_in(tx: &mut Tx, book: &Book<'_>, now: Timestamp) -> Result<()> {
    let mut rows = Rows::with_capacity(book.new_holds.len(), 7);
    for hold in &book.new_holds {
        let kept = &book.holds[hold.id.as_str()];
        for (part, (place, amount)) in (0_i64..).zip(&kept.parts) {
            rows.push([
                hold.id.as_str().into(),
                part.into(),
                book.accounts[*place].id.text().into(),
                (*amount).into(),
                (&kept.digest).into(),
                now.into(),
                hold.expires_at.into(),
            ]);
        }
    }
    const HOLD: &str = sql!(
        "INSERT INTO hold (id, part, account_id, amount, state, digest, created_at, expires_at)
         VALUES ($1, $2, $3, $4, 'held', $5, $6, $7) ON CONFLICT (id, part) DO NOTHING"
    );
    all(tx.execute_many(HOLD, &rows).await?, rows.len())?;
    let mut resolved = Rows::with_capacity(book.resolved.len(), 3);
    let mut parts = 0;
    for (hold_id, state) in &book.resolved {
        resolved.push([(*hold_id).into(), state.text().into(), now.into()]);
        parts += book.holds[hold_id].parts.len();
    }
    const RESOLVE: &str = sql!("UPDATE hold SET state = $2, resolved_at = $3 WHERE id = $1 AND state = 'held'");
    debug_assert!(book.resolved.iter().all(|(_, state)| *state != HoldState::Held));
    all(tx.execute_many(RESOLVE, &resolved).await?, parts)
}

/// Opens the accounts that get money for the first time.
async fn accounts_in(tx: &mut Tx, book: &mut Book<'_>, now: Timestamp) -> Result<()> {
    let is_new = |account: &Account| account.entries > 0 && account.stored.is_none() && !account.id.kind().is_given();
    let mut new: Vec<usize> = (0..book.accounts.len()).filter(|place| is_new(&book.accounts[*place])).collect();
    new.sort_by(|a, b| book.accounts[*a].id.cmp(&book.accounts[*b].id));
    let parties: Vec<_> = new.iter().map(|p| book.accounts[*p].id.party().map(|party| party.to_string())).collect();
    let (mut accounts, mut balances) = (Rows::default(), Rows::default());
    for (place, party) in new.iter().zip(&parties) {
        let id = &book.accounts[*place].id;
        let (kind, party) = (id.kind().text().into(), party.as_deref().into());
        accounts.push([id.text().into(), party, kind, ASSET.into(), SCALE.into(), now.into()]);
        if id.kind().has_floor() {
            balances.push([id.text().into()]);
        }
    }
    const ACCOUNT: &str = sql!(
        "INSERT INTO account (id, party_id, kind, asset, scale, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO NOTHING"
    );
    const BALANCE: &str = sql!(
        "INSERT INTO balance (account_id, floor, posted, held, credited, entries, last_at)
         VALUES ($1, 0, 0, 0, 0, 0, 0) ON CONFLICT (account_id) DO NOTHING"
    );
    tx.execute_many(ACCOUNT, &accounts).await?;
    tx.execute_many(BALANCE, &balances).await?;
    for place in new {
        let account = &mut book.accounts[place];
        if account.id.kind().has_floor() {
            let (floor, last_at) = (Micros::ZERO, Timestamp::default());
            account.stored =
                Some(Stored { floor, posted: Micros::ZERO, held: Micros::ZERO, last_entry: None, last_at });
        }
    }
    Ok(())
}

/// A guard that held back some of the rows means that somebody else was first.
fn all(changed: u64, wanted: usize) -> Result<()> {
    if changed == wanted as u64 || is_planted(Bug::RaceUnnoticed) { Ok(()) } else { Err(lost_race()) }
}
