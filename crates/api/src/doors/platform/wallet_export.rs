//! The wallet's history as a spreadsheet: every entry of every account with the balance after it, as a stream.

use super::Cx;
use super::wallet_transactions::days;
use crate::Core;
use farebox_api_kit::{Query, Reply, operations};
use farebox_api_types::platform::WalletExportQuery;
use farebox_base::{Result, Timestamp};
use farebox_ledger::AccountId;
use farebox_ledger::statement::{AccountLine, AccountPage};
use std::collections::VecDeque;
use std::fmt::Write as _;

operations! {
    core Core, door Platform, tag "agent-wallet";
    GET "/wallet/transactions/export" export_transactions(Needs(WalletRead)) replies(200 as "text/csv") "Export every transaction as CSV";
}

const HEAD: &str = "time,account,id,type,listing_id,description,amount_usd,balance_after_usd\r\n";
/// Lines that are read and sent at a time.
const PAGE: i64 = 500;

async fn export_transactions(cx: Cx, query: Query<WalletExportQuery>) -> Result<Reply> {
    let span = days(query.0.start_date.as_deref(), query.0.end_date.as_deref())?;
    let party = cx.caller()?.party_id;
    let accounts = cx.core.wallets.spendable(party).await?.into();
    let export = Export { core: cx.core.clone(), accounts, after: None, span };
    Ok(Reply::stream("text/csv; charset=utf-8", HEAD.into(), export, |export| Box::pin(next(export))))
}

/// How far the export has come: accounts are written one after the other, newest entries first.
struct Export {
    core: Core,
    accounts: VecDeque<AccountId>,
    after: Option<i64>,
    span: [Timestamp; 2],
}

async fn next(mut export: Export) -> Result<Option<(bytes::Bytes, Export)>> {
    while let Some(account) = export.accounts.front() {
        let wallets = &export.core.wallets;
        let AccountPage { lines, next } = wallets.account_page(account, export.after, export.span, PAGE).await?;
        let mut text = String::new();
        lines.iter().for_each(|line| write_line(&mut text, account, line));
        export.after = next;
        if next.is_none() {
            export.accounts.pop_front();
        }
        if !text.is_empty() {
            return Ok(Some((text.into(), export)));
        }
    }
    Ok(None)
}

fn write_line(text: &mut String, account: &AccountId, line: &AccountLine) {
    let listing = line.listing.map(|listing| listing.to_string()).unwrap_or_default();
    let fields = [
        line.at.rfc3339(),
        named(account),
        quoted(&line.id),
        line.kind.clone(),
        listing,
        quoted(&line.memo),
        line.amount.to_fixed6(),
        line.balance_after.to_fixed6(),
    ];
    let _ = write!(text, "{}\r\n", fields.join(","));
}

/// The part of the wallet; money that is bound to a seller names his organization, as a wallet may have several such parts.
fn named(account: &AccountId) -> String {
    let kind = account.kind().text();
    account.seller().map_or_else(|| kind.to_owned(), |seller| format!("{kind}:{seller}"))
}

/// A field of free text. A spreadsheet would run one that begins like a formula, so that gets an apostrophe in front.
fn quoted(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_stays_one_field_and_never_becomes_a_formula() {
        assert_eq!(quoted("say \"hi\", twice\nover"), "\"say \"\"hi\"\", twice\nover\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }
}
