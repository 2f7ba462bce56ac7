//! The wallet's history: credits, debits, and calls by day and publisher or one by one.

use super::Cx;
use crate::Core;
use farebox_api_kit::{Data, Ok200, Query, operations};
use farebox_api_types::platform::{
    WalletTransactionDirection, WalletTransactionHistoryResponse, WalletTransactionResponse, WalletTransactionsQuery,
};
use farebox_base::{Error, Micros, PartyId, Result, Timestamp};
use farebox_ledger::statement::{LineKey, WalletLine, WalletQuery};

operations! {
    core Core, door Platform, tag "agent-wallet";
    GET "/wallet/transactions" get_transactions(Needs(WalletRead)) "List what came into the wallet and went out of it";
}

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 100;
/// Deeper pages are refused: a cursor costs the same at any depth.
const OFFSET_MAX: i64 = 10_000;

async fn get_transactions(
    cx: Cx,
    query: Query<WalletTransactionsQuery>,
) -> Result<Ok200<Data<WalletTransactionHistoryResponse>>> {
    let query = wallet_query(cx.caller()?.party_id, &query.0)?;
    let (lines, total) = cx.core.wallets.statement(&query).await?;
    let full = i64::try_from(lines.len()).is_ok_and(|count| count == query.limit);
    let next_cursor = lines.last().filter(|_| full).map(|last| cursor(&query, last));
    let mut transactions = Vec::with_capacity(lines.len());
    for line in lines {
        transactions.push(transaction(&cx.core, line).await?);
    }
    Ok(Ok200(Data(WalletTransactionHistoryResponse {
        transactions,
        total,
        total_is_exact: true,
        limit: query.limit,
        offset: query.offset,
        next_cursor,
    })))
}

fn wallet_query(party: PartyId, query: &WalletTransactionsQuery) -> Result<WalletQuery> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid("limit", format!("must be from 1 to {LIMIT_MAX}")));
    }
    let after = query.cursor.as_deref().map(|text| read_cursor(text, query.include_usage)).transpose()?;
    let offset = if after.is_some() { 0 } else { query.offset.unwrap_or(0) };
    if !(0..=OFFSET_MAX).contains(&offset) {
        return Err(Error::invalid("offset", format!("must be from 0 to {OFFSET_MAX}; a cursor reaches further")));
    }
    let [from, until] = days(query.start_date.as_deref(), query.end_date.as_deref())?;
    Ok(WalletQuery { party, from, until, each_call: query.include_usage, after, limit, offset })
}

/// Where the next page begins; what is in front says of which list.
fn cursor(query: &WalletQuery, last: &WalletLine) -> String {
    format!("{}{}.{}", cursor_prefix(query.each_call), last.at.micros(), last.key)
}

fn cursor_prefix(each_call: bool) -> &'static str {
    if each_call { "3c." } else { "3d." }
}

fn read_cursor(text: &str, each_call: bool) -> Result<LineKey> {
    let parts = text.strip_prefix(cursor_prefix(each_call)).and_then(|rest| rest.split_once('.'));
    let key = parts.and_then(|(at, key)| {
        let at = Timestamp::from_micros(at.parse().ok()?);
        Some(LineKey { at, key: key.to_owned() })
    });
    key.ok_or_else(|| Error::invalid("cursor", "must be the next_cursor of an earlier reply to the same query"))
}

/// From the first day, to the beginning of the last.
pub(super) fn days(start_date: Option<&str>, end_date: Option<&str>) -> Result<[Timestamp; 2]> {
    let from = day("start_date", start_date)?.unwrap_or_default();
    let until = day("end_date", end_date)?.unwrap_or(Timestamp::from_micros(i64::MAX));
    if start_date.is_some() && until < from {
        return Err(Error::invalid("end_date", "must not be before start_date"));
    }
    Ok([from, until])
}

fn day(field: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|text| {
        Timestamp::parse_day(text)
            .ok_or_else(|| Error::invalid(field, "must be a day written YYYY-MM-DD, at most 9999-12-30"))
    })
    .transpose()
}

async fn transaction(core: &Core, line: WalletLine) -> Result<WalletTransactionResponse> {
    let credit = !line.amount.is_negative();
    let amount = if credit { line.amount } else { Micros::ZERO.checked_sub(line.amount)? };
    let publisher = match line.listing {
        Some(id) => core.market.by_id(id).await?,
        None => None,
    };
    let name = publisher.map(|entry| entry.listing.name.clone());
    Ok(WalletTransactionResponse {
        id: line_id(&line),
        direction: if credit { WalletTransactionDirection::Credit } else { WalletTransactionDirection::Debit },
        source: if line.kind == "call" { "usage".to_owned() } else { line.kind.clone() },
        amount_atomic: amount.into(),
        amount_usd: amount.into(),
        balance_after_atomic: line.balance_after.map(Into::into),
        balance_after_usd: line.balance_after.map(Into::into),
        remaining_atomic: None,
        remaining_usd: None,
        paid_amount_usd: None,
        bonus_amount_usd: None,
        description: Some(description(&line, name.as_deref())),
        publisher_id: line.listing.map(|id| id.uuid()),
        publisher_name: name,
        alert: None,
        prompt: None,
        expires_at: None,
        created_at: line.at.into(),
    })
}

/// A transfer that is not named by a UUID gets one that is always the same for it.
fn line_id(line: &WalletLine) -> uuid::Uuid {
    uuid::Uuid::try_parse(&line.id)
        .unwrap_or_else(|_| uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, line.id.as_bytes()))
}

fn description(line: &WalletLine, publisher: Option<&str>) -> String {
    match (line.kind.as_str(), publisher) {
        ("usage", Some(name)) => format!("{} calls of {name}", line.transfers),
        ("usage", None) => format!("{} calls", line.transfers),
        ("call", Some(name)) => format!("A call of {name}"),
        _ => line.memo.clone(),
    }
}
