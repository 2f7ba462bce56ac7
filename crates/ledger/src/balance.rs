//! Reading balances. What moves them is a batch.

use crate::account::AccountId;
use farebox_base::{Micros, Result};
use farebox_db::{Db, sql};

/// What an account holds, in micros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub posted: Micros,
    pub held: Micros,
    /// All that ever came in.
    pub credited: Micros,
}

impl Balance {
    /// What can be spent now: posted less held.
    pub fn available(self) -> Micros {
        Micros::new(self.posted.get() - self.held.get())
    }
}

/// The balance of one account; zero where it was never opened.
pub async fn balance_get(db: &Db, id: &AccountId) -> Result<Balance> {
    let row =
        db.one(sql!("SELECT posted, held, credited FROM balance WHERE account_id = $1"), &[id.text().into()]).await?;
    match row {
        Some(row) => Ok(Balance { posted: row.get(0)?, held: row.get(1)?, credited: row.get(2)? }),
        None => Ok(Balance::default()),
    }
}
