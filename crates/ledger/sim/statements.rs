//! Statements against the auditor's entries: every line exactly once, however the list is cut into pages.

use crate::sim::model::{Entry, Model};
use farebox_base::{PartyId, Rng, SeededRng, Timestamp};
use farebox_db::Db;
use farebox_ledger::TransferKind;
use farebox_ledger::statement::{LineKey, WalletLine, WalletQuery, account_lines, wallet_lines, wallet_lines_count};
use std::collections::{BTreeMap, BTreeSet};

const DAY_MICROS: i64 = 86_400_000_000;

/// A line as both sides can say it: id, kind, listing, memo, amount, time, transfers.
type Line = (String, String, Option<String>, String, i64, i64, i64);

/// # Errors
/// What differs.
pub async fn verify(db: &Db, rng: &SeededRng, book: &Model, party: PartyId) -> Result<(), String> {
    let entries = book.spendable(party);
    let lines = account_lines(db, party, None, 1_000_000).await.map_err(|e| format!("{e:?}"))?;
    let mut found: Vec<_> =
        lines.iter().map(|l| (l.at.micros(), l.id.clone(), l.amount.get(), l.balance_after.get())).collect();
    let mut expected: Vec<_> =
        entries.iter().map(|e| (e.at.micros(), e.about.id.clone(), e.amount, e.balance_after)).collect();
    found.sort();
    expected.sort();
    if found != expected {
        return Err(differ("running balances", &found, &expected));
    }
    let times: Vec<Timestamp> = entries.iter().map(|entry| entry.at).collect();
    let some_time = |otherwise| match times.len() {
        0 => otherwise,
        many => times[usize::try_from(rng.below(many as u64)).unwrap_or(0)],
    };
    let is_steady = is_steady(&entries);
    let all = (Timestamp::from_micros(0), Timestamp::from_micros(4_000_000_000_000_000));
    let part = (some_time(all.0), some_time(all.1));
    for (each_call, (from, until)) in [(true, all), (false, all), (rng.below(2) == 0, part)] {
        let limit = i64::try_from(1 + rng.below(10) * rng.below(10)).unwrap_or(1) + entries.len() as i64 / 20;
        let query = WalletQuery { party, from, until, each_call, after: None, limit, offset: 0 };
        let mut found: Vec<Line> = pages(db, query.clone(), is_steady).await?.iter().map(plain).collect();
        let mut expected = if each_call { by_call(&entries, from, until) } else { by_day(&entries, from, until) };
        found.sort();
        expected.sort();
        if found != expected {
            return Err(differ(&format!("lines from {from:?} until {until:?}"), &found, &expected));
        }
        let count = wallet_lines_count(db, &query).await.map_err(|e| format!("{e:?}"))?;
        if until == all.1 && from == all.0 && count != expected.len() as i64 {
            return Err(format!("{count} lines are said to be there, {} are (each call: {each_call})", expected.len()));
        }
    }
    Ok(())
}

/// Whether each transfer has one time on all of the wallet's accounts, which a clock that went back undoes.
fn is_steady(entries: &[&Entry]) -> bool {
    let mut times = BTreeMap::new();
    entries.iter().all(|entry| *times.entry(&entry.about.id).or_insert(entry.at) == entry.at)
}

/// The whole list, a page at a time; checks its order and, where times are steady, the balance from line to line.
async fn pages(db: &Db, mut query: WalletQuery, is_steady: bool) -> Result<Vec<WalletLine>, String> {
    let mut all: Vec<WalletLine> = Vec::new();
    loop {
        let page = wallet_lines(db, &query).await.map_err(|e| format!("{e:?}"))?;
        let is_last = (page.len() as i64) < query.limit;
        if let Some(last) = page.last() {
            query.after = Some(LineKey { at: last.at, key: last.key.clone() });
        }
        all.extend(page);
        if is_last {
            break;
        }
    }
    if let Some(pair) = all.windows(2).find(|pair| pair[0].at < pair[1].at) {
        return Err(format!("lines are out of order: {pair:?}"));
    }
    let goes_on = |newer: &WalletLine, older: &WalletLine| {
        newer.balance_after.map(|after| after.get())
            == older.balance_after.map(|before| before.get() + newer.amount.get())
    };
    match all.windows(2).find(|pair| query.each_call && is_steady && !goes_on(&pair[0], &pair[1])) {
        Some(pair) => Err(format!("the wallet's balance does not go from line to line: {pair:?}")),
        None => Ok(all),
    }
}

fn plain(line: &WalletLine) -> Line {
    let listing = line.listing.map(|listing| listing.to_string());
    let (amount, at) = (line.amount.get(), line.at.micros());
    (line.id.clone(), line.kind.clone(), listing, line.memo.clone(), amount, at, line.transfers)
}

fn by_call(entries: &[&Entry], from: Timestamp, until: Timestamp) -> Vec<Line> {
    let mut lines: BTreeMap<&str, Line> = BTreeMap::new();
    for entry in entries {
        let about = &entry.about;
        let listing = about.listing.map(|listing| listing.to_string());
        let (kind, at) = (about.kind.text().to_owned(), entry.at.micros());
        let new = (about.id.clone(), kind, listing, about.memo.clone(), 0, at, 1);
        lines.entry(&about.id).or_insert(new).4 += entry.amount;
    }
    lines.into_values().filter(|line| line.5 >= from.micros() && line.5 < until.micros()).collect()
}

fn by_day(entries: &[&Entry], from: Timestamp, until: Timestamp) -> Vec<Line> {
    let days = from.micros().div_euclid(DAY_MICROS)..(until.micros() + DAY_MICROS - 1).div_euclid(DAY_MICROS);
    let (mut lines, mut counted): (BTreeMap<(i64, String), Line>, BTreeSet<&str>) = Default::default();
    for entry in entries {
        let (about, day) = (&entry.about, entry.at.micros().div_euclid(DAY_MICROS));
        let listing = about.listing.map(|listing| listing.to_string());
        let daily = listing.clone().filter(|_| about.kind == TransferKind::Call);
        let new = match &daily {
            Some(listing) => {
                (format!("{listing}:{day}"), "usage".to_owned(), daily.clone(), String::new(), 0, i64::MAX, 0)
            }
            None => (about.id.clone(), about.kind.text().to_owned(), listing, about.memo.clone(), 0, i64::MAX, 0),
        };
        let line = lines.entry((day, daily.unwrap_or_else(|| about.id.clone()))).or_insert(new);
        line.4 += entry.amount;
        line.5 = line.5.min(entry.at.micros());
        line.6 += i64::from(counted.insert(&about.id));
    }
    lines.into_iter().filter(|((day, _), _)| days.contains(day)).map(|(_, line)| line).collect()
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, found: &[T], expected: &[T]) -> String {
    let too_many: Vec<&T> = found.iter().filter(|line| !expected.contains(line)).take(3).collect();
    let missing: Vec<&T> = expected.iter().filter(|line| !found.contains(line)).take(3).collect();
    format!("{what}: {} instead of {}; only found {too_many:?}; only expected {missing:?}", found.len(), expected.len())
}
