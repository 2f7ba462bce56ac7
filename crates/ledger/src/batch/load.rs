//! Reading what a batch touches: the holds and transfers that its ids name, and the balances of its accounts.

use super::plan::{Book, Digest, Held, HoldState, Stored};
use super::{Batch, Operation};
use crate::account::AccountId;
use crate::hold::Post;
use crate::transfer::Transfer;
use farebox_base::{Error, FastMap, Micros, Result};
use farebox_db::{Row, Rows, Tx, sql};

/// The touched part of the book as it is stored.
pub(super) async fn load_in<'a>(tx: &mut Tx, batch: &Batch<'a>) -> Result<Book<'a>> {
    let mut book = Book::new(batch.set_aside, batch.operations.len());
    let mut place = |account| {
        book.place(account);
    };
    for operation in batch.operations {
        match operation {
            Operation::Transfer(Transfer { legs, .. })
            | Operation::Post(Post { transfer: Transfer { legs, .. }, .. }) => {
                legs.iter().map(|leg| &leg.account).for_each(&mut place);
            }
            Operation::Hold(hold) => hold.sources.iter().for_each(&mut place),
            Operation::Void(_) => {}
        }
    }
    holds_in(tx, &mut book, batch).await?;
    if !batch.ids_are_new {
        transfers_in(tx, &mut book, batch).await?;
    }
    balances_in(tx, &mut book).await?;
    Ok(book)
}

async fn holds_in<'a>(tx: &mut Tx, book: &mut Book<'a>, batch: &Batch<'a>) -> Result<()> {
    let named = batch.operations.iter().filter_map(|operation| match operation {
        Operation::Hold(hold) if !batch.ids_are_new => Some(hold.id.as_str()),
        Operation::Post(post) => Some(post.hold_id.as_str()),
        Operation::Void(hold_id) => Some(hold_id.as_str()),
        Operation::Hold(_) | Operation::Transfer(_) => None,
    });
    let ids = distinct(named);
    let rows = rows_of(ids.values().copied());
    const HOLDS: &str = sql!("SELECT id, part, account_id, amount, state, digest FROM hold WHERE id = $1");
    let mut found = Vec::with_capacity(rows.len());
    for row in tx.query_many(HOLDS, &rows).await? {
        found.push((row.get::<String>(0)?, row.get::<i64>(1)?, row));
    }
    found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for (id, _, row) in &found {
        let Some(id) = ids.get(id.as_str()) else { continue };
        let place = book.place(&account(row.get(2)?)?);
        let amount: Micros = row.get(3)?;
        let (state, digest) = (state(row.get(4)?)?, digest(row, 5)?);
        let kept = book.holds.entry(id).or_insert_with(|| Held { digest, parts: Vec::with_capacity(1), state });
        kept.parts.push((place, amount));
    }
    Ok(())
}

async fn transfers_in<'a>(tx: &mut Tx, book: &mut Book<'a>, batch: &Batch<'a>) -> Result<()> {
    let named = batch.operations.iter().filter_map(|operation| match operation {
        Operation::Transfer(transfer) => Some(transfer.id.as_str()),
        Operation::Post(post) => Some(post.transfer.id.as_str()),
        Operation::Hold(_) | Operation::Void(_) => None,
    });
    let ids = distinct(named);
    let rows = rows_of(ids.values().copied());
    for row in tx.query_many(sql!("SELECT id, digest FROM transfer WHERE id = $1"), &rows).await? {
        if let Some(id) = ids.get(row.get::<&str>(0)?) {
            book.transfers.insert(id, digest(&row, 1)?);
        }
    }
    Ok(())
}

async fn balances_in(tx: &mut Tx, book: &mut Book<'_>) -> Result<()> {
    let ids: Vec<AccountId> =
        book.accounts.iter().map(|account| account.id.clone()).filter(|id| id.kind().has_floor()).collect();
    let rows = rows_of(ids.iter().map(AccountId::text));
    const BALANCES: &str =
        sql!("SELECT account_id, floor, posted, held, last_entry, last_at FROM balance WHERE account_id = $1");
    for row in tx.query_many(BALANCES, &rows).await? {
        let place = book.place(&account(row.get(0)?)?);
        let (floor, posted, held) = (row.get(1)?, row.get(2)?, row.get(3)?);
        book.accounts[place].stored =
            Some(Stored { floor, posted, held, last_entry: row.get(4)?, last_at: row.get(5)? });
    }
    Ok(())
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> FastMap<&'a str, &'a str> {
    ids.map(|id| (id, id)).collect()
}

fn rows_of<'a>(texts: impl Iterator<Item = &'a str>) -> Rows<'a> {
    let mut rows = Rows::default();
    texts.for_each(|text| rows.push([text.into()]));
    rows
}

fn account(text: &str) -> Result<AccountId> {
    AccountId::parse(text).ok_or_else(|| Error::internal(format!("{text} names no account")))
}

fn state(text: &str) -> Result<HoldState> {
    [HoldState::Held, HoldState::Posted, HoldState::Voided]
        .into_iter()
        .find(|state| state.text() == text)
        .ok_or_else(|| Error::internal(format!("a hold is {text}")))
}

fn digest(row: &Row, column: usize) -> Result<Digest> {
    row.get::<&[u8]>(column)?.try_into().map_err(|_| Error::internal("a digest has not 32 bytes"))
}
