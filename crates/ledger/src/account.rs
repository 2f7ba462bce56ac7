//! Which accounts exist, what they are called, and how they come into being.
//!
//! An account's id says its kind and owner, so that no lookup is needed to name one. Accounts are opened by the first
//! batch that moves their money and never closed.

use farebox_base::PartyId;
use std::fmt;
use std::hash::{Hash, Hasher};

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
    /// Money a party has put into a payment channel on a chain; spendable by that channel's vouchers only.
    Channel,
    /// What a seller has earned and not yet been paid.
    Earnings,
    /// The platform's fees on calls that were paid to the seller's own wallet: below zero, what the seller owes.
    Owed,
    /// The world beyond a rail: what came in through it and went out again.
    Outside,
    /// The platform's fees.
    Fees,
    /// What the platform gave away.
    Promotions,
}

impl AccountKind {
    const ALL: [AccountKind; 9] = [
        AccountKind::Funded,
        AccountKind::Promotional,
        AccountKind::Prepaid,
        AccountKind::Channel,
        AccountKind::Earnings,
        AccountKind::Owed,
        AccountKind::Outside,
        AccountKind::Fees,
        AccountKind::Promotions,
    ];

    pub const fn text(self) -> &'static str {
        match self {
            AccountKind::Funded => "funded",
            AccountKind::Promotional => "promotional",
            AccountKind::Prepaid => "prepaid",
            AccountKind::Channel => "channel",
            AccountKind::Earnings => "earnings",
            AccountKind::Owed => "owed",
            AccountKind::Outside => "outside",
            AccountKind::Fees => "fees",
            AccountKind::Promotions => "promotions",
        }
    }

    /// Whether the account is the platform's own and exists from the first migration.
    pub(crate) const fn is_given(self) -> bool {
        matches!(self, AccountKind::Fees | AccountKind::Promotions)
    }

    /// Whether accounts of this kind make up a party's wallet.
    pub(crate) const fn is_spendable(self) -> bool {
        matches!(self, AccountKind::Funded | AccountKind::Promotional | AccountKind::Prepaid)
    }

    /// Whether accounts of this kind may not go below zero; only those keep a balance row.
    pub const fn has_floor(self) -> bool {
        !matches!(self, AccountKind::Owed | AccountKind::Outside | AccountKind::Fees | AccountKind::Promotions)
    }
}

/// An account's id: `funded:<party>`, `prepaid:<party>:<seller>`, `channel:<party>:<channel>`, `outside:<rail>`, `fees`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId {
    text: String,
    kind: AccountKind,
    party: Option<PartyId>,
}

/// The text says all.
impl Hash for AccountId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
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

    pub fn owed(party: PartyId) -> Self {
        Self::of_party(AccountKind::Owed, party)
    }

    pub fn prepaid(party: PartyId, seller: PartyId) -> Self {
        let kind = AccountKind::Prepaid;
        Self { text: joined(kind, party, &seller.text()), kind, party: Some(party) }
    }

    /// `channel` is the channel's id on its chain.
    pub fn channel(party: PartyId, channel: &str) -> Self {
        let kind = AccountKind::Channel;
        Self { text: joined(kind, party, channel), kind, party: Some(party) }
    }

    /// The world beyond a rail: `operator`, `x402:<network>`, later `stripe`.
    pub fn outside(rail: &str) -> Self {
        Self { text: format!("outside:{rail}"), kind: AccountKind::Outside, party: None }
    }

    pub fn fees() -> Self {
        Self { text: "fees".to_owned(), kind: AccountKind::Fees, party: None }
    }

    pub fn promotions() -> Self {
        Self { text: "promotions".to_owned(), kind: AccountKind::Promotions, party: None }
    }

    /// Reads an id back from its text; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, owner) = text.split_once(':').unwrap_or((text, ""));
        let kind = AccountKind::ALL.into_iter().find(|kind| kind.text() == name)?;
        let party = match kind {
            AccountKind::Funded | AccountKind::Promotional | AccountKind::Earnings | AccountKind::Owed => {
                Some(PartyId::parse(owner)?)
            }
            AccountKind::Prepaid | AccountKind::Channel => Some(PartyId::parse(owner.split_once(':')?.0)?),
            AccountKind::Outside if !owner.is_empty() => None,
            AccountKind::Fees | AccountKind::Promotions if owner.is_empty() => None,
            AccountKind::Outside | AccountKind::Fees | AccountKind::Promotions => return None,
        };
        Some(Self { text: text.to_owned(), kind, party })
    }

    fn of_party(kind: AccountKind, party: PartyId) -> Self {
        Self { text: joined(kind, party, ""), kind, party: Some(party) }
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

    /// Whose calls alone the money pays for; `None` where it is bound to no seller.
    pub fn seller(&self) -> Option<PartyId> {
        let bound = self.kind == AccountKind::Prepaid;
        self.text.rsplit(':').next().filter(|_| bound).and_then(PartyId::parse)
    }
}

/// The text of a party's account; every call makes several.
fn joined(kind: AccountKind, party: PartyId, rest: &str) -> String {
    const PARTY_BYTES: usize = 36;
    let mut text = String::with_capacity(kind.text().len() + PARTY_BYTES + rest.len() + 2);
    text.push_str(kind.text());
    text.push(':');
    text.push_str(&party.text());
    if !rest.is_empty() {
        text.push(':');
        text.push_str(rest);
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_id_is_read_back_from_its_text() {
        let party = PartyId::from_uuid(uuid::Uuid::from_u128(7));
        let ids = [
            AccountId::funded(party),
            AccountId::promotional(party),
            AccountId::earnings(party),
            AccountId::owed(party),
            AccountId::prepaid(party, PartyId::from_uuid(uuid::Uuid::from_u128(8))),
            AccountId::channel(party, "0xab"),
            AccountId::outside("operator"),
            AccountId::fees(),
            AccountId::promotions(),
        ];
        assert_eq!(ids.each_ref().map(AccountId::seller).iter().flatten().count(), 1);
        assert_eq!(ids[4].seller(), Some(PartyId::from_uuid(uuid::Uuid::from_u128(8))));
        for id in ids {
            assert_eq!(AccountId::parse(id.text()), Some(id));
        }
        for wrong in ["", "funded", "funded:x", "fees:x", "outside:", "gold:1", "prepaid:1", "channel:1"] {
            assert_eq!(AccountId::parse(wrong), None, "{wrong}");
        }
    }
}
