//! Reading balances. What moves them is a batch.

use crate::account::AccountId;
use farebox_base::{Micros, PartyId, Result};
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

/// What a party has to spend at one seller each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepaid {
    /// At all of them together.
    pub total: Micros,
    /// The most first; sellers at whom nothing is left are not among them.
    pub sellers: Vec<(PartyId, Micros)>,
}

/// The party's money that is bound to sellers, listed for at most `limit` of them.
pub async fn prepaid_by_seller(db: &Db, party: PartyId, limit: i64) -> Result<Prepaid> {
    let party = party.to_string();
    let rows = db
        .query(
            sql!(
                "SELECT a.id, b.posted - b.held, CAST(SUM(b.posted - b.held) OVER () AS BIGINT)
                 FROM account a JOIN balance b ON b.account_id = a.id
                 WHERE a.party_id = $1 AND a.kind = 'prepaid' AND b.posted > b.held
                 ORDER BY b.posted - b.held DESC, a.id LIMIT $2"
            ),
            &[party.as_str().into(), limit.into()],
        )
        .await?;
    let mut prepaid = Prepaid::default();
    for row in &rows {
        prepaid.total = row.get(2)?;
        if let Some(seller) = AccountId::parse(row.get(0)?).and_then(|account| account.seller()) {
            prepaid.sellers.push((seller, row.get(1)?));
        }
    }
    Ok(prepaid)
}
