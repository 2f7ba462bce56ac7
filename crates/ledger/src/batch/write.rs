//! Writing a decided batch: one statement per table, rows in sorted order where others may want the same ones.
//!
//! Order of locks, the same for every batch: the chain, balances by account, statement lines by account, day and line.

use super::plan::{Account, Book, HoldState, Stored};
use super::seal::{Sealed, first_number, seal};
use super::{ChainId, lost_race};
use crate::account::{ASSET, SCALE};
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Error, Micros, Result, Timestamp};
use farebox_db::{Param, Rows, Tx, sql};
use std::collections::{BTreeMap, HashMap};

const DAY_MICROS: i64 = 86_400_000_000;

pub(super) async fn write_in(tx: &mut Tx, book: &mut Book<'_>, chain: ChainId, now: Timestamp) -> Result<()> {
    holds_in(tx, book, now).await?;
    accounts_in(tx, book, now).await?;
    let numbers = numbers_in(tx, book, chain).await?;
    let stored = balances_in(tx, book, &numbers, now).await?;
    if book.made.is_empty() {
        return Ok(());
    }
    let entries = entries(book, &numbers, &stored, now)?;
    entries_in(tx, book, &entries).await?;
    lines_in(tx, book, &entries).await?;
    let transfers = transfers(book, &entries);
    transfers_in(tx, &transfers).await?;
    seal_in(tx, book, &numbers, &transfers, &entries).await
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

/// What the batch's entries are numbered from, and the batch before it.
struct Numbers {
    chain: ChainId,
    seq: i64,
    before: Vec<u8>,
    /// Number of the first entry.
    first: i64,
    /// How many entries the chain has with this batch.
    entries: i64,
}

/// Takes the chain's next numbers; whoever else wants them waits for this transaction.
async fn numbers_in(tx: &mut Tx, book: &Book<'_>, chain: ChainId) -> Result<Numbers> {
    let new: i64 = book.accounts.iter().map(|account| account.entries).sum();
    if new == 0 {
        return Ok(Numbers { chain, seq: 0, before: Vec::new(), first: 0, entries: 0 });
    }
    let row = tx
        .one(
            sql!("UPDATE chain SET seq = seq + 1, entries = entries + $2 WHERE id = $1 RETURNING seq, entries"),
            &[chain.get().into(), new.into()],
        )
        .await?
        .ok_or_else(|| Error::internal(format!("chain {} was never begun", chain.get())))?;
    let (seq, entries): (i64, i64) = (row.get(0)?, row.get(1)?);
    let before = tx
        .one(sql!("SELECT hash FROM batch WHERE chain = $1 AND seq = $2"), &[chain.get().into(), (seq - 1).into()])
        .await?;
    let before = before.map(|row| row.get(0)).transpose()?.unwrap_or_default();
    Ok(Numbers { chain, seq, before, first: first_number(chain) + entries - new + 1, entries })
}

/// What an account's entries of this batch build on.
#[derive(Clone, Copy)]
struct After {
    posted: Micros,
    previous: Option<i64>,
    at: Timestamp,
}

/// Moves the balances; answers, by place, what they were moved to. Where somebody else may have changed an account
/// since it was read, the database says.
async fn balances_in(tx: &mut Tx, book: &Book<'_>, numbers: &Numbers, now: Timestamp) -> Result<HashMap<usize, After>> {
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
            newest.get(place).copied().into(),
            now.into(),
        ]);
    }
    if tx.is_alone() {
        all(tx.execute_many(MOVE, &rows).await?, rows.len())?;
        let moved = touched.into_iter().filter_map(|place| Some((place, computed(&book.accounts[place], now)?)));
        return Ok(moved.collect());
    }
    let places: HashMap<&str, usize> = touched.iter().map(|p| (book.accounts[*p].id.text(), *p)).collect();
    let mut after = HashMap::with_capacity(places.len());
    for row in tx.query_many(MOVE_AND_SHOW, &rows).await? {
        if let Some(place) = places.get(row.get::<&str>(0)?) {
            after.insert(*place, After { posted: row.get(1)?, previous: row.get(2)?, at: row.get(3)? });
        }
    }
    all(after.len() as u64, rows.len())?;
    Ok(after)
}

// An account's entries never go back in time, whatever the clocks of the processes say.
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

/// The number of the newest entry that each account gets.
fn newest_entries(book: &Book<'_>, numbers: &Numbers) -> HashMap<usize, i64> {
    let places = book.made.iter().flat_map(|made| made.entries.iter().map(|(place, _)| *place));
    places.zip(numbers.first..).collect()
}

/// One entry as it is written.
struct Entry<'b> {
    no: i64,
    place: usize,
    transfer_id: &'b str,
    amount: Micros,
    balance_after: Option<Micros>,
    previous: Option<i64>,
    at: Timestamp,
}

/// All entries, numbered and linked.
fn entries<'b>(
    book: &Book<'b>,
    numbers: &Numbers,
    after: &HashMap<usize, After>,
    now: Timestamp,
) -> Result<Vec<Entry<'b>>> {
    // The balance before the batch, from which each entry moves on.
    let mut running: Vec<Option<After>> = vec![None; book.accounts.len()];
    for (place, after) in after {
        let posted = after.posted.checked_sub(book.accounts[*place].posted)?;
        running[*place] = Some(After { posted, ..*after });
    }
    let mut entries = Vec::with_capacity(usize::try_from(numbers.entries).unwrap_or(0).min(1 << 16));
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

async fn entries_in(tx: &mut Tx, book: &Book<'_>, entries: &[Entry<'_>]) -> Result<()> {
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
    const ENTRY: &str = sql!(
        "INSERT INTO entry (no, transfer_id, account_id, amount, balance_after, prev, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    tx.execute_each(ENTRY, &rows).await?;
    Ok(())
}

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
async fn lines_in(tx: &mut Tx, book: &Book<'_>, entries: &[Entry<'_>]) -> Result<()> {
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

fn listing_texts(book: &Book<'_>) -> Vec<Option<String>> {
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

fn transfers<'b>(book: &'b Book<'_>, entries: &[Entry<'_>]) -> Vec<Row<'b>> {
    let mut next = 0;
    let row = |(made, listing_id): (&'b super::plan::Made<'_>, Option<String>)| {
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

async fn transfers_in(tx: &mut Tx, transfers: &[Row<'_>]) -> Result<()> {
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

/// A guard that held back some of the rows means that somebody else was first.
fn all(changed: u64, wanted: usize) -> Result<()> {
    if changed == wanted as u64 || is_planted(Bug::RaceUnnoticed) { Ok(()) } else { Err(lost_race()) }
}
