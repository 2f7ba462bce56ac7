//! The statement by day: the calls of a day and listing in one line, every other transfer in its own.
//!
//! A line stands where its first transfer stands and stays there, so that pages neither miss nor repeat one.

use super::{DAY_MICROS, WalletLine, WalletQuery};
use farebox_base::{ListingId, Result};
use farebox_db::{Db, Row, sql};

pub(super) async fn lines(db: &Db, query: &WalletQuery) -> Result<Vec<WalletLine>> {
    let party = query.party.to_string();
    let (from, until) = query.days();
    let until = query.after.as_ref().map_or(until, |key| until.min(key.at.micros() / DAY_MICROS + 1));
    let rows = db
        .query(
            sql!(
                "SELECT line, kind, listing_id, memo, amount, at, transfers, day FROM (
                   SELECT l.line AS line, l.day AS day, MAX(l.kind) AS kind, MAX(l.listing_id) AS listing_id,
                     MAX(l.memo) AS memo, CAST(SUM(l.amount) AS BIGINT) AS amount, MIN(l.first_at) AS at,
                     CAST(SUM(l.transfers) AS BIGINT) AS transfers
                   FROM account a JOIN statement_line l ON l.account_id = a.id
                   WHERE a.party_id = $1 AND a.kind IN ('funded', 'promotional', 'prepaid') AND l.day >= $2 AND l.day < $3
                   GROUP BY l.day, l.line
                 ) lines WHERE (CAST($6 AS BIGINT) IS NULL OR at < $6 OR (at = $6 AND line < $7))
                 ORDER BY at DESC, line DESC LIMIT $4 OFFSET $5"
            ),
            &[
                party.as_str().into(),
                from.into(),
                until.into(),
                query.limit.into(),
                query.offset.into(),
                query.after.as_ref().map(|key| key.at).into(),
                query.after.as_ref().map(|key| key.key.as_str()).into(),
            ],
        )
        .await?;
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> Result<WalletLine> {
    let (key, kind): (String, String) = (row.get(0)?, row.get(1)?);
    let listing: Option<ListingId> = row.get(2)?;
    let daily = kind == "call" && listing.is_some();
    let id = if daily { format!("{key}:{}", row.get::<i64>(7)?) } else { key.clone() };
    Ok(WalletLine {
        id,
        key,
        kind: if daily { "usage".to_owned() } else { kind },
        listing,
        memo: row.get(3)?,
        amount: row.get(4)?,
        balance_after: None,
        at: row.get(5)?,
        transfers: row.get(6)?,
    })
}

/// How many lines and how many transfers there are.
pub(super) async fn counts(db: &Db, query: &WalletQuery) -> Result<(i64, i64)> {
    let party = query.party.to_string();
    let (from, until) = query.days();
    let row = db
        .one(
            sql!(
                "SELECT COUNT(*), CAST(COALESCE(SUM(transfers), 0) AS BIGINT) FROM (
                   SELECT SUM(l.transfers) AS transfers FROM account a JOIN statement_line l ON l.account_id = a.id
                   WHERE a.party_id = $1 AND a.kind IN ('funded', 'promotional', 'prepaid') AND l.day >= $2 AND l.day < $3
                   GROUP BY l.day, l.line
                 ) lines"
            ),
            &[party.as_str().into(), from.into(), until.into()],
        )
        .await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get(0)?, row.get(1)?)))
}
