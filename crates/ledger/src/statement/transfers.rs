//! The statement transfer by transfer, and entry by entry with the balance before and after each.

use super::walk::{Step, days_of_line, newest_until, spendable, walk};
use super::{WalletLine, WalletQuery, bad_cursor};
use crate::account::AccountId;
use crate::transfer::LEGS_MAX;
use farebox_base::{ListingId, Micros, PartyId, Result, Timestamp};
use farebox_db::{Db, Param, Where, sql};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many entries are looked at in one go where most may be of other listings.
const STRIDE: i64 = 500;
/// Legs of one transfer may lie this far apart in an account's order.
const SLACK: i64 = 64;

/// What a step's transfer was for.
struct About {
    kind: String,
    listing: Option<ListingId>,
    memo: String,
}

pub(super) async fn lines(db: &Db, query: &WalletQuery) -> Result<Vec<WalletLine>> {
    let accounts = spendable(db, query.party).await?;
    let before = before(query)?;
    let wanted = query.limit.saturating_add(query.offset).saturating_add(SLACK);
    let (mut ids, mut balance) = (HashSet::new(), Micros::ZERO);
    for account in &accounts {
        if let Some(start) = newest_until(db, account, before.0).await? {
            let steps = walk(db, account, start, before, query.from, wanted).await?;
            let newest = match steps.first() {
                Some(step) => Some(step.balance_after),
                None => balance_before(db, account, start, before).await?,
            };
            balance = balance.checked_add(newest.unwrap_or_default())?;
            ids.extend(steps.into_iter().map(|step| step.transfer_id));
        }
    }
    let mut lines = whole_transfers(db, &accounts, ids.into_iter().collect()).await?;
    lines.retain(|(no, line)| (line.at, *no) < before && line.at >= query.from);
    lines.sort_by_key(|(no, line)| std::cmp::Reverse((line.at, *no)));
    for (_, line) in &mut lines {
        line.balance_after = Some(balance);
        balance = balance.checked_sub(line.amount)?;
    }
    let page = |n: i64| usize::try_from(n).unwrap_or(0);
    Ok(lines.into_iter().skip(page(query.offset)).take(page(query.limit)).map(|(_, line)| line).collect())
}

/// The balance of an account that has no entry on the page.
async fn balance_before(db: &Db, account: &AccountId, start: i64, before: (Timestamp, i64)) -> Result<Option<Micros>> {
    let steps = walk(db, account, start, before, Timestamp::default(), 1).await?;
    Ok(steps.first().map(|step| step.balance_after))
}

/// Where the page begins: lines before this time, or of it and with a lower number.
fn before(query: &WalletQuery) -> Result<(Timestamp, i64)> {
    match &query.after {
        Some(key) if key.at < query.until => Ok((key.at, key.key.parse().map_err(|_| bad_cursor())?)),
        Some(_) | None => Ok((query.until, i64::MIN)),
    }
}

/// The transfers as lines of a wallet with these accounts, each with the number of its first entry there.
async fn whole_transfers(db: &Db, accounts: &[AccountId], ids: Vec<String>) -> Result<Vec<(i64, WalletLine)>> {
    let own: HashSet<&str> = accounts.iter().map(AccountId::text).collect();
    let mut lines: BTreeMap<String, (i64, WalletLine)> = BTreeMap::new();
    for ids in ids.chunks(STRIDE as usize) {
        let params: Vec<Param<'_>> = ids.iter().map(Into::into).collect();
        let mut legs = Where::new(sql!(
            "SELECT t.id, t.kind, t.listing_id, t.memo, e.account_id, e.no, e.amount, e.created_at
             FROM transfer t JOIN entry e ON e.no >= t.first_entry AND e.no < t.first_entry + 16 AND e.transfer_id = t.id"
        ));
        legs.and_in("t.id", &params);
        let (statement, params) = legs.finish("ORDER BY t.id, e.no", &[]);
        for row in db.query_built(&statement, &params).await? {
            if !own.contains(row.get::<&str>(4)?) {
                continue;
            }
            let (id, no, amount): (String, i64, Micros) = (row.get(0)?, row.get(5)?, row.get(6)?);
            if let Some((_, line)) = lines.get_mut(&id) {
                line.amount = line.amount.checked_add(amount)?;
                continue;
            }
            let (kind, listing, memo) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let (key, at) = (no.to_string(), row.get(7)?);
            let (transfers, balance_after) = (1, None);
            let line = WalletLine { id: id.clone(), key, kind, listing, memo, amount, balance_after, at, transfers };
            lines.insert(id, (no, line));
        }
    }
    Ok(lines.into_values().collect())
}
const _: () = assert!(LEGS_MAX == 16, "the join above looks at as many entries as a transfer may have");

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
    let prepaid = listing.map(|(_, seller)| AccountId::prepaid(party, seller));
    let mut all = Vec::new();
    for account in spendable(db, party).await? {
        let only = listing.map(|(listing, _)| listing).filter(|_| prepaid.as_ref() != Some(&account));
        let found = match only {
            Some(listing) => of_listing(db, &account, listing, limit).await?,
            None => newest(db, &account, limit).await?,
        };
        all.extend(found);
    }
    all.sort_by_key(|(no, line)| std::cmp::Reverse((line.at, *no)));
    Ok(all.into_iter().take(usize::try_from(limit).unwrap_or(0)).map(|(_, line)| line).collect())
}

/// A page of one account's entries, newest first.
#[derive(Clone, Debug, Default)]
pub struct AccountPage {
    pub lines: Vec<AccountLine>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// The account's entries in the time, from the entry `after` back or from the newest.
pub async fn account_page(
    db: &Db,
    account: &AccountId,
    after: Option<i64>,
    [from, until]: [Timestamp; 2],
    limit: i64,
) -> Result<AccountPage> {
    let start = match after {
        Some(start) => Some(start),
        None => newest_until(db, account, until).await?,
    };
    let Some(start) = start else { return Ok(AccountPage::default()) };
    let steps = walk(db, account, start, (until, i64::MIN), from, limit).await?;
    let full = i64::try_from(steps.len()).is_ok_and(|count| count == limit);
    let next = steps.last().and_then(|step| step.previous).filter(|_| full);
    let lines = described(db, steps, None).await?.into_iter().map(|(_, line)| line).collect();
    Ok(AccountPage { lines, next })
}

const END: (Timestamp, i64) = (Timestamp::from_micros(i64::MAX), i64::MIN);

async fn newest(db: &Db, account: &AccountId, limit: i64) -> Result<Vec<(i64, AccountLine)>> {
    let Some(start) = newest_until(db, account, END.0).await? else { return Ok(Vec::new()) };
    let steps = walk(db, account, start, END, Timestamp::default(), limit).await?;
    described(db, steps, None).await
}

/// Looks only at the days on which the account has calls of the listing.
async fn of_listing(db: &Db, account: &AccountId, listing: ListingId, limit: i64) -> Result<Vec<(i64, AccountLine)>> {
    let mut found = Vec::new();
    for (day, newest) in days_of_line(db, account, &listing.to_string(), limit).await? {
        let mut next = Some(newest);
        while let Some(start) = next {
            let steps = walk(db, account, start, END, day, STRIDE).await?;
            let full = steps.len() as i64 == STRIDE;
            next = steps.last().and_then(|step| step.previous).filter(|_| full);
            found.extend(described(db, steps, Some(listing)).await?);
            if found.len() as i64 >= limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

async fn described(db: &Db, steps: Vec<Step>, listing: Option<ListingId>) -> Result<Vec<(i64, AccountLine)>> {
    let mut about = about(db, &steps).await?;
    let described = steps.into_iter().filter_map(|step| {
        let About { kind, listing: of, memo } = about.remove(&step.transfer_id)?;
        let line = AccountLine {
            id: step.transfer_id,
            kind,
            listing: of,
            memo,
            amount: step.amount,
            balance_after: step.balance_after,
            at: step.at,
        };
        (listing.is_none() || listing == of).then_some((step.no, line))
    });
    Ok(described.collect())
}

async fn about(db: &Db, steps: &[Step]) -> Result<HashMap<String, About>> {
    let mut about = HashMap::with_capacity(steps.len());
    for steps in steps.chunks(STRIDE as usize) {
        let params: Vec<Param<'_>> = steps.iter().map(|step| (&step.transfer_id).into()).collect();
        let mut transfers = Where::new(sql!("SELECT id, kind, listing_id, memo FROM transfer"));
        transfers.and_in("id", &params);
        let (statement, params) = transfers.finish("", &[]);
        for row in db.query_built(&statement, &params).await? {
            about.insert(row.get(0)?, About { kind: row.get(1)?, listing: row.get(2)?, memo: row.get(3)? });
        }
    }
    Ok(about)
}
