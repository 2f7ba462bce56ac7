//! Following one account's entries from the newest back.

use super::DAY_MICROS;
use crate::account::AccountId;
use farebox_base::{Micros, PartyId, Result, Timestamp};
use farebox_db::{Db, sql};

/// One entry on the way.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub no: i64,
    pub transfer_id: String,
    pub amount: Micros,
    pub balance_after: Micros,
    /// The entry before it on the account.
    pub previous: Option<i64>,
    pub at: Timestamp,
}

/// Up to `limit` of the account's entries from `start` back, those before `before` (a time, and a number among those of
/// that time) and none older than `from`.
pub(super) async fn walk(
    db: &Db,
    account: &AccountId,
    start: i64,
    before: (Timestamp, i64),
    from: Timestamp,
    limit: i64,
) -> Result<Vec<Step>> {
    let rows = db
        .query(
            sql!(
                "WITH RECURSIVE walk (no, transfer_id, amount, balance_after, prev, created_at) AS (
                   SELECT no, transfer_id, amount, balance_after, prev, created_at FROM entry
                   WHERE no = $1 AND account_id = $6
                   UNION ALL
                   SELECT e.no, e.transfer_id, e.amount, e.balance_after, e.prev, e.created_at
                   FROM walk w JOIN entry e ON e.no = w.prev AND e.account_id = $6 WHERE w.created_at >= $4
                 )
                 SELECT no, transfer_id, amount, balance_after, prev, created_at FROM walk
                 WHERE created_at >= $4 AND (created_at < $2 OR (created_at = $2 AND no < $3)) LIMIT $5"
            ),
            &[start.into(), before.0.into(), before.1.into(), from.into(), limit.into(), account.text().into()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Step {
                no: row.get(0)?,
                transfer_id: row.get(1)?,
                amount: row.get(2)?,
                balance_after: row.get(3)?,
                previous: row.get(4)?,
                at: row.get(5)?,
            })
        })
        .collect()
}

/// The account's newest entry of the time's day or of a day before.
pub(super) async fn newest_until(db: &Db, account: &AccountId, at: Timestamp) -> Result<Option<i64>> {
    let row = db
        .one(
            sql!(
                "SELECT last_entry FROM statement_line WHERE account_id = $1 AND day <= $2
                 ORDER BY day DESC, at DESC, last_entry DESC LIMIT 1"
            ),
            &[account.text().into(), (at.micros() / DAY_MICROS).into()],
        )
        .await?;
    row.map(|row| Ok(row.get(0)?)).transpose()
}

/// The days on which the account has a line of this name, newest first: when each began, and its newest entry.
pub(super) async fn days_of_line(
    db: &Db,
    account: &AccountId,
    line: &str,
    limit: i64,
) -> Result<Vec<(Timestamp, i64)>> {
    let rows = db
        .query(
            sql!(
                "SELECT day, last_entry FROM statement_line WHERE account_id = $1 AND line = $2
                 ORDER BY day DESC LIMIT $3"
            ),
            &[account.text().into(), line.into(), limit.into()],
        )
        .await?;
    rows.iter().map(|row| Ok((Timestamp::from_micros(row.get::<i64>(0)? * DAY_MICROS), row.get(1)?))).collect()
}

/// The party's spendable accounts.
pub async fn spendable(db: &Db, party: PartyId) -> Result<Vec<AccountId>> {
    let party = party.to_string();
    let rows = db
        .query(
            sql!("SELECT id FROM account WHERE party_id = $1 AND kind IN ('funded', 'promotional', 'prepaid') ORDER BY id"),
            &[party.as_str().into()],
        )
        .await?;
    let mut accounts = Vec::with_capacity(rows.len());
    for row in rows {
        accounts.extend(AccountId::parse(row.get(0)?));
    }
    Ok(accounts)
}
