//! Which accounts exist, what they are called, and how they come into being.
//!
//! An account's id says its kind and owner, so that no lookup is needed to name one. Accounts are
//! opened on first use and never closed.

use farebox_base::{PartyId, Result, Timestamp};
use farebox_db::{Tx, sql};
use std::fmt;

/// The asset of every account so far: USD micros, in which stablecoins on the operator's list count at par.
pub const ASSET: &str = "USD";
/// Decimal digits of the asset.
pub const SCALE: i64 = 6;

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// Money a party brought in; spendable anywhere.
    Funded,
    /// Money the platform gave; spendable anywhere, spent before funded money.
    Promotional,
    /// Money a party brought in for one seller only.
    Prepaid,
    /// What a seller has earned and not yet been paid.
    Earnings,
    /// The world beyond a rail: what came in through it and went out again.
    Outside,
    /// The platform's fees.
    Fees,
    /// What the platform gave away.
    Promotions,
}

impl AccountKind {
    pub const fn text(self) -> &'static str {
        match self {
            AccountKind::Funded => "funded",
            AccountKind::Promotional => "promotional",
            AccountKind::Prepaid => "prepaid",
            AccountKind::Earnings => "earnings",
            AccountKind::Outside => "outside",
            AccountKind::Fees => "fees",
            AccountKind::Promotions => "promotions",
        }
    }

    /// Whether the account is the platform's own and exists from the first migration.
    pub(crate) const fn is_given(self) -> bool {
        matches!(self, AccountKind::Fees | AccountKind::Promotions)
    }

    /// Whether accounts of this kind may not go below zero; only those keep a balance row.
    pub const fn has_floor(self) -> bool {
        !matches!(self, AccountKind::Outside | AccountKind::Fees | AccountKind::Promotions)
    }
}

/// An account's id: `funded:<party>`, `prepaid:<party>:<seller>`, `outside:<rail>`, `fees`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    text: String,
    kind: AccountKind,
    party: Option<PartyId>,
}

impl AccountId {
    pub fn funded(party: PartyId) -> Self {
        Self::of_party(AccountKind::Funded, party)
    }

    pub fn promotional(party: PartyId) -> Self {
        Self::of_party(AccountKind::Promotional, party)
    }

    pub fn earnings(party: PartyId) -> Self {
        Self::of_party(AccountKind::Earnings, party)
    }

    pub fn prepaid(party: PartyId, seller: PartyId) -> Self {
        let kind = AccountKind::Prepaid;
        Self { text: format!("{}:{party}:{seller}", kind.text()), kind, party: Some(party) }
    }

    /// The world beyond a rail: `operator`, later `x402:<network>` or `stripe`.
    pub fn outside(rail: &str) -> Self {
        Self { text: format!("outside:{rail}"), kind: AccountKind::Outside, party: None }
    }

    pub fn fees() -> Self {
        Self { text: "fees".to_owned(), kind: AccountKind::Fees, party: None }
    }

    pub fn promotions() -> Self {
        Self { text: "promotions".to_owned(), kind: AccountKind::Promotions, party: None }
    }

    fn of_party(kind: AccountKind, party: PartyId) -> Self {
        Self { text: format!("{}:{party}", kind.text()), kind, party: Some(party) }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub const fn kind(&self) -> AccountKind {
        self.kind
    }

    /// The owner; `None` for the platform's own accounts.
    pub const fn party(&self) -> Option<PartyId> {
        self.party
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Makes sure that the account exists, with a balance of zero if it keeps one.
pub async fn account_open_in(tx: &mut Tx, id: &AccountId, now: Timestamp) -> Result<()> {
    let party = id.party().map(|p| p.to_string());
    tx.execute(
        sql!(
            "INSERT INTO account (id, party_id, kind, asset, scale, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO NOTHING"
        ),
        &[id.text().into(), party.as_deref().into(), id.kind().text().into(), ASSET.into(), SCALE.into(), now.into()],
    )
    .await?;
    if id.kind().has_floor() {
        tx.execute(
            sql!(
                "INSERT INTO balance (account_id, floor, posted, held) VALUES ($1, 0, 0, 0)
                 ON CONFLICT (account_id) DO NOTHING"
            ),
            &[id.text().into()],
        )
        .await?;
    }
    Ok(())
}
