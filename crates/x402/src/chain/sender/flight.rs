//! Transactions that are not final yet, as this process knows them, and who waits for them.
//!
//! The database is the truth; what stands here can be read from it again. No lock is held while anything is waited for.

use super::SendOutcome;
use crate::chain::rpc::Receipt;
use crate::chain::transaction::Transaction;
use alloy_primitives::{B256, Bytes};
use farebox_base::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::oneshot;
use uuid::Uuid;

/// One signed form of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub hash: B256,
    pub raw: Bytes,
    pub signed_at: Timestamp,
}

/// How far a transaction is, short of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Journalled; no node is known to have it.
    New,
    /// A node took it.
    Broadcast,
    /// In a block that is not deep enough.
    Included,
}

/// What a node's answer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing, or to send it again after a while.
    Patience,
    /// Its nonce may be used up by another transaction.
    NonceCheck,
    /// Higher fees.
    Bump,
    /// It can never be sent, for this reason; its nonce has to be filled.
    Filler(String),
}

/// One transaction on its way.
pub(super) struct Flight {
    pub id: Uuid,
    pub nonce: u64,
    pub newest: Form,
    pub older: Vec<Form>,
    /// Why what was asked for can never be sent; the newest form fills its nonce then.
    pub refusal: Option<String>,
    /// The hash by which it was mined and final before a reorganisation took that back.
    pub counted: Option<B256>,
    pub stage: Stage,
    pub need: Need,
    /// The journal knows that a node took it.
    pub noted: bool,
    /// Number and hash of the block that it was last seen in.
    pub block: Option<(u64, B256)>,
    /// Of all its forms.
    pub lowest_nonce: u64,
    pub sent_at: Option<Timestamp>,
    /// Broadcasts that no node took, in a row.
    pub tries: u32,
    /// Since when its nonce is seen as used by something else.
    pub suspect_since: Option<Timestamp>,
    /// When it could not be helped; it waits a little before the next attempt.
    pub helpless_at: Option<Timestamp>,
    pub waiters: Vec<oneshot::Sender<SendOutcome>>,
}

impl Flight {
    pub(super) fn new(id: Uuid, nonce: u64, stage: Stage, newest: Form) -> Self {
        Self {
            id,
            nonce,
            newest,
            older: Vec::new(),
            refusal: None,
            counted: None,
            stage,
            need: Need::Patience,
            noted: stage != Stage::New,
            block: None,
            lowest_nonce: nonce,
            sent_at: None,
            tries: 0,
            suspect_since: None,
            helpless_at: None,
            waiters: Vec::new(),
        }
    }

    /// The newest form, read; `None` where the journal's bytes are damaged.
    pub(super) fn transaction(&self) -> Option<Transaction> {
        Transaction::read(&self.newest.raw)
    }

    /// When its first form was signed.
    pub(super) fn begun_at(&self) -> Timestamp {
        self.older.iter().map(|form| form.signed_at).fold(self.newest.signed_at, Timestamp::min)
    }

    /// All its forms, the newest first.
    pub(super) fn forms(&self) -> impl Iterator<Item = &Form> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = B256> + '_ {
        self.forms().map(|form| form.hash)
    }

    /// Why its nonce has to be filled, where that is not what the newest form does: it must not be sent as it is.
    pub(super) fn owes_filler(&self) -> Option<&str> {
        let reason = self.refusal.as_deref()?;
        self.transaction().is_some_and(|sent| !sent.data.is_empty()).then_some(reason)
    }

    /// Takes another form in place of the newest one.
    pub(super) fn renew(&mut self, nonce: u64, form: Form, refusal: Option<String>) {
        let old = std::mem::replace(&mut self.newest, form);
        self.older.push(old);
        self.nonce = nonce;
        self.lowest_nonce = self.lowest_nonce.min(nonce);
        self.refusal = refusal.or(self.refusal.take());
        (self.stage, self.need, self.noted) = (Stage::New, Need::Patience, false);
        (self.sent_at, self.tries, self.suspect_since) = (None, 0, None);
    }

    /// Whether a form of this flight only fills the nonce.
    fn is_filler(&self, hash: B256) -> bool {
        let form = self.forms().find(|form| form.hash == hash);
        let sent = form.and_then(|form| Transaction::read(&form.raw));
        self.refusal.is_some() && sent.is_some_and(|sent| sent.data.is_empty())
    }

    /// Of the receipts of all forms the one that tells the end: what was asked for, done, before anything else.
    pub(super) fn telling(&self, receipts: Vec<Receipt>) -> Option<Receipt> {
        let rank = |receipt: &Receipt| (receipt.succeeded && !self.is_filler(receipt.hash), !receipt.succeeded);
        receipts.into_iter().max_by_key(rank)
    }

    /// The end, as the receipt of one of the forms tells it. `revert` is the reason of a revert.
    pub(super) fn outcome(&self, receipt: &Receipt, revert: Option<String>) -> SendOutcome {
        let hash = receipt.hash;
        match (&self.refusal, revert) {
            (Some(reason), _) if self.is_filler(hash) => SendOutcome::Failed { hash, reason: reason.clone() },
            (_, Some(reason)) => SendOutcome::Failed { hash, reason },
            (_, None) => SendOutcome::Mined(receipt.clone()),
        }
    }
}

/// All flights of one wallet that this process watches.
#[derive(Default)]
pub(super) struct Board {
    flights: Mutex<HashMap<Uuid, Flight>>,
}

impl Board {
    /// Adds a flight; one that is there already only takes over the waiters.
    pub(super) fn add(&self, flight: Flight) -> bool {
        let mut flights = self.flights.lock();
        match flights.get_mut(&flight.id) {
            Some(known) => {
                known.waiters.extend(flight.waiters);
                false
            }
            None => {
                flights.insert(flight.id, flight);
                true
            }
        }
    }

    /// Waits for a flight's end beside others; `None` where there is no such flight.
    pub(super) fn join(&self, id: Uuid) -> Option<oneshot::Receiver<SendOutcome>> {
        let mut flights = self.flights.lock();
        let flight = flights.get_mut(&id)?;
        flight.waiters.retain(|waiter| !waiter.is_closed());
        let (waiter, end) = oneshot::channel();
        flight.waiters.push(waiter);
        Some(end)
    }

    /// Removes a flight and tells its waiters.
    pub(super) fn finish(&self, id: Uuid, outcome: &SendOutcome) {
        let removed = self.flights.lock().remove(&id);
        for waiter in removed.into_iter().flat_map(|flight| flight.waiters) {
            let _ = waiter.send(outcome.clone());
        }
    }

    /// Changes one flight; `None` where there is none.
    pub(super) fn change<T>(&self, id: Uuid, change: impl FnOnce(&mut Flight) -> T) -> Option<T> {
        self.flights.lock().get_mut(&id).map(change)
    }

    /// Looks at all flights.
    pub(super) fn collect<T>(&self, look: impl FnMut(&mut Flight) -> Option<T>) -> Vec<T> {
        self.flights.lock().values_mut().filter_map(look).collect()
    }

    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.flights.lock().contains_key(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.flights.lock().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.lock().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::dev::DevRole;
    use alloy_primitives::{Address, U256};

    fn form(nonce: u64, data: &'static [u8]) -> Form {
        let transaction = Transaction {
            chain_id: 1,
            nonce,
            max_priority_fee_per_gas: 1,
            max_fee_per_gas: 1,
            gas_limit: 60_000,
            to: Address::repeat_byte(1),
            value: U256::ZERO,
            data: Bytes::from_static(data),
        };
        let signed = transaction.sign(&DevRole::Payer.key().unwrap());
        Form { hash: signed.hash, raw: signed.raw, signed_at: Timestamp::default() }
    }

    fn receipt(form: &Form, succeeded: bool) -> Receipt {
        Receipt {
            hash: form.hash,
            block: 1,
            block_hash: B256::ZERO,
            from: Address::ZERO,
            succeeded,
            gas_used: 1,
            gas_price: 1,
            logs: Vec::new(),
        }
    }

    #[test]
    fn a_mined_filler_is_a_failure_whether_or_not_it_was_replaced_and_the_real_thing_is_not() {
        let (real, filler, dearer) = (form(1, b"pay"), form(1, b""), form(2, b""));
        let mut flight = Flight::new(Uuid::nil(), 1, Stage::New, real.clone());
        flight.renew(1, filler.clone(), Some("too much gas".to_owned()));
        flight.renew(1, dearer.clone(), None);
        for form in [&filler, &dearer] {
            assert!(matches!(flight.outcome(&receipt(form, true), None), SendOutcome::Failed { .. }));
        }
        assert!(matches!(flight.outcome(&receipt(&real, true), None), SendOutcome::Mined(_)));
    }

    #[test]
    fn what_was_refused_owes_a_filler_until_its_newest_form_is_one() {
        let mut flight = Flight::new(Uuid::nil(), 1, Stage::New, form(1, b"pay"));
        assert_eq!(flight.owes_filler(), None);
        flight.refusal = Some("reverted".to_owned());
        assert_eq!(flight.owes_filler(), Some("reverted"));
        flight.renew(1, form(1, b""), None);
        assert_eq!(flight.owes_filler(), None);
    }

    #[test]
    fn of_two_forms_with_different_nonces_the_one_that_paid_tells_the_end() {
        let (first, second) = (form(1, b"pay"), form(2, b"pay"));
        let mut flight = Flight::new(Uuid::nil(), 1, Stage::New, first.clone());
        flight.renew(2, second.clone(), None);
        let told = flight.telling(vec![receipt(&second, false), receipt(&first, true)]).unwrap();
        assert_eq!(told.hash, first.hash);
        assert!(flight.telling(Vec::new()).is_none());
    }
}
