//! What a party has, by kind and by source, and the lines of its statement.

use crate::Wallets;
use farebox_base::{Micros, PartyId, Result, Timestamp};
use farebox_db::{Db, sql};
use farebox_ledger::statement::{self, AccountLine, AccountPage, WalletLine, WalletQuery};
use farebox_ledger::{AccountId, AccountKind, Balance, Prepaid};

/// The accounts that pay for a call of `seller`'s listings, first to last: money prepaid for this
/// seller, then what the platform gave, then what the buyer brought.
pub fn spend_sources(buyer: PartyId, seller: PartyId) -> Vec<AccountId> {
    vec![AccountId::prepaid(buyer, seller), AccountId::promotional(buyer), AccountId::funded(buyer)]
}

/// A party's balances in micros; what is held for running calls is already taken off the spendable ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalletBalances {
    pub funded: Micros,
    pub promotional: Micros,
    pub earnings: Micros,
}

impl WalletBalances {
    /// What can be spent at any seller; what is prepaid for one is no part of it.
    pub fn spendable(&self) -> Result<Micros> {
        Ok(self.funded.checked_add(self.promotional)?)
    }
}

/// How much of a balance is left of the money from one source, the oldest money being spent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceBalance {
    /// The kind of the transfer that brought it: `admin_grant`, `signup_bonus`.
    pub source: String,
    pub kind: AccountKind,
    pub balance: Micros,
}

/// One credit to a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditLine {
    pub source: String,
    pub amount: Micros,
}

impl Wallets {
    /// What the party has to spend, and has earned.
    pub async fn balances(&self, party: PartyId) -> Result<WalletBalances> {
        Ok(WalletBalances {
            funded: self.available(&AccountId::funded(party)).await?,
            promotional: self.available(&AccountId::promotional(party)).await?,
            earnings: self.available(&AccountId::earnings(party)).await?,
        })
    }

    /// What the party has prepaid for one seller.
    pub async fn prepaid(&self, party: PartyId, seller: PartyId) -> Result<Micros> {
        self.available(&AccountId::prepaid(party, seller)).await
    }

    /// What the party has prepaid, for at most `limit` sellers one by one.
    pub async fn prepaid_by_seller(&self, party: PartyId, limit: i64) -> Result<Prepaid> {
        farebox_ledger::balance::prepaid_by_seller(&self.db, party, limit).await
    }

    /// What one account holds, with what is held of it for running calls.
    pub async fn balance_of(&self, account: &AccountId) -> Result<Balance> {
        farebox_ledger::balance::balance_get(&self.db, account).await
    }

    async fn available(&self, account: &AccountId) -> Result<Micros> {
        Ok(farebox_ledger::balance::balance_get(&self.db, account).await?.available())
    }

    /// The spendable balances by source.
    pub async fn balances_by_source(&self, party: PartyId) -> Result<Vec<SourceBalance>> {
        let mut lines = Vec::new();
        for account in [AccountId::funded(party), AccountId::promotional(party)] {
            let balance = self.available(&account).await?;
            let credits = credits_newest_first(&self.db, &account).await?;
            lines.extend(attribute(account.kind(), balance, &credits)?);
        }
        Ok(lines)
    }

    /// A page of the statement and the number of all its lines.
    pub async fn statement(&self, query: &WalletQuery) -> Result<(Vec<WalletLine>, i64)> {
        let lines = statement::wallet_lines(&self.db, query).await?;
        let total = statement::wallet_lines_count(&self.db, query).await?;
        Ok((lines, total))
    }

    /// The newest entries with the balance before and after each; see `farebox_ledger::statement::account_lines`.
    pub async fn account_lines(
        &self,
        party: PartyId,
        listing: Option<(farebox_base::ListingId, PartyId)>,
        limit: i64,
    ) -> Result<Vec<AccountLine>> {
        statement::account_lines(&self.db, party, listing, limit).await
    }

    /// The party's spendable accounts.
    pub async fn spendable(&self, party: PartyId) -> Result<Vec<AccountId>> {
        statement::spendable(&self.db, party).await
    }

    /// A page of one account's entries; see `farebox_ledger::statement::account_page`.
    pub async fn account_page(
        &self,
        account: &AccountId,
        after: Option<i64>,
        span: [Timestamp; 2],
        limit: i64,
    ) -> Result<AccountPage> {
        statement::account_page(&self.db, account, after, span, limit).await
    }

    /// All that the party has ever bought in (funded credits), in micros.
    pub async fn purchased(&self, party: PartyId) -> Result<Micros> {
        Ok(farebox_ledger::balance::balance_get(&self.db, &AccountId::funded(party)).await?.credited)
    }
}

async fn credits_newest_first(db: &Db, account: &AccountId) -> Result<Vec<CreditLine>> {
    let rows = db
        .query(
            sql!(
                "SELECT kind, amount FROM statement_line WHERE account_id = $1 AND amount > 0
                 ORDER BY day DESC, at DESC, line DESC LIMIT 1000"
            ),
            &[account.text().into()],
        )
        .await?;
    rows.iter().map(|row| Ok(CreditLine { source: row.get(0)?, amount: row.get(1)? })).collect()
}

/// Spreads what is left over the newest credits, since the oldest money is spent first.
fn attribute(kind: AccountKind, balance: Micros, credits: &[CreditLine]) -> Result<Vec<SourceBalance>> {
    let mut left = balance;
    let mut lines: Vec<SourceBalance> = Vec::new();
    for credit in credits {
        if left <= Micros::ZERO {
            break;
        }
        let part = credit.amount.min(left);
        left = left.checked_sub(part)?;
        match lines.iter_mut().find(|line| line.source == credit.source) {
            Some(line) => line.balance = line.balance.checked_add(part)?,
            None => lines.push(SourceBalance { source: credit.source.clone(), kind, balance: part }),
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credit(source: &str, amount: i64) -> CreditLine {
        CreditLine { source: source.to_owned(), amount: Micros::new(amount) }
    }

    #[test]
    fn what_is_left_belongs_to_the_newest_money() {
        let credits = [credit("refund", 30), credit("admin_grant", 50), credit("refund", 100)];
        let lines = attribute(AccountKind::Funded, Micros::new(60), &credits).unwrap();
        let read: Vec<_> = lines.iter().map(|l| (l.source.as_str(), l.balance.get())).collect();
        assert_eq!(read, [("refund", 30), ("admin_grant", 30)]);
    }
}
