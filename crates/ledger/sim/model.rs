//! The auditor's book: what every account has, and why. Slow, obvious and independent of the ledger's code.

use farebox_base::{ListingId, Micros, PartyId, Timestamp};
use farebox_ledger::{
    AccountId, AccountKind, Balance, Done, Hold, HoldOutcome, Operation, Outcome, Post, PostOutcome, Transfer,
    TransferKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What is set aside of accounts beside the book.
pub type Aside = BTreeMap<AccountId, i64>;

#[derive(Clone, Default)]
pub struct Model {
    pub accounts: BTreeMap<AccountId, Account>,
    transfers: BTreeMap<String, Made>,
    holds: BTreeMap<String, Kept>,
    /// All entries that were ever made, for their order.
    entries: u64,
}

#[derive(Clone, Default)]
pub struct Account {
    posted: i64,
    held: i64,
    credited: i64,
    last_at: Timestamp,
    pub entries: Vec<Entry>,
}

/// One movement on an account.
#[derive(Clone)]
pub struct Entry {
    pub about: Rc<About>,
    pub amount: i64,
    pub balance_after: i64,
    pub at: Timestamp,
    pub order: u64,
}

/// The transfer of an entry.
pub struct About {
    pub id: String,
    pub kind: TransferKind,
    pub listing: Option<ListingId>,
    pub memo: String,
}

/// What a transfer did, as far as a repeat has to be the same.
#[derive(Clone, PartialEq)]
struct Made {
    kind: TransferKind,
    listing: Option<ListingId>,
    hold: Option<String>,
    legs: Vec<(AccountId, i64)>,
}

#[derive(Clone)]
struct Kept {
    sources: Vec<AccountId>,
    amount: i64,
    parts: Vec<(AccountId, i64)>,
    expires_at: Timestamp,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    Posted,
    Voided,
}

/// What a batch cannot see that was promised new ids.
#[derive(Default)]
struct Unseen {
    transfers: BTreeSet<String>,
    holds: BTreeSet<String>,
}

impl Model {
    /// What a batch must answer. `promised`: its ids are said to be new; `None` where they are not and that must be
    /// noticed, because one of them would take effect a second time.
    pub fn run(&mut self, batch: &[Operation], aside: &Aside, now: Timestamp, promised: bool) -> Option<Vec<Done>> {
        let unseen = if promised { self.unseen(batch) } else { Unseen::default() };
        let times: BTreeMap<AccountId, Timestamp> = self
            .accounts
            .iter()
            .map(|(id, account)| (id.clone(), now.max(Timestamp::from_micros(account.last_at.micros() + 1))))
            .collect();
        let at = |account: &AccountId| if account.kind().has_floor() { times.get(account).copied() } else { None };
        let mut done = Vec::new();
        for operation in batch {
            done.push(match operation {
                Operation::Transfer(transfer) => {
                    let outcome = self.expect_transfer(transfer, &unseen);
                    if outcome == Outcome::Created {
                        self.make(transfer, None, Vec::new(), &at, now, &unseen)?;
                    }
                    Done::Transfer(outcome)
                }
                Operation::Hold(hold) => Done::Hold(self.hold(hold, aside, &unseen)?),
                Operation::Post(post) => {
                    let outcome = self.expect_post(post, &unseen);
                    if outcome == PostOutcome::Created {
                        let amount = post.transfer.legs.iter().map(|leg| leg.amount.get()).sum();
                        let debits = self.resolve(&post.hold_id, State::Posted, amount);
                        self.make(&post.transfer, Some(&post.hold_id), debits, &at, now, &unseen)?;
                    }
                    Done::Post(outcome)
                }
                Operation::Void(id) => {
                    let held = self.holds.get(id).is_some_and(|kept| kept.state == State::Held);
                    if held {
                        self.resolve(id, State::Voided, 0);
                    }
                    Done::Void(held)
                }
            });
        }
        Some(done)
    }

    /// Releases what is past its time.
    pub fn expire(&mut self, now: Timestamp) {
        let due = |kept: &Kept| kept.state == State::Held && kept.expires_at <= now;
        let ids: Vec<String> = self.holds.iter().filter(|(_, k)| due(k)).map(|(id, _)| id.clone()).collect();
        ids.iter().for_each(|id| drop(self.resolve(id, State::Voided, 0)));
    }

    /// Without a look at what is stored, all but the holds that a posting or a void names is unseen.
    fn unseen(&self, batch: &[Operation]) -> Unseen {
        let mut unseen = Unseen::default();
        for operation in batch {
            match operation {
                Operation::Transfer(transfer) => drop(unseen.transfers.insert(transfer.id.clone())),
                Operation::Post(post) => drop(unseen.transfers.insert(post.transfer.id.clone())),
                Operation::Hold(hold) => drop(unseen.holds.insert(hold.id.clone())),
                Operation::Void(_) => {}
            }
        }
        for operation in batch {
            match operation {
                Operation::Post(Post { hold_id, .. }) | Operation::Void(hold_id) => drop(unseen.holds.remove(hold_id)),
                Operation::Transfer(_) | Operation::Hold(_) => {}
            }
        }
        unseen.transfers.retain(|id| self.transfers.contains_key(id));
        unseen.holds.retain(|id| self.holds.contains_key(id));
        unseen
    }

    fn seen(&self, transfer: &Transfer, hold: Option<&String>, unseen: &Unseen) -> Option<bool> {
        let made = self.transfers.get(&transfer.id).filter(|_| !unseen.transfers.contains(&transfer.id))?;
        Some(*made == asked(transfer, hold))
    }

    fn expect_transfer(&self, transfer: &Transfer, unseen: &Unseen) -> Outcome {
        match self.seen(transfer, None, unseen) {
            Some(true) => return Outcome::Exists,
            Some(false) => return Outcome::Mismatch,
            None => {}
        }
        for (account, amount) in sorted(transfer) {
            if amount < 0 && account.kind().has_floor() && self.available(&account) + amount < 0 {
                return Outcome::Insufficient { account };
            }
        }
        Outcome::Created
    }

    fn hold(&mut self, hold: &Hold, aside: &Aside, unseen: &Unseen) -> Option<HoldOutcome> {
        let is_unseen = unseen.holds.contains(&hold.id);
        if let Some(kept) = self.holds.get(&hold.id).filter(|_| !is_unseen) {
            let same = kept.sources == hold.sources && kept.amount == hold.amount.get();
            return Some(if same { HoldOutcome::Exists } else { HoldOutcome::Mismatch });
        }
        let free = |source| (self.available(source) - aside.get(source).copied().unwrap_or(0)).max(0);
        let has: Vec<i64> = hold.sources.iter().map(free).collect();
        let available = has.iter().sum();
        if available < hold.amount.get() {
            return Some(HoldOutcome::Insufficient { available: Micros::new(available) });
        }
        if is_unseen {
            return None;
        }
        let mut missing = hold.amount.get();
        let mut parts = Vec::new();
        for (source, has) in hold.sources.iter().zip(has) {
            let part = has.min(missing);
            if part > 0 {
                parts.push((source.clone(), part));
                self.accounts.entry(source.clone()).or_default().held += part;
                missing -= part;
            }
        }
        let (sources, amount, expires_at) = (hold.sources.clone(), hold.amount.get(), hold.expires_at);
        self.holds.insert(hold.id.clone(), Kept { sources, amount, parts, expires_at, state: State::Held });
        Some(HoldOutcome::Created)
    }

    fn expect_post(&self, post: &Post, unseen: &Unseen) -> PostOutcome {
        let state = self.holds.get(&post.hold_id).map(|kept| kept.state);
        match (state, self.seen(&post.transfer, Some(&post.hold_id), unseen)) {
            (_, Some(true)) => PostOutcome::Exists,
            (_, Some(false)) | (Some(State::Posted), None) => PostOutcome::Mismatch,
            (Some(State::Held), None) => PostOutcome::Created,
            (Some(State::Voided) | None, None) => PostOutcome::NotHeld,
        }
    }

    fn make(
        &mut self,
        transfer: &Transfer,
        hold: Option<&String>,
        debits: Vec<(AccountId, i64)>,
        at: &impl Fn(&AccountId) -> Option<Timestamp>,
        now: Timestamp,
        unseen: &Unseen,
    ) -> Option<()> {
        if unseen.transfers.contains(&transfer.id) {
            return None;
        }
        let (id, kind, listing, memo) = (transfer.id.clone(), transfer.kind, transfer.listing, transfer.memo.clone());
        let about = Rc::new(About { id, kind, listing, memo });
        for (id, amount) in debits.into_iter().chain(sorted(transfer)) {
            let at = at(&id).unwrap_or(now);
            self.entries += 1;
            let account = self.accounts.entry(id).or_default();
            account.posted += amount;
            account.credited += amount.max(0);
            account.last_at = at;
            let (about, balance_after, order) = (about.clone(), account.posted, self.entries);
            account.entries.push(Entry { about, amount, balance_after, at, order });
        }
        self.transfers.insert(transfer.id.clone(), asked(transfer, hold));
        Some(())
    }

    /// Ends a hold; answers what `spend` takes of its parts.
    fn resolve(&mut self, hold_id: &str, state: State, spend: i64) -> Vec<(AccountId, i64)> {
        let mut debits = Vec::new();
        let Some(kept) = self.holds.get_mut(hold_id) else { return debits };
        kept.state = state;
        let mut missing = spend;
        for (account, part) in &kept.parts {
            let spent = missing.min(*part);
            missing -= spent;
            self.accounts.entry(account.clone()).or_default().held -= part;
            if spent > 0 {
                debits.push((account.clone(), -spent));
            }
        }
        debits.sort();
        debits
    }

    /// What the account can spend; accounts without a floor have no such figure.
    pub fn available(&self, account: &AccountId) -> i64 {
        self.accounts.get(account).map_or(0, |account| account.posted - account.held)
    }

    /// Up to eight of the newest holds.
    pub fn hold_ids(&self, open: bool) -> Vec<String> {
        let wanted = |kept: &Kept| (kept.state == State::Held) == open;
        self.holds.iter().rev().filter(|(_, kept)| wanted(kept)).take(8).map(|(id, _)| id.clone()).collect()
    }

    pub fn open_holds(&self) -> usize {
        self.holds.values().filter(|kept| kept.state == State::Held).count()
    }

    /// The balance of each account that keeps one.
    pub fn balances(&self) -> impl Iterator<Item = (&AccountId, Balance)> {
        self.accounts.iter().filter(|(account, _)| account.kind().has_floor()).map(|(id, account)| {
            let [posted, held, credited] = [account.posted, account.held, account.credited].map(Micros::new);
            (id, Balance { posted, held, credited })
        })
    }

    /// A party's entries on what it can spend, in the order in which they were made.
    pub fn spendable(&self, party: PartyId) -> Vec<&Entry> {
        let is_spendable = |id: &AccountId| {
            let kind = id.kind();
            id.party() == Some(party)
                && matches!(kind, AccountKind::Funded | AccountKind::Promotional | AccountKind::Prepaid)
        };
        let accounts = self.accounts.iter().filter(|(id, _)| is_spendable(id));
        let mut entries: Vec<&Entry> = accounts.flat_map(|(_, account)| &account.entries).collect();
        entries.sort_by_key(|entry| entry.order);
        entries
    }
}

fn sorted(transfer: &Transfer) -> Vec<(AccountId, i64)> {
    let mut legs: Vec<_> = transfer.legs.iter().map(|leg| (leg.account.clone(), leg.amount.get())).collect();
    legs.sort();
    legs
}

fn asked(transfer: &Transfer, hold: Option<&String>) -> Made {
    Made { kind: transfer.kind, listing: transfer.listing, hold: hold.cloned(), legs: sorted(transfer) }
}
