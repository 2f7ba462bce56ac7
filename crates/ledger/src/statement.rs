//! Statements: what moved on a party's spendable accounts, newest first.
//!
//! A party's wallet is its funded, promotional and prepaid accounts; earnings are stated elsewhere.

use farebox_base::{ListingId, Micros, PartyId, Result, Timestamp};
use farebox_db::{Db, Row, sql};

/// Which lines of a wallet to read.
#[derive(Clone, Debug)]
pub struct WalletQuery {
    pub party: PartyId,
    /// Inclusive.
    pub from: Timestamp,
    /// Exclusive.
    pub until: Timestamp,
    /// One line per call; otherwise the calls of a day and listing make one line.
    pub each_call: bool,
    /// Only lines after this one, in the order of the list.
    pub after: Option<LineKey>,
    pub limit: i64,
    pub offset: i64,
}

/// The place of a line in the list: newest first, then by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineKey {
    pub at: Timestamp,
    pub id: String,
}

/// One line of a wallet's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletLine {
    /// The transfer's id; of a day's line, the id of its first transfer.
    pub id: String,
    /// A transfer's kind, or `usage` for a day's line.
    pub kind: String,
    pub listing: Option<ListingId>,
    pub memo: String,
    /// Negative: spent.
    pub amount: Micros,
    pub at: Timestamp,
    /// How many transfers the line stands for.
    pub transfers: i64,
}

/// A page of a wallet's lines.
pub async fn wallet_lines(db: &Db, query: &WalletQuery) -> Result<Vec<WalletLine>> {
    let party = query.party.to_string();
    let rows = db
        .query(
            sql!(
                "SELECT id, kind, listing_id, memo, amount, at, transfers FROM (
                   SELECT t.id AS id, t.kind AS kind, t.listing_id AS listing_id, t.memo AS memo,
                     CAST(SUM(e.amount) AS BIGINT) AS amount, MAX(e.created_at) AS at, CAST(1 AS BIGINT) AS transfers
                   FROM account a JOIN entry e ON e.account_id = a.id JOIN transfer t ON t.id = e.transfer_id
                   WHERE a.party_id = $1 AND a.kind IN ('funded', 'promotional', 'prepaid')
                     AND e.created_at >= $2 AND e.created_at < $3 AND (t.kind <> 'call' OR CAST($4 AS BIGINT) = 1)
                   GROUP BY t.id, t.kind, t.listing_id, t.memo
                   UNION ALL
                   SELECT MIN(t.id), 'usage', t.listing_id, '', CAST(SUM(e.amount) AS BIGINT), MAX(e.created_at),
                     COUNT(DISTINCT t.id)
                   FROM account a JOIN entry e ON e.account_id = a.id JOIN transfer t ON t.id = e.transfer_id
                   WHERE a.party_id = $1 AND a.kind IN ('funded', 'promotional', 'prepaid')
                     AND e.created_at >= $2 AND e.created_at < $3 AND t.kind = 'call' AND CAST($4 AS BIGINT) = 0
                   GROUP BY e.created_at / 86400000000, t.listing_id
                 ) lines WHERE (CAST($7 AS BIGINT) IS NULL OR at < $7 OR (at = $7 AND id < $8))
                 ORDER BY at DESC, id DESC LIMIT $5 OFFSET $6"
            ),
            &[
                party.as_str().into(),
                query.from.into(),
                query.until.into(),
                query.each_call.into(),
                query.limit.into(),
                query.offset.into(),
                query.after.as_ref().map(|key| key.at).into(),
                query.after.as_ref().map(|key| key.id.as_str()).into(),
            ],
        )
        .await?;
    rows.iter().map(wallet_line).collect()
}

fn wallet_line(row: &Row) -> Result<WalletLine> {
    let listing: Option<String> = row.get(2)?;
    Ok(WalletLine {
        id: row.get(0)?,
        kind: row.get(1)?,
        listing: listing.as_deref().and_then(ListingId::parse),
        memo: row.get(3)?,
        amount: row.get(4)?,
        at: row.get(5)?,
        transfers: row.get(6)?,
    })
}

/// How many lines [`wallet_lines`] has in all, without its limit and offset.
pub async fn wallet_lines_count(db: &Db, query: &WalletQuery) -> Result<i64> {
    let party = query.party.to_string();
    let row = db
        .one(
            sql!(
                "SELECT COUNT(*) FROM (
                   SELECT 1 AS one
                   FROM account a JOIN entry e ON e.account_id = a.id JOIN transfer t ON t.id = e.transfer_id
                   WHERE a.party_id = $1 AND a.kind IN ('funded', 'promotional', 'prepaid')
                     AND e.created_at >= $2 AND e.created_at < $3
                   GROUP BY
                     CASE WHEN t.kind <> 'call' OR CAST($4 AS BIGINT) = 1 THEN t.id ELSE '' END,
                     CASE WHEN t.kind <> 'call' OR CAST($4 AS BIGINT) = 1 THEN 0 ELSE e.created_at / 86400000000 END,
                     CASE WHEN t.kind <> 'call' OR CAST($4 AS BIGINT) = 1 THEN '' ELSE t.listing_id END
                 ) lines"
            ),
            &[party.as_str().into(), query.from.into(), query.until.into(), query.each_call.into()],
        )
        .await?;
    row.map_or(Ok(0), |row| Ok(row.get(0)?))
}

/// One entry on one of a party's spendable accounts, with the balance before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    pub id: String,
    pub kind: String,
    pub listing: Option<ListingId>,
    pub memo: String,
    pub amount: Micros,
    pub balance_after: Micros,
    pub at: Timestamp,
}

impl AccountLine {
    pub fn balance_before(&self) -> Micros {
        Micros::new(self.balance_after.get() - self.amount.get())
    }
}

/// The newest entries on a party's spendable accounts, one line per account that a transfer touched;
/// only those of `listing` and of the account prepaid for its seller, where one is given.
pub async fn account_lines(
    db: &Db,
    party: PartyId,
    listing: Option<(ListingId, PartyId)>,
    limit: i64,
) -> Result<Vec<AccountLine>> {
    let party_text = party.to_string();
    let listing_text = listing.map(|(id, _)| id.to_string());
    let prepaid = listing.map(|(_, seller)| crate::AccountId::prepaid(party, seller));
    let rows = db
        .query(
            sql!(
                "SELECT t.id, t.kind, t.listing_id, t.memo, e.amount, e.balance_after, e.created_at
                 FROM account a JOIN entry e ON e.account_id = a.id JOIN transfer t ON t.id = e.transfer_id
                 WHERE a.party_id = $1 AND a.kind IN ('funded', 'promotional', 'prepaid')
                   AND (CAST($2 AS TEXT) IS NULL OR t.listing_id = $2 OR e.account_id = $3)
                 ORDER BY e.created_at DESC, e.transfer_id DESC, e.leg DESC LIMIT $4"
            ),
            &[
                party_text.as_str().into(),
                listing_text.as_deref().into(),
                prepaid.as_ref().map(crate::AccountId::text).into(),
                limit.into(),
            ],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let listing: Option<String> = row.get(2)?;
            Ok(AccountLine {
                id: row.get(0)?,
                kind: row.get(1)?,
                listing: listing.as_deref().and_then(ListingId::parse),
                memo: row.get(3)?,
                amount: row.get(4)?,
                balance_after: row.get(5)?,
                at: row.get(6)?,
            })
        })
        .collect()
}
