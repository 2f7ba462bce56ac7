//! Deciding a batch: the part of the book that it touches, in memory, and what each operation does to it.
//!
//! No SQL. Invariant: an operation either changes nothing or all that it has to.

use super::{Done, Operation, SetAside};
use crate::account::AccountId;
use crate::hold::{Hold, HoldOutcome, Post, PostOutcome, checked_amount, divide, hold_digest};
use crate::transfer::{Outcome, Transfer, TransferKind, checked_legs, digest, digest_in_order};
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Error, FastMap, Micros, Result, Timestamp};

pub(crate) type Digest = [u8; 32];

/// The touched part of the book.
pub(crate) struct Book<'a> {
    pub accounts: Vec<Account>,
    by_id: FastMap<AccountId, usize>,
    pub transfers: FastMap<&'a str, Digest>,
    pub holds: FastMap<&'a str, Held>,
    /// Transfers to write, in order.
    pub made: Vec<Made<'a>>,
    /// Holds to write.
    pub new_holds: Vec<&'a Hold>,
    /// Holds that are resolved, and their new state.
    pub resolved: Vec<(&'a str, HoldState)>,
    pub set_aside: &'a dyn SetAside,
}

/// An account with what the batch does to it.
pub(crate) struct Account {
    pub id: AccountId,
    /// The stored balance; `None`: there is no row, because the account keeps none or was never opened.
    pub stored: Option<Stored>,
    pub posted: Micros,
    pub held: Micros,
    pub credited: Micros,
    pub entries: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub floor: Micros,
    pub posted: Micros,
    pub held: Micros,
    pub last_entry: Option<i64>,
    pub last_at: Timestamp,
}

impl Account {
    /// Above the floor, with what the batch has done so far.
    pub(crate) fn available(&self) -> Result<Micros> {
        let change = self.posted.checked_sub(self.held)?;
        let Some(stored) = self.stored else { return Ok(change) };
        Ok(stored.posted.checked_sub(stored.held)?.checked_sub(stored.floor)?.checked_add(change)?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HoldState {
    Held,
    Posted,
    Voided,
}

impl HoldState {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            HoldState::Held => "held",
            HoldState::Posted => "posted",
            HoldState::Voided => "voided",
        }
    }
}

pub(crate) struct Held {
    pub digest: Digest,
    /// Accounts, as places in the book, and amounts.
    pub parts: Vec<(usize, Micros)>,
    pub state: HoldState,
}

/// A transfer to write.
pub(crate) struct Made<'a> {
    pub transfer: &'a Transfer,
    pub hold_id: Option<&'a str>,
    /// The text of its listing.
    pub listing: Option<String>,
    pub digest: Digest,
    /// Debits before credits where it comes from a hold; else in the order of accounts.
    pub entries: Vec<(usize, Micros)>,
}

impl<'a> Made<'a> {
    /// With no entries yet.
    fn of(transfer: &'a Transfer, hold_id: Option<&'a str>) -> Self {
        let listing = transfer.listing.map(|listing| listing.to_string());
        let digest = digest(transfer, hold_id, listing.as_deref());
        Self { transfer, hold_id, listing, digest, entries: Vec::new() }
    }

    /// What makes one line of a statement: the day's calls of a listing, or the transfer alone.
    pub(crate) fn is_daily(&self) -> bool {
        self.transfer.kind == TransferKind::Call && self.transfer.listing.is_some()
    }
}

impl<'a> Book<'a> {
    pub(crate) fn new(set_aside: &'a dyn SetAside, operations: usize) -> Self {
        Self {
            accounts: Vec::new(),
            by_id: FastMap::with_capacity_and_hasher(operations, Default::default()),
            transfers: FastMap::with_capacity_and_hasher(operations, Default::default()),
            holds: FastMap::default(),
            made: Vec::with_capacity(operations),
            new_holds: Vec::new(),
            resolved: Vec::new(),
            set_aside,
        }
    }

    /// The account's place in the book.
    pub(crate) fn place(&mut self, id: &AccountId) -> usize {
        if let Some(place) = self.by_id.get(id) {
            return *place;
        }
        let (posted, held, credited) = (Micros::ZERO, Micros::ZERO, Micros::ZERO);
        self.accounts.push(Account { id: id.clone(), stored: None, posted, held, credited, entries: 0 });
        self.by_id.insert(id.clone(), self.accounts.len() - 1);
        self.accounts.len() - 1
    }

    /// What each account with a floor has now.
    pub(crate) fn available(&self) -> Result<Vec<(AccountId, Micros)>> {
        let with_floor = self.accounts.iter().filter(|account| account.id.kind().has_floor());
        with_floor.map(|account| Ok((account.id.clone(), account.available()?))).collect()
    }

    pub(crate) fn decide(&mut self, operation: &'a Operation) -> Result<Done> {
        match operation {
            Operation::Transfer(transfer) => self.transfer(transfer).map(Done::Transfer),
            Operation::Hold(hold) => self.hold(hold).map(Done::Hold),
            Operation::Post(post) => self.post(post).map(Done::Post),
            Operation::Void(hold_id) => self.void(hold_id).map(Done::Void),
        }
    }

    /// Whether a transfer of this id was made before, and whether it was this one.
    fn seen(&self, made: &Made<'_>) -> Option<Outcome> {
        let stored = self.transfers.get(made.transfer.id.as_str())?;
        let in_order = || digest_in_order(made.transfer, made.hold_id, made.listing.as_deref());
        let same = *stored == made.digest || *stored == in_order() || is_planted(Bug::DigestIgnored);
        Some(if same { Outcome::Exists } else { Outcome::Mismatch })
    }

    fn transfer(&mut self, transfer: &'a Transfer) -> Result<Outcome> {
        checked_legs(transfer)?;
        let mut made = Made::of(transfer, None);
        if let Some(seen) = self.seen(&made) {
            return Ok(seen);
        }
        made.entries = self.entries(transfer);
        for (place, amount) in &made.entries {
            let account = &self.accounts[*place];
            let guarded = amount.is_negative() && account.id.kind().has_floor() && !is_planted(Bug::FloorUnchecked);
            if guarded && account.available()?.checked_add(*amount)?.is_negative() {
                return Ok(Outcome::Insufficient { account: account.id.clone() });
            }
        }
        self.make(made)?;
        Ok(Outcome::Created)
    }

    /// What the legs do to which places, in the order of accounts.
    fn entries(&mut self, transfer: &Transfer) -> Vec<(usize, Micros)> {
        let mut legs: Vec<_> = transfer.legs.iter().map(|leg| (self.place(&leg.account), leg.amount)).collect();
        legs.sort_by(|a, b| self.accounts[a.0].id.cmp(&self.accounts[b.0].id));
        legs
    }

    /// Moves the money of a transfer that is decided.
    fn make(&mut self, made: Made<'a>) -> Result<()> {
        for (place, amount) in &made.entries {
            let account = &mut self.accounts[*place];
            account.posted = account.posted.checked_add(*amount)?;
            account.credited = account.credited.checked_add((*amount).max(Micros::ZERO))?;
            account.entries += 1;
        }
        self.transfers.insert(&made.transfer.id, made.digest);
        self.made.push(made);
        Ok(())
    }

    fn hold(&mut self, hold: &'a Hold) -> Result<HoldOutcome> {
        hold.checked()?;
        let digest = hold_digest(hold);
        if let Some(kept) = self.holds.get(hold.id.as_str()) {
            let same = kept.digest == digest || is_planted(Bug::DigestIgnored);
            return Ok(if same { HoldOutcome::Exists } else { HoldOutcome::Mismatch });
        }
        let mut sources = Vec::with_capacity(hold.sources.len());
        for id in &hold.sources {
            let place = self.place(id);
            let mut has = self.accounts[place].available()?;
            if !is_planted(Bug::SetAsideIgnored) {
                has = has.checked_sub(self.set_aside.of(id))?;
            }
            if is_planted(Bug::HoldUnchecked) {
                has = has.max(hold.amount);
            }
            sources.push((place, has));
        }
        let parts = match divide(hold.amount, &sources)? {
            Ok(parts) => parts,
            Err(available) => return Ok(HoldOutcome::Insufficient { available }),
        };
        for (place, amount) in &parts {
            let account = &mut self.accounts[*place];
            account.held = account.held.checked_add(*amount)?;
        }
        self.holds.insert(&hold.id, Held { digest, parts, state: HoldState::Held });
        self.new_holds.push(hold);
        Ok(HoldOutcome::Created)
    }

    fn post(&mut self, post: &'a Post) -> Result<PostOutcome> {
        let mut made = Made::of(&post.transfer, Some(&post.hold_id));
        let seen = self.seen(&made);
        let state = self.holds.get(post.hold_id.as_str()).map(|kept| kept.state);
        let ignored = is_planted(Bug::HoldStateIgnored) && state.is_some() && seen.is_none();
        match (state, seen) {
            _ if ignored => {}
            (Some(HoldState::Held), None) => {}
            (_, Some(Outcome::Exists)) => return Ok(PostOutcome::Exists),
            (Some(HoldState::Voided) | None, None) => return Ok(PostOutcome::NotHeld),
            _ => return Ok(PostOutcome::Mismatch),
        }
        made.entries = self.resolve(&post.hold_id, HoldState::Posted, |parts| checked_amount(post, parts))?;
        made.entries.sort_by(|a, b| self.accounts[a.0].id.cmp(&self.accounts[b.0].id));
        made.entries.extend(self.entries(&post.transfer));
        self.make(made)?;
        Ok(PostOutcome::Created)
    }

    fn void(&mut self, hold_id: &'a str) -> Result<bool> {
        if self.holds.get(hold_id).is_none_or(|kept| kept.state != HoldState::Held) {
            return Ok(false);
        }
        self.resolve(hold_id, HoldState::Voided, |_| Ok(Micros::ZERO))?;
        Ok(true)
    }

    /// Gives all parts of a hold back and answers the debits that `spend` micros make of them, in their order.
    fn resolve(
        &mut self,
        hold_id: &'a str,
        state: HoldState,
        spend: impl FnOnce(&[(usize, Micros)]) -> Result<Micros>,
    ) -> Result<Vec<(usize, Micros)>> {
        let kept =
            self.holds.get_mut(hold_id).ok_or_else(|| Error::internal(format!("hold {hold_id} is not loaded")))?;
        let mut missing = spend(&kept.parts)?;
        kept.state = state;
        let mut debits = Vec::with_capacity(kept.parts.len() + 2);
        for (place, amount) in &kept.parts {
            let account = &mut self.accounts[*place];
            if state != HoldState::Voided || !is_planted(Bug::ReleaseForgotten) {
                account.held = account.held.checked_sub(*amount)?;
            }
            let spent = (*amount).min(missing);
            missing = missing.checked_sub(spent)?;
            if !spent.is_zero() {
                debits.push((*place, Micros::ZERO.checked_sub(spent)?));
            }
        }
        self.resolved.push((hold_id, state));
        Ok(debits)
    }
}
