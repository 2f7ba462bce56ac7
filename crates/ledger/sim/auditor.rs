//! The auditor: a plain model of what the ledger must answer. Slow, obvious and independent of the ledger's code.

use crate::sim::workload::{Answer, Operation};
use farebox_base::{Micros, Timestamp};
use farebox_ledger::{AccountId, Balance, Hold, HoldOutcome, Leg, Outcome, Post, PostOutcome, Transfer};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Auditor {
    posted: BTreeMap<AccountId, i64>,
    held: BTreeMap<AccountId, i64>,
    /// What each transfer id did: its legs, and the hold it came from.
    transfers: BTreeMap<String, (Vec<Leg>, Option<String>)>,
    holds: BTreeMap<String, Kept>,
}

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

impl Auditor {
    /// Compares an answer with what is permitted and, where it changed the book, changes the model.
    /// `unsure`: an earlier try may have committed.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn judge(
        &mut self,
        operation: &Operation,
        answer: &Answer,
        unsure: bool,
        now: Timestamp,
    ) -> Result<(), String> {
        let expected = self.expect(operation);
        let seen_as_repeat = unsure && repeated(&expected).as_ref() == Some(answer);
        if *answer != expected && !seen_as_repeat {
            return Err(format!("the ledger answered {answer:?}, expected {expected:?} (unsure: {unsure})"));
        }
        self.apply(operation, &expected, now);
        Ok(())
    }

    fn expect(&self, operation: &Operation) -> Answer {
        match operation {
            Operation::Transfer(transfer) => Answer::Transfer(self.expect_transfer(transfer)),
            Operation::Hold(hold) => Answer::Hold(self.expect_hold(hold)),
            Operation::Post(post) => Answer::Post(self.expect_post(post)),
            Operation::Void { hold_id } => {
                Answer::Void(self.holds.get(hold_id).is_some_and(|kept| kept.state == State::Held))
            }
            Operation::Expire | Operation::Wait { .. } => Answer::Done,
        }
    }

    fn expect_transfer(&self, transfer: &Transfer) -> Outcome {
        if let Some((legs, hold)) = self.transfers.get(&transfer.id) {
            let same = *legs == transfer.legs && hold.is_none();
            return if same { Outcome::Exists } else { Outcome::Mismatch };
        }
        let mut debits: Vec<&Leg> = transfer.legs.iter().filter(|leg| leg.amount.is_negative()).collect();
        debits.sort_by(|a, b| a.account.cmp(&b.account));
        for leg in debits {
            if leg.account.kind().has_floor() && self.available(&leg.account).get() + leg.amount.get() < 0 {
                return Outcome::Insufficient { account: leg.account.clone() };
            }
        }
        Outcome::Created
    }

    fn expect_hold(&self, hold: &Hold) -> HoldOutcome {
        if let Some(kept) = self.holds.get(&hold.id) {
            let same = kept.sources == hold.sources && kept.amount == hold.amount.get();
            return if same { HoldOutcome::Exists } else { HoldOutcome::Mismatch };
        }
        let has: i64 = hold.sources.iter().map(|source| self.available(source).get()).sum();
        if has < hold.amount.get() {
            return HoldOutcome::Insufficient { available: Micros::new(has) };
        }
        HoldOutcome::Created
    }

    fn expect_post(&self, post: &Post) -> PostOutcome {
        if let Some((legs, hold)) = self.transfers.get(&post.transfer.id) {
            let same = *legs == post.transfer.legs && hold.as_ref() == Some(&post.hold_id);
            return if same { PostOutcome::Exists } else { PostOutcome::Mismatch };
        }
        match self.holds.get(&post.hold_id).map(|kept| kept.state) {
            Some(State::Held) => PostOutcome::Created,
            Some(State::Posted) => PostOutcome::Mismatch,
            Some(State::Voided) | None => PostOutcome::NotHeld,
        }
    }

    fn apply(&mut self, operation: &Operation, answer: &Answer, now: Timestamp) {
        match (operation, answer) {
            (Operation::Transfer(transfer), Answer::Transfer(Outcome::Created)) => {
                self.move_legs(&transfer.legs);
                self.transfers.insert(transfer.id.clone(), (transfer.legs.clone(), None));
            }
            (Operation::Hold(hold), Answer::Hold(HoldOutcome::Created)) => self.keep(hold),
            (Operation::Post(post), Answer::Post(PostOutcome::Created)) => {
                let amount: i64 = post.transfer.legs.iter().map(|leg| leg.amount.get()).sum();
                self.resolve(&post.hold_id, State::Posted, amount);
                self.move_legs(&post.transfer.legs);
                let made = (post.transfer.legs.clone(), Some(post.hold_id.clone()));
                self.transfers.insert(post.transfer.id.clone(), made);
            }
            (Operation::Void { hold_id }, Answer::Void(true)) => self.resolve(hold_id, State::Voided, 0),
            (Operation::Expire, Answer::Done) => {
                let due = |kept: &Kept| kept.state == State::Held && kept.expires_at <= now;
                let ids: Vec<String> = self.holds.iter().filter(|(_, k)| due(k)).map(|(id, _)| id.clone()).collect();
                ids.iter().for_each(|id| self.resolve(id, State::Voided, 0));
            }
            _ => {}
        }
    }

    fn move_legs(&mut self, legs: &[Leg]) {
        for leg in legs {
            *self.posted.entry(leg.account.clone()).or_default() += leg.amount.get();
        }
    }

    fn keep(&mut self, hold: &Hold) {
        let mut missing = hold.amount.get();
        let mut parts = Vec::new();
        for source in &hold.sources {
            let part = self.available(source).get().min(missing);
            if part > 0 {
                parts.push((source.clone(), part));
                *self.held.entry(source.clone()).or_default() += part;
                missing -= part;
            }
        }
        let (sources, amount, expires_at) = (hold.sources.clone(), hold.amount.get(), hold.expires_at);
        self.holds.insert(hold.id.clone(), Kept { sources, amount, parts, expires_at, state: State::Held });
    }

    fn resolve(&mut self, hold_id: &str, state: State, spend: i64) {
        let Some(kept) = self.holds.get_mut(hold_id) else { return };
        kept.state = state;
        let mut missing = spend;
        for (account, part) in &kept.parts {
            let spent = missing.min(*part);
            missing -= spent;
            *self.held.entry(account.clone()).or_default() -= part;
            *self.posted.entry(account.clone()).or_default() -= spent;
        }
    }

    /// What the account can spend; accounts without a floor have no such figure.
    pub fn available(&self, account: &AccountId) -> Micros {
        let of = |map: &BTreeMap<AccountId, i64>| map.get(account).copied().unwrap_or(0);
        Micros::new(of(&self.posted) - of(&self.held))
    }

    /// The amount that the hold holds, or zero.
    pub fn held(&self, hold_id: &str) -> Micros {
        let kept = self.holds.get(hold_id).filter(|kept| kept.state == State::Held);
        Micros::new(kept.map_or(0, |kept| kept.amount))
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
        self.posted.iter().filter(|(account, _)| account.kind().has_floor()).map(|(account, posted)| {
            let held = self.held.get(account).copied().unwrap_or(0);
            (account, Balance { posted: Micros::new(*posted), held: Micros::new(held), credited: Micros::ZERO })
        })
    }
}

/// The answer when the effect was already there from a try whose answer was lost.
fn repeated(expected: &Answer) -> Option<Answer> {
    match expected {
        Answer::Transfer(Outcome::Created) => Some(Answer::Transfer(Outcome::Exists)),
        Answer::Hold(HoldOutcome::Created) => Some(Answer::Hold(HoldOutcome::Exists)),
        Answer::Post(PostOutcome::Created) => Some(Answer::Post(PostOutcome::Exists)),
        Answer::Void(true) => Some(Answer::Void(false)),
        _ => None,
    }
}
