//! What payers have, as of a moment ago, less what they were promised to have for other payments.
//!
//! Invariant: of a balance that was read, no more is promised than it holds. A promise ends when its payment does, when
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
    /// So much is left, which is too little.
    TooLittle { left: U256 },
    /// The balance has to be read first.
    Unknown,
}

impl Held {
    fn drop_old(&mut self, now: Ticks) {
        self.promises.retain(|_, promise| promise.holders.are_there() || now.since(promise.made_at) < promise.lasts);
    }

    /// What is left beside the promises of other payments.
    fn left(&self, balance: U256, beside: &ChainNonce) -> U256 {
        let others = self.promises.iter().filter(|(nonce, promise)| *nonce != beside && !promise.is_paid);
        others.fold(balance, |left, (_, promise)| left.saturating_sub(promise.amount))
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

    /// Takes note of a reading, and of which promises are spent in it.
    pub(super) fn learn(&self, account: Account, balance: U256, spent: &[ChainNonce]) {
        let now = self.clock.ticks();
        let mut accounts = self.accounts.lock();
        if accounts.len() >= ACCOUNTS_MAX {
            accounts.values_mut().for_each(|held| held.drop_old(now));
            accounts.retain(|_, held| !held.promises.is_empty());
        }
        let held = accounts.entry(account).or_default();
        held.balance = Some((balance, now));
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
        }
        if held.promises.is_empty() && held.balance.is_none() {
            accounts.remove(&account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::{ManualClock, Timestamp};

    const ACCOUNT: Account = (Address::repeat_byte(1), Address::repeat_byte(2));

    fn nonce(n: u64) -> ChainNonce {
        ChainNonce::Permit2 { payer: ACCOUNT.1, nonce: U256::from(n) }
    }

    fn purse() -> (Purse, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000)));
        (Purse::new(clock.clone()), clock)
    }

    fn check(purse: &Purse, n: u64, amount: u64) -> Verdict {
        purse.check(ACCOUNT, nonce(n), U256::from(amount))
    }

    #[test]
    fn a_balance_is_promised_once_and_again_when_the_promise_is_over() {
        let (purse, clock) = purse();
        assert_eq!(check(&purse, 1, 60), Verdict::Unknown);
        purse.learn(ACCOUNT, U256::from(100), &[]);
        assert_eq!(check(&purse, 1, 60), Verdict::Promised);
        assert_eq!(check(&purse, 1, 60), Verdict::Promised);
        assert_eq!(check(&purse, 2, 60), Verdict::TooLittle { left: U256::from(40) });
        clock.advance(FRESH);
        assert_eq!(check(&purse, 2, 60), Verdict::Unknown);
        clock.advance(CHECKED_FOR);
        purse.learn(ACCOUNT, U256::from(100), &[]);
        assert_eq!(check(&purse, 2, 60), Verdict::Promised);
    }

    #[test]
    fn a_promise_lasts_while_its_call_is_worked_on_and_no_longer() {
        let (purse, clock) = purse();
        purse.learn(ACCOUNT, U256::from(100), &[]);
        assert_eq!(check(&purse, 1, 100), Verdict::Promised);
        let (first, second) = (purse.hold(ACCOUNT, &nonce(1)), purse.hold(ACCOUNT, &nonce(1)));
        let now_and_then = |n| {
            clock.advance(10 * CHECKED_FOR);
            purse.learn(ACCOUNT, U256::from(100), &[]);
            check(&purse, n, 1)
        };
        let none = Verdict::TooLittle { left: U256::ZERO };
        assert_eq!(now_and_then(2), none);
        drop(first);
        purse.withdraw(ACCOUNT, &nonce(1));
        assert_eq!(now_and_then(2), none, "the other request with the payment is still served");
        drop(second);
        assert_eq!(now_and_then(2), Verdict::Promised);
        assert_eq!(purse.hold(ACCOUNT, &nonce(9)), Hold::default(), "nothing is kept that was not promised");
    }

    #[test]
    fn a_settlement_that_has_ended_leaves_nothing_held() {
        let (purse, _) = purse();
        purse.learn(ACCOUNT, U256::from(100), &[]);
        assert_eq!(check(&purse, 1, 60), Verdict::Promised);
        let held = purse.hold(ACCOUNT, &nonce(1));
        purse.settling(ACCOUNT, nonce(1), U256::from(60));
        purse.end(ACCOUNT, &nonce(1), false);
        assert_eq!(check(&purse, 2, 100), Verdict::Promised);
        drop(held);
        assert_eq!(check(&purse, 2, 100), Verdict::Promised);
    }

    #[test]
    fn what_was_settled_is_neither_left_nor_subtracted_twice() {
        let (purse, clock) = purse();
        purse.learn(ACCOUNT, U256::from(100), &[]);
        purse.settling(ACCOUNT, nonce(1), U256::from(60));
        assert_eq!(check(&purse, 2, 50), Verdict::TooLittle { left: U256::from(40) });
        assert_eq!(purse.promised(ACCOUNT, &nonce(2)), [nonce(1)]);
        clock.advance(FRESH);
        purse.learn(ACCOUNT, U256::from(40), &[nonce(1)]);
        assert_eq!(check(&purse, 2, 40), Verdict::Promised);
        purse.end(ACCOUNT, &nonce(1), true);
        assert_eq!(check(&purse, 2, 40), Verdict::Promised);
        purse.end(ACCOUNT, &nonce(2), true);
        assert_eq!(check(&purse, 3, 1), Verdict::TooLittle { left: U256::ZERO });
    }

    #[test]
    fn a_settlement_that_took_nothing_gives_its_promise_back() {
        let (purse, _) = purse();
        purse.learn(ACCOUNT, U256::from(100), &[]);
        purse.settling(ACCOUNT, nonce(1), U256::from(60));
        purse.end(ACCOUNT, &nonce(1), false);
        assert_eq!(check(&purse, 2, 100), Verdict::Promised);
    }
}
