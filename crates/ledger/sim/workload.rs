//! Weighted random operations, alone and in batches, among them replays of old ids with the same and with other content.
//! Each seed leaves some kinds of operation out, so that rare mixtures come up.

use crate::sim::model::{Aside, Model};
use farebox_base::{ListingId, Micros, PartyId, Result, Rng, SeededRng, Timestamp};
use farebox_db::Db;
use farebox_ledger::{
    AccountId, Batch, ChainId, Done, Hold, HoldOutcome, Leg, Operation, Outcome, Post, PostOutcome, SetAside, Transfer,
    TransferKind,
};
use std::time::Duration;

/// When every simulation begins.
pub const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// What can be asked of the ledger.
#[derive(Debug, Clone)]
pub enum Action {
    One(Operation),
    Batch {
        operations: Vec<Operation>,
        /// Which of the chains that are there.
        chain: usize,
        /// All ids are said to be new; sometimes wrongly.
        promised: bool,
        aside: Aside,
    },
    /// Releases what is past its time.
    Expire,
    Wait {
        seconds: u64,
    },
}

/// What the ledger answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Done(Vec<Done>),
    Nothing,
}

/// An outcome in two words.
pub fn name(done: &Done) -> &'static str {
    match done {
        Done::Transfer(Outcome::Created) => "transfer created",
        Done::Transfer(Outcome::Exists) => "transfer exists",
        Done::Transfer(Outcome::Mismatch) => "transfer mismatch",
        Done::Transfer(Outcome::Insufficient { .. }) => "transfer insufficient",
        Done::Hold(HoldOutcome::Created) => "hold created",
        Done::Hold(HoldOutcome::Exists) => "hold exists",
        Done::Hold(HoldOutcome::Mismatch) => "hold mismatch",
        Done::Hold(HoldOutcome::Insufficient { .. }) => "hold insufficient",
        Done::Post(PostOutcome::Created) => "post created",
        Done::Post(PostOutcome::Exists) => "post exists",
        Done::Post(PostOutcome::Mismatch) => "post mismatch",
        Done::Post(PostOutcome::NotHeld) => "post not held",
        Done::Void(true) => "void done",
        Done::Void(false) => "void nothing",
    }
}

struct Given<'a>(&'a Aside);

impl SetAside for Given<'_> {
    fn of(&self, account: &AccountId) -> Micros {
        Micros::new(self.0.get(account).copied().unwrap_or(0))
    }
}

/// Asks the ledger. `again`: it was asked before and may have done it.
pub async fn perform(db: &Db, chains: &[ChainId], action: &Action, now: Timestamp, again: bool) -> Result<Answer> {
    let done = match action {
        Action::One(Operation::Transfer(transfer)) => {
            Done::Transfer(farebox_ledger::transfer::transfer(db, transfer, now).await?)
        }
        Action::One(Operation::Hold(hold)) => Done::Hold(farebox_ledger::hold::hold(db, hold, now).await?),
        Action::One(Operation::Post(post)) => Done::Post(farebox_ledger::hold::post(db, post, now).await?),
        Action::One(Operation::Void(id)) => Done::Void(farebox_ledger::hold::void(db, id, now).await?),
        Action::Batch { operations, chain, promised, aside } => {
            let chain = chains.get(*chain % chains.len()).copied().unwrap_or(ChainId::SHARED);
            let (ids_are_new, set_aside) = (*promised && !again, &Given(aside));
            let batch = Batch { operations, chain, now, ids_are_new, set_aside };
            return Ok(Answer::Done(farebox_ledger::batch::apply(db, batch).await?.done));
        }
        Action::Expire => {
            while farebox_ledger::hold::holds_expire(db, now, 3).await? > 0 {}
            return Ok(Answer::Nothing);
        }
        Action::Wait { .. } => return Ok(Answer::Nothing),
    };
    Ok(Answer::Done(vec![done]))
}

/// The parties of every seed; it uses the first few.
pub fn party_of(n: u64) -> PartyId {
    PartyId::from_uuid(uuid::Uuid::from_u128(u128::from(n) + 1))
}

pub struct Workload {
    pub parties: Vec<PartyId>,
    listings: Vec<ListingId>,
    weights: [u64; 9],
    /// Out of ten.
    batches: u64,
    serial: u64,
    past: Vec<Operation>,
}

impl Workload {
    pub fn new(rng: &SeededRng) -> Self {
        let parties = (0..2 + rng.below(4)).map(party_of).collect();
        let listings = (0..3_u128).map(|n| ListingId::from_uuid(uuid::Uuid::from_u128(n + 100))).collect();
        let mut weights = [20, 12, 30, 20, 10, 8, 6, 6, 8];
        for weight in weights.iter_mut().skip(1) {
            if rng.below(6) == 0 {
                *weight = 0;
            }
        }
        Self { parties, listings, weights, batches: rng.below(9), serial: 0, past: Vec::new() }
    }

    pub fn next(&mut self, rng: &SeededRng, book: &Model) -> Action {
        match rng.below(20) {
            0 => return Action::Expire,
            1 => return Action::Wait { seconds: [400, 400, 400, 90_000][pick(rng, 4)] },
            _ => {}
        }
        if rng.below(10) >= self.batches {
            return Action::One(self.operation(rng, book, &[]));
        }
        let first = self.past.len();
        let count = 1 + pick(rng, 12);
        let mut operations = Vec::with_capacity(count);
        let promised = rng.below(2) == 0;
        let fresh_only = promised && rng.below(3) != 0;
        while operations.len() < count {
            let operation = self.operation(rng, book, &operations);
            let is_fresh = match &operation {
                Operation::Transfer(Transfer { id, .. }) | Operation::Hold(Hold { id, .. }) => self.is_new(id, first),
                Operation::Post(post) => self.is_new(&post.transfer.id, first),
                Operation::Void(_) => true,
            };
            if is_fresh || !fresh_only {
                operations.push(operation);
            }
        }
        let aside = self.aside(rng, book);
        Action::Batch { operations, chain: pick(rng, 4), promised, aside }
    }

    /// Whether the id came up only since `first`.
    fn is_new(&self, wanted: &str, first: usize) -> bool {
        self.past[..first].iter().all(|operation| match operation {
            Operation::Transfer(Transfer { id, .. }) | Operation::Hold(Hold { id, .. }) => id != wanted,
            Operation::Post(post) => post.transfer.id != wanted,
            Operation::Void(_) => true,
        })
    }

    /// Up to half as much again as a few accounts have.
    fn aside(&self, rng: &SeededRng, book: &Model) -> Aside {
        let mut aside = Aside::new();
        for _ in 0..rng.below(4) {
            let party = self.party(rng);
            let account = if rng.below(2) == 0 { AccountId::funded(party) } else { AccountId::promotional(party) };
            let has = u64::try_from(book.available(&account)).unwrap_or(0);
            aside.insert(account, i64::try_from(rng.below(has + has / 2 + 1)).unwrap_or(0));
        }
        aside
    }

    /// One operation, which may be about something in the batch so far.
    fn operation(&mut self, rng: &SeededRng, book: &Model, batch: &[Operation]) -> Operation {
        let mut draw = rng.below(self.weights.iter().sum());
        let kind = self.weights.iter().position(|weight| {
            let hit = draw < *weight;
            draw = draw.wrapping_sub(*weight);
            hit
        });
        let operation = match kind.unwrap_or(0) {
            0 => self.fund(rng),
            1 => self.pay(rng),
            2 => self.hold(rng),
            3 => self.post(rng, book, batch),
            4 => Operation::Void(self.some_hold(rng, book, batch).0),
            5 => self.charge(rng),
            6 => self.past(rng),
            7 => self.changed(rng),
            _ => self.drain(rng, book),
        };
        self.past.push(operation.clone());
        operation
    }

    fn party(&self, rng: &SeededRng) -> PartyId {
        self.parties[pick(rng, self.parties.len())]
    }

    fn listing(&self, rng: &SeededRng) -> Option<ListingId> {
        self.listings.get(pick(rng, self.listings.len() + 1)).copied()
    }

    fn id(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}-{}", self.serial)
    }

    fn amount(rng: &SeededRng) -> Micros {
        let most = [3, 100, 5_000, 1_000_000][pick(rng, 4)];
        Micros::new(i64::try_from(1 + rng.below(most)).unwrap_or(1))
    }

    fn fund(&mut self, rng: &SeededRng) -> Operation {
        let party = self.party(rng);
        let (from, to) = match rng.below(3) {
            0 => (AccountId::promotions(), AccountId::promotional(party)),
            1 => (AccountId::outside("operator"), AccountId::prepaid(party, self.party(rng))),
            _ => (AccountId::outside("operator"), AccountId::funded(party)),
        };
        self.move_money(from, to, Self::amount(rng), TransferKind::AdminGrant)
    }

    fn pay(&mut self, rng: &SeededRng) -> Operation {
        let (from, to) = (AccountId::funded(self.party(rng)), AccountId::earnings(self.party(rng)));
        self.move_money(from, to, Self::amount(rng), TransferKind::Call)
    }

    fn move_money(&mut self, from: AccountId, to: AccountId, amount: Micros, kind: TransferKind) -> Operation {
        let less = Micros::new(-amount.get());
        let legs = vec![Leg { account: from, amount: less }, Leg { account: to, amount }];
        let id = self.id("transfer");
        let memo = format!("memo of {id}");
        Operation::Transfer(Transfer { id, kind, legs, listing: None, memo })
    }

    /// A call that is paid at once, from two accounts to two.
    fn charge(&mut self, rng: &SeededRng) -> Operation {
        let (buyer, seller) = (self.party(rng), self.party(rng));
        let (gift, own) = (Self::amount(rng).get(), Self::amount(rng).get());
        let fee = (gift + own) / 10;
        let legs = [
            (AccountId::funded(buyer), -own),
            (AccountId::promotional(buyer), -gift),
            (AccountId::earnings(seller), gift + own - fee),
            (AccountId::fees(), fee),
        ];
        let legs = legs.into_iter().filter(|(_, amount)| *amount != 0);
        let legs = legs.map(|(account, amount)| Leg { account, amount: Micros::new(amount) }).collect();
        let (id, listing, memo) = (self.id("charge"), self.listing(rng), "a call".to_owned());
        Operation::Transfer(Transfer { id, kind: TransferKind::Call, legs, listing, memo })
    }

    fn expiry(rng: &SeededRng) -> Timestamp {
        START.plus(Duration::from_secs(rng.below(20_000)))
    }

    fn hold(&mut self, rng: &SeededRng) -> Operation {
        let (buyer, seller) = (self.party(rng), self.party(rng));
        let sources = vec![AccountId::prepaid(buyer, seller), AccountId::promotional(buyer), AccountId::funded(buyer)];
        let expires_at = Self::expiry(rng);
        Operation::Hold(Hold { id: self.id("hold"), sources, amount: Self::amount(rng), expires_at })
    }

    /// Everything that an account has, or one micro more.
    fn drain(&mut self, rng: &SeededRng, book: &Model) -> Operation {
        let account = AccountId::funded(self.party(rng));
        let over = i64::try_from(rng.below(2)).unwrap_or(0);
        let amount = Micros::new((book.available(&account) + over).max(1));
        let expires_at = Self::expiry(rng);
        Operation::Hold(Hold { id: self.id("hold"), sources: vec![account], amount, expires_at })
    }

    /// A hold of the batch or of the book, and what it holds or would hold.
    fn some_hold(&self, rng: &SeededRng, book: &Model, batch: &[Operation]) -> (String, i64) {
        let own = batch.iter().rev().find_map(|operation| match operation {
            Operation::Hold(hold) => Some(hold.id.clone()),
            _ => None,
        });
        let id = match own.filter(|_| rng.below(2) == 0) {
            Some(id) => id,
            None => book.hold_ids(rng.below(4) != 0).get(pick(rng, 8)).cloned().unwrap_or_default(),
        };
        // The least that any hold of this id asks for: a posting of more would be a mistake of the caller.
        let asked = self.past.iter().filter_map(|operation| match operation {
            Operation::Hold(hold) if hold.id == id => Some(hold.amount.get()),
            _ => None,
        });
        let least = asked.min().unwrap_or(1);
        (id, least)
    }

    fn post(&mut self, rng: &SeededRng, book: &Model, batch: &[Operation]) -> Operation {
        let (hold_id, held) = self.some_hold(rng, book, batch);
        let amount = 1 + i64::try_from(rng.below(u64::try_from(held).unwrap_or(1))).unwrap_or(0);
        let amount = if rng.below(3) == 0 { held } else { amount };
        let fee = amount / 20;
        let seller = AccountId::earnings(self.party(rng));
        let mut legs = vec![Leg { account: seller, amount: Micros::new(amount - fee) }];
        if fee > 0 {
            legs.push(Leg { account: AccountId::fees(), amount: Micros::new(fee) });
        }
        let (id, listing, memo) = (self.id("post"), self.listing(rng), "a call".to_owned());
        let transfer = Transfer { id, kind: TransferKind::Call, legs, listing, memo };
        Operation::Post(Post { hold_id, transfer })
    }

    fn past(&mut self, rng: &SeededRng) -> Operation {
        match self.past.get(pick(rng, self.past.len().max(1))) {
            Some(operation) => operation.clone(),
            None => self.fund(rng),
        }
    }

    /// An old id with other content.
    fn changed(&mut self, rng: &SeededRng) -> Operation {
        let mut operation = self.past(rng);
        match &mut operation {
            Operation::Transfer(transfer) => {
                let more = Micros::new(transfer.legs[1].amount.get() + 1);
                let less = Micros::new(transfer.legs[0].amount.get() - 1);
                if !more.is_zero() {
                    (transfer.legs[0].amount, transfer.legs[1].amount) = (less, more);
                }
            }
            Operation::Hold(hold) => hold.amount = Micros::new(hold.amount.get() + 1),
            Operation::Post(post) => {
                let leg = &mut post.transfer.legs[0];
                leg.amount = Micros::new((leg.amount.get() - 1).max(1));
            }
            Operation::Void(_) => {}
        }
        operation
    }
}

/// A place in a list of `length`.
fn pick(rng: &SeededRng, length: usize) -> usize {
    usize::try_from(rng.below(length as u64)).unwrap_or(0)
}
