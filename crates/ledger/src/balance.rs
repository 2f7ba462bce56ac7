//! Balances: the guarded updates that move them, and reading them.
//!
//! Invariant: every debit of an account with a floor is an update that the database refuses when it
//! would go below the floor. Updates of one operation run in the order of account ids, so that two
//! operations never wait for each other.

use crate::account::{AccountId, account_open_in};
use farebox_base::{Error, Micros, Result, Timestamp};
use farebox_db::{Db, Tx, sql};

/// What an account holds, in micros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub posted: Micros,
    pub held: Micros,
}

impl Balance {
    /// What can be spent now: posted less held.
    pub fn available(self) -> Micros {
        Micros::new(self.posted.get() - self.held.get())
    }
}

/// The balance of one account; zero where it was never opened.
pub async fn balance_get(db: &Db, id: &AccountId) -> Result<Balance> {
    let row = db.one(sql!("SELECT posted, held FROM balance WHERE account_id = $1"), &[id.text().into()]).await?;
    match row {
        Some(row) => Ok(Balance { posted: row.get(0)?, held: row.get(1)? }),
        None => Ok(Balance::default()),
    }
}

/// The most accounts that a hold may draw on.
pub(crate) const SOURCES_MAX: usize = 4;

/// What can be spent from each account inside a transaction, above its floor; zero where it was never opened.
pub(crate) async fn available_in(tx: &mut Tx, ids: &[AccountId]) -> Result<Vec<Micros>> {
    let id = |index: usize| ids.get(index).map(AccountId::text).into();
    let rows = tx
        .query(
            sql!(
                "SELECT account_id, posted - held - floor FROM balance
                 WHERE account_id = $1 OR account_id = $2 OR account_id = $3 OR account_id = $4"
            ),
            &[id(0), id(1), id(2), id(3)],
        )
        .await?;
    let mut available = vec![Micros::ZERO; ids.len()];
    for row in rows {
        let account: &str = row.get(0)?;
        if let Some(index) = ids.iter().position(|id| id.text() == account) {
            available[index] = row.get(1)?;
        }
    }
    Ok(available)
}

/// Adds `amount` (negative: takes it, if the floor allows) and answers the new posted balance.
/// `None`: refused by the floor. An account without a floor is only made sure to exist.
pub(crate) async fn balance_add_in(tx: &mut Tx, id: &AccountId, amount: Micros, now: Timestamp) -> Result<Added> {
    if !id.kind().has_floor() {
        if !id.kind().is_given() {
            account_open_in(tx, id, now).await?;
        }
        return Ok(Added::NoBalance);
    }
    if amount.is_negative() {
        let row = tx
            .one(
                sql!(
                    "UPDATE balance SET posted = posted + $2
                     WHERE account_id = $1 AND posted - held + $2 >= floor RETURNING posted"
                ),
                &[id.text().into(), amount.into()],
            )
            .await?;
        return row.map_or(Ok(Added::Refused), |row| Ok(Added::Now(row.get(0)?)));
    }
    const CREDIT: &str = sql!("UPDATE balance SET posted = posted + $2 WHERE account_id = $1 RETURNING posted");
    if let Some(row) = tx.one(CREDIT, &[id.text().into(), amount.into()]).await? {
        return Ok(Added::Now(row.get(0)?));
    }
    account_open_in(tx, id, now).await?;
    match tx.one(CREDIT, &[id.text().into(), amount.into()]).await? {
        Some(row) => Ok(Added::Now(row.get(0)?)),
        None => Err(Error::internal(format!("account {id} has no balance row after it was opened"))),
    }
}

/// What [`balance_add_in`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// The posted balance after the update.
    Now(Micros),
    /// The account keeps no balance row.
    NoBalance,
    /// The floor refused the debit; nothing was changed.
    Refused,
}

impl Added {
    pub(crate) const fn balance(self) -> Option<Micros> {
        match self {
            Added::Now(balance) => Some(balance),
            Added::NoBalance | Added::Refused => None,
        }
    }
}

/// Reserves `amount` above the floor. `false`: the floor refused it and nothing was changed.
pub(crate) async fn reserve_in(tx: &mut Tx, id: &AccountId, amount: Micros) -> Result<bool> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE balance SET held = held + $2
                 WHERE account_id = $1 AND posted - held - $2 >= floor"
            ),
            &[id.text().into(), amount.into()],
        )
        .await?;
    Ok(changed == 1)
}

/// Gives back `reserved` and takes `spent` of it; answers the new posted balance.
pub(crate) async fn settle_reserved_in(tx: &mut Tx, account: &str, reserved: Micros, spent: Micros) -> Result<Micros> {
    let row = tx
        .one(
            sql!("UPDATE balance SET held = held - $2, posted = posted - $3 WHERE account_id = $1 RETURNING posted"),
            &[account.into(), reserved.into(), spent.into()],
        )
        .await?;
    match row {
        Some(row) => Ok(row.get(0)?),
        None => Err(Error::internal(format!("account {account} has a hold but no balance row"))),
    }
}
