//! Weighted random operations, among them replays of old ids with the same and with other content.
//! Each seed leaves some kinds of operation out, so that rare mixtures come up.

use crate::sim::auditor::Auditor;
use farebox_base::{Micros, PartyId, Result, Rng, SeededRng, Timestamp};
use farebox_db::Db;
use farebox_ledger::{AccountId, Hold, HoldOutcome, Leg, Outcome, Post, PostOutcome, Transfer, TransferKind};
use std::time::Duration;

/// What can be asked of the ledger.
#[derive(Debug, Clone)]
pub enum Operation {
    Transfer(Transfer),
    Hold(Hold),
    Post(Post),
    Void {
        hold_id: String,
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
    Transfer(Outcome),
    Hold(HoldOutcome),
    Post(PostOutcome),
    Void(bool),
    Done,
}

impl Answer {
    pub fn name(&self) -> &'static str {
        match self {
            Answer::Transfer(Outcome::Created) => "transfer created",
            Answer::Transfer(Outcome::Exists) => "transfer exists",
            Answer::Transfer(Outcome::Mismatch) => "transfer mismatch",
            Answer::Transfer(Outcome::Insufficient { .. }) => "transfer insufficient",
            Answer::Hold(HoldOutcome::Created) => "hold created",
            Answer::Hold(HoldOutcome::Exists) => "hold exists",
            Answer::Hold(HoldOutcome::Mismatch) => "hold mismatch",
            Answer::Hold(HoldOutcome::Insufficient { .. }) => "hold insufficient",
            Answer::Post(PostOutcome::Created) => "post created",
            Answer::Post(PostOutcome::Exists) => "post exists",
            Answer::Post(PostOutcome::Mismatch) => "post mismatch",
            Answer::Post(PostOutcome::NotHeld) => "post not held",
            Answer::Void(true) => "void done",
            Answer::Void(false) => "void nothing",
            Answer::Done => "done",
        }
    }
}

/// Asks the ledger.
pub async fn perform(db: &Db, operation: &Operation, now: Timestamp) -> Result<Answer> {
    Ok(match operation {
        Operation::Transfer(transfer) => Answer::Transfer(farebox_ledger::transfer::transfer(db, transfer, now).await?),
        Operation::Hold(hold) => Answer::Hold(farebox_ledger::hold::hold(db, hold, now).await?),
        Operation::Post(post) => Answer::Post(farebox_ledger::hold::post(db, post, now).await?),
        Operation::Void { hold_id } => Answer::Void(farebox_ledger::hold::void(db, hold_id, now).await?),
        Operation::Expire => {
            while farebox_ledger::hold::holds_expire(db, now, 3).await? > 0 {}
            Answer::Done
        }
        Operation::Wait { .. } => Answer::Done,
    })
}

pub struct Workload {
    parties: Vec<PartyId>,
    weights: [u64; 10],
    serial: u64,
    past: Vec<Operation>,
}

impl Workload {
    pub fn new(rng: &SeededRng) -> Self {
        let parties = (0..2 + rng.below(4)).map(|n| PartyId::from_uuid(uuid::Uuid::from_u128(u128::from(n) + 1)));
        let mut weights = [20, 10, 30, 20, 10, 3, 5, 6, 6, 6];
        for weight in weights.iter_mut().skip(1) {
            if rng.below(6) == 0 {
                *weight = 0;
            }
        }
        Self { parties: parties.collect(), weights, serial: 0, past: Vec::new() }
    }

    pub fn next(&mut self, rng: &SeededRng, auditor: &Auditor) -> Operation {
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
            3 => self.post(rng, auditor),
            4 => Operation::Void { hold_id: self.some_hold(rng, auditor) },
            5 => Operation::Expire,
            6 => Operation::Wait { seconds: rng.below(400) },
            7 => self.past(rng),
            8 => self.changed(rng),
            _ => self.drain(rng, auditor),
        };
        self.past.push(operation.clone());
        operation
    }

    fn party(&self, rng: &SeededRng) -> PartyId {
        self.parties[usize::try_from(rng.below(self.parties.len() as u64)).unwrap_or(0)]
    }

    fn id(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}-{}", self.serial)
    }

    fn amount(rng: &SeededRng) -> Micros {
        let most = [3, 100, 5_000, 1_000_000][usize::try_from(rng.below(4)).unwrap_or(0)];
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
        Operation::Transfer(Transfer { id: self.id("transfer"), kind, legs, listing: None, memo: String::new() })
    }

    fn hold(&mut self, rng: &SeededRng) -> Operation {
        let (buyer, seller) = (self.party(rng), self.party(rng));
        let sources = vec![AccountId::prepaid(buyer, seller), AccountId::promotional(buyer), AccountId::funded(buyer)];
        // The auditor reads no clock, so a hold's expiry is part of what it is asked.
        let expires_at = Timestamp::from_micros(1_700_000_000_000_000).plus(Duration::from_secs(rng.below(20_000)));
        Operation::Hold(Hold { id: self.id("hold"), sources, amount: Self::amount(rng), expires_at })
    }

    /// Everything that an account has, or one micro more.
    fn drain(&mut self, rng: &SeededRng, auditor: &Auditor) -> Operation {
        let account = AccountId::funded(self.party(rng));
        let over = i64::try_from(rng.below(2)).unwrap_or(0);
        let amount = Micros::new((auditor.available(&account).get() + over).max(1));
        let expires_at = Timestamp::from_micros(1_700_000_000_000_000).plus(Duration::from_secs(rng.below(20_000)));
        Operation::Hold(Hold { id: self.id("hold"), sources: vec![account], amount, expires_at })
    }

    fn some_hold(&self, rng: &SeededRng, auditor: &Auditor) -> String {
        auditor.hold_ids(rng.below(4) != 0).get(usize::try_from(rng.below(8)).unwrap_or(0)).cloned().unwrap_or_default()
    }

    fn post(&mut self, rng: &SeededRng, auditor: &Auditor) -> Operation {
        let hold_id = self.some_hold(rng, auditor);
        let held = auditor.held(&hold_id).get().max(1);
        let amount = 1 + i64::try_from(rng.below(u64::try_from(held).unwrap_or(1))).unwrap_or(0);
        let amount = if rng.below(3) == 0 { held } else { amount };
        let fee = amount / 20;
        let seller = AccountId::earnings(self.party(rng));
        let mut legs = vec![Leg { account: seller, amount: Micros::new(amount - fee) }];
        if fee > 0 {
            legs.push(Leg { account: AccountId::fees(), amount: Micros::new(fee) });
        }
        let transfer =
            Transfer { id: self.id("post"), kind: TransferKind::Call, legs, listing: None, memo: String::new() };
        Operation::Post(Post { hold_id, transfer })
    }

    fn past(&mut self, rng: &SeededRng) -> Operation {
        let index = usize::try_from(rng.below(self.past.len().max(1) as u64)).unwrap_or(0);
        self.past.get(index).cloned().unwrap_or(Operation::Expire)
    }

    /// An old id with other content.
    fn changed(&mut self, rng: &SeededRng) -> Operation {
        let mut operation = self.past(rng);
        match &mut operation {
            Operation::Transfer(transfer) => {
                let more = Micros::new(transfer.legs[1].amount.get() + 1);
                transfer.legs[0].amount = Micros::new(-more.get());
                transfer.legs[1].amount = more;
            }
            Operation::Hold(hold) => hold.amount = Micros::new(hold.amount.get() + 1),
            Operation::Post(post) => {
                let leg = &mut post.transfer.legs[0];
                leg.amount = Micros::new((leg.amount.get() - 1).max(1));
            }
            _ => {}
        }
        operation
    }
}
