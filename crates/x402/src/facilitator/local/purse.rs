//! What payers have, as of a moment ago, less what they were promised to have for other payments.
//!
//! Invariant: of a balance that was read, no more is promised than it holds, and by Permit2 no more than it is allowed. A promise ends when its payment does, when
//! a later reading shows that it was paid, or when nobody holds it any more and its time is over.

use crate::facilitator::nonce::ChainNonce;
use crate::verify::{Hold, Holders};
use alloy_primitives::{Address, U256};
use farebox_base::{Clock, Ticks};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a balance that was read is good.
const FRESH: Duration = Duration::from_secs(1);
/// How long a check keeps the money for the settlement that follows, where nobody holds it for longer.
const CHECKED_FOR: Duration = Duration::from_secs(3);
/// The same for a settlement under way, should its end never be told.
const SETTLING_FOR: Duration = Duration::from_secs(600);
/// Promises of one payer that a reading looks after; the others count as not paid yet.
const LOOKED_AFTER_MAX: usize = 16;
/// Payers that are remembered before those without a promise are forgotten.
const ACCOUNTS_MAX: usize = 10_000;

/// A token and who has it.
pub(super) type Account = (Address, Address);

/// The payers of one network.
pub(super) struct Purse {
    clock: Arc<dyn Clock>,
    accounts: Mutex<HashMap<Account, Held>>,
}

#[derive(Default)]
struct Held {
    balance: Option<(U256, Ticks)>,
    /// What Permit2 may move, where it was read together with the balance.
    allowance: Option<U256>,
    promises: HashMap<ChainNonce, Promise>,
}

struct Promise {
    amount: U256,
    made_at: Ticks,
    lasts: Duration,
    /// The balance that was read is without it already.
    is_paid: bool,
    holders: Holders,
}

/// What a purse says to one more payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is enough, and it is promised now.
    Promised,
    /// So much is left of the balance, which is too little.
    TooLittle { left: U256 },
    /// So much is left of what Permit2 may move, which is too little.
    NotAllowed { left: U256 },
    /// The balance has to be read first, by Permit2 with the allowance.
    Unknown,
}

impl Held {
    fn drop_old(&mut self, now: Ticks) {
        self.promises.retain(|_, promise| promise.holders.are_there() || now.since(promise.made_at) < promise.lasts);
    }

    /// What is left of a balance beside the promises of other payments.
    fn left(&self, balance: U256, beside: &ChainNonce) -> U256 {
        self.left_by(balance, beside, |_| true)
    }

    /// The same of an allowance, which only payments by Permit2 use up.
    fn left_allowed(&self, allowance: U256, beside: &ChainNonce) -> U256 {
        self.left_by(allowance, beside, ChainNonce::is_of_permit2)
    }

    fn left_by(&self, of: U256, beside: &ChainNonce, counts: impl Fn(&ChainNonce) -> bool) -> U256 {
        let others = self.promises.iter().filter(|(nonce, promise)| *nonce != beside && !promise.is_paid);
        others.filter(|(nonce, _)| counts(nonce)).fold(of, |left, (_, promise)| left.saturating_sub(promise.amount))
    }

    fn promise(&mut self, nonce: ChainNonce, amount: U256, lasts: Duration, now: Ticks) {
        let promise = Promise { amount, made_at: now, lasts, is_paid: false, holders: Holders::default() };
        let kept = self.promises.entry(nonce).or_insert(promise);
        if lasts > kept.lasts {
            (kept.amount, kept.made_at, kept.lasts) = (amount, now, lasts);
        }
    }
}

impl Purse {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, accounts: Mutex::default() }
    }

    /// Promises an amount for a moment, where the balance is known and covers it.
    pub(super) fn check(&self, account: Account, nonce: ChainNonce, amount: U256) -> Verdict {
        let now = self.clock.ticks();
        let mut accounts = self.accounts.lock();
        let Some(held) = accounts.get_mut(&account) else { return Verdict::Unknown };
        held.drop_old(now);
        let Some((balance, _)) = held.balance.filter(|(_, at)| now.since(*at) < FRESH) else {
            return Verdict::Unknown;
        };
        let left = held.left(balance, &nonce);
        if left < amount {
            return Verdict::TooLittle { left };
        }
        if nonce.is_of_permit2() {
            let Some(allowance) = held.allowance else { return Verdict::Unknown };
            let left = held.left_allowed(allowance, &nonce);
            if left < amount {
                return Verdict::NotAllowed { left };
            }
        }
        held.promise(nonce, amount, CHECKED_FOR, now);
        Verdict::Promised
    }

    /// Keeps a promise for as long as the answer is held; where there is no promise, nothing.
    pub(super) fn hold(&self, account: Account, nonce: &ChainNonce) -> Hold {
        let mut accounts = self.accounts.lock();
        let promise = accounts.get_mut(&account).and_then(|held| held.promises.get_mut(nonce));
        promise.map(|promise| promise.holders.join()).unwrap_or_default()
    }

    /// The promises whose nonces should be looked at together with the balance.
    pub(super) fn promised(&self, account: Account, beside: &ChainNonce) -> Vec<ChainNonce> {
        let accounts = self.accounts.lock();
        let open = accounts.get(&account).into_iter().flat_map(|held| &held.promises);
        let open = open.filter(|(nonce, promise)| *nonce != beside && !promise.is_paid).map(|(nonce, _)| *nonce);
        open.take(LOOKED_AFTER_MAX).collect()
    }

    /// Takes note of a reading, and of which promises are spent in it. Without an `allowance` none is known any more.
    pub(super) fn learn(&self, account: Account, balance: U256, allowance: Option<U256>, spent: &[ChainNonce]) {
        let now = self.clock.ticks();
        let mut accounts = self.accounts.lock();
        if accounts.len() >= ACCOUNTS_MAX {
            accounts.values_mut().for_each(|held| held.drop_old(now));
            accounts.retain(|_, held| !held.promises.is_empty());
        }
        let held = accounts.entry(account).or_default();
        (held.balance, held.allowance) = (Some((balance, now)), allowance);
        for nonce in spent {
            if let Some(promise) = held.promises.get_mut(nonce) {
                promise.is_paid = true;
            }
        }
    }

    /// Keeps an amount for a settlement that begins.
    pub(super) fn settling(&self, account: Account, nonce: ChainNonce, amount: U256) {
        let now = self.clock.ticks();
        self.accounts.lock().entry(account).or_default().promise(nonce, amount, SETTLING_FOR, now);
    }

    /// Whether the money was found there a moment ago.
    pub(super) fn is_fresh(&self, account: Account, nonce: &ChainNonce) -> bool {
        let now = self.clock.ticks();
        let accounts = self.accounts.lock();
        let promise = accounts.get(&account).and_then(|held| held.promises.get(nonce));
        promise.is_some_and(|promise| now.since(promise.made_at) < FRESH)
    }

    /// Takes back what a check has promised; what somebody holds or settles stays promised.
    pub(super) fn withdraw(&self, account: Account, nonce: &ChainNonce) {
        let mut accounts = self.accounts.lock();
        let Some(held) = accounts.get_mut(&account) else { return };
        let is_idle = |promise: &Promise| promise.lasts == CHECKED_FOR && !promise.holders.are_there();
        if held.promises.get(nonce).is_some_and(is_idle) {
            held.promises.remove(nonce);
        }
    }

    /// Ends a promise. What was paid is no longer in the balance that was read.
    pub(super) fn end(&self, account: Account, nonce: &ChainNonce, is_paid: bool) {
        let mut accounts = self.accounts.lock();
        let Some(held) = accounts.get_mut(&account) else { return };
        let Some(promise) = held.promises.remove(nonce) else { return };
        if let (true, false, Some((balance, _))) = (is_paid, promise.is_paid, &mut held.balance) {
            *balance = balance.saturating_sub(promise.amount);
            if nonce.is_of_permit2() {
                held.allowance = held.allowance.map(|allowance| allowance.saturating_sub(promise.amount));
            }
        }
        if held.promises.is_empty() && held.balance.is_none() {
            accounts.remove(&account);
        }
    }
}

#[cfg(test)]
mod tests;
