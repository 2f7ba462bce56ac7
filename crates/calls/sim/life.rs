//! One life of the process: a runtime, a database, the calls, and the steps until it ends or dies.

use crate::sim::auditor::Auditor;
use crate::sim::plan::pick;
use crate::sim::stage::bazaar;
use crate::sim::{World, buyer};
use farebox_base::{Clock, Micros, Rng};
use farebox_calls::{Calls, CallsParts, Payments};
use farebox_db::Db;
use farebox_ledger::transfer::transfer;
use farebox_ledger::{AccountId, Leg, Outcome, Transfer, TransferKind};
use std::sync::Arc;
use std::time::Duration;

/// How often the invariants are checked, in steps.
const CHECK_EVERY: u64 = 15;

pub struct Life<'a> {
    pub world: &'a mut World,
    pub db: Db,
    pub calls: Calls,
}

impl<'a> Life<'a> {
    /// Opens the database as a process does that is alone on it.
    pub async fn begin(world: &'a mut World) -> Result<Life<'a>, String> {
        let stage = world.stage.clone();
        stage.clock.run();
        world.faults.pause(true);
        let db = Db::sqlite(&world.file, world.faults.clone()).map_err(|e| e.to_string())?;
        db.migrate().await.map_err(|e| e.to_string())?;
        let expired = farebox_calls::calls_expire_all(&db, stage.clock.now()).await.map_err(|e| format!("{e:?}"))?;
        {
            let mut auditor = world.auditor.lock();
            auditor.life = world.lives;
            auditor.note(format!("a life begins; {expired} calls had been left open"));
        }
        let client = farebox_net::Client::new(farebox_net::Policy::default()).map_err(|e| format!("{e:?}"))?;
        let (clock, rng) = (stage.clock.clone(), world.ids.clone());
        let parts = CallsParts {
            db: db.clone(),
            clock,
            rng,
            client,
            payments: Payments::default(),
            settings: world.settings.clone(),
        };
        let sellers = Arc::new(crate::sim::outside::Sellers { auditor: world.auditor.clone() });
        let calls = Calls::start_simulated(parts, sellers).await.map_err(|e| format!("{e:?}"))?;
        world.faults.pause(false);
        Ok(Self { world, db, calls })
    }

    /// Takes up to `left` steps; answers how many are left when the process dies.
    pub async fn go_on(&mut self, mut left: u64) -> Result<u64, String> {
        while left > 0 {
            self.step().await?;
            left -= 1;
            if left.is_multiple_of(CHECK_EVERY) {
                self.check().await?;
            }
            if let Some(problem) = self.world.auditor.lock().problem.clone() {
                return Err(problem);
            }
            if self.world.rng.below(100) < self.world.deaths {
                self.world.auditor.lock().note("the process dies".to_owned());
                break;
            }
        }
        Ok(left)
    }

    async fn step(&mut self) -> Result<(), String> {
        match self.world.rng.below(40) {
            0 | 1 => self.spend_elsewhere().await?,
            2 | 3 => self.jump(),
            4 | 5 => self.reconcile().await?,
            _ => self.ask(),
        }
        let pause_ms = match self.world.rng.below(10) {
            0..=3 => return Ok(()),
            4..=7 => self.world.rng.below(8),
            8 => self.world.rng.below(200),
            _ => self.world.rng.below(4_000),
        };
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        Ok(())
    }

    /// One request, or the same one several times at once.
    fn ask(&mut self) {
        let world = &mut *self.world;
        let (buyers, listings) = (world.stage.buyers.len(), world.stage.listings.len());
        for _ in 0..1 + world.rng.below(5) / 2 {
            let mut auditor = world.auditor.lock();
            let before: Vec<_> = auditor.requests.iter().rev().take(40).rev().map(|r| r.plan.clone()).collect();
            let plan = world.mixture.next(&world.rng, auditor.requests.len(), &before, (buyers, listings));
            auditor.asked(plan.clone());
            drop(auditor);
            tokio::spawn(buyer::ask(self.calls.clone(), world.stage.clone(), world.auditor.clone(), plan));
        }
    }

    /// What another process on the database does.
    async fn spend_elsewhere(&mut self) -> Result<(), String> {
        let world = &mut *self.world;
        let buyer = pick(&world.rng, world.stage.buyers.len());
        let account = AccountId::funded(world.stage.buyers[buyer]);
        let has = farebox_ledger::balance::balance_get(&self.db, &account).await;
        let Ok(has) = has else { return Ok(()) };
        let has = has.available().get().max(1);
        let amount = if world.rng.below(2) == 0 { has } else { 1 + has / 3 };
        world.serial += 1;
        let id = format!("elsewhere-{}", world.serial);
        let payment = moved(id, account, AccountId::earnings(bazaar()), amount);
        // Before it happens, because what is refused for it may be answered at once.
        let now = world.stage.clock.now();
        for _ in 0..100 {
            match transfer(&self.db, &payment, now).await {
                Ok(Outcome::Created | Outcome::Exists) => {
                    world.auditor.lock().spent(buyer, amount);
                    return Ok(());
                }
                Ok(_) => return Ok(()),
                Err(_) => {}
            }
        }
        Err("a payment elsewhere did not come to an outcome".to_owned())
    }

    /// Forward, sometimes beyond what holds live; back by a little.
    fn jump(&mut self) {
        let world = &mut *self.world;
        if world.jumps {
            let seconds = [-2, -1, 5, 70, 400][pick(&world.rng, 5)];
            world.auditor.lock().note(format!("the clock jumps by {seconds} s"));
            world.stage.clock.jump(seconds);
        }
    }

    async fn reconcile(&mut self) -> Result<(), String> {
        let outcome = self.calls.reconcile().await;
        self.world.auditor.lock().note(format!("reconciled: {:?}", outcome.as_ref().map_err(|e| e.code)));
        match outcome {
            Err(error) if !self.world.auditor.lock().is_faulty => Err(format!("{error:?}")),
            _ => Ok(()),
        }
    }

    pub async fn check(&mut self) -> Result<(), String> {
        self.world.faults.pause(true);
        let mut findings = farebox_ledger::check::check(&self.db).await.map_err(|e| format!("{e:?}"))?;
        findings.extend(farebox_calls::check(&self.db).await.map_err(|e| format!("{e:?}"))?);
        self.world.faults.pause(false);
        match findings.into_iter().find(|finding| finding.broken != 0) {
            None => Ok(()),
            Some(finding) => Err(format!("\"{}\" is broken by {:?}", finding.invariant, finding.examples)),
        }
    }

    /// Waits until every buyer has had an answer.
    pub async fn quiet(&self) -> Result<(), String> {
        let is_over = |auditor: &Auditor| {
            let waits = |request: &crate::sim::auditor::Request| request.life == auditor.life && request.saw.is_none();
            !auditor.requests.iter().any(waits)
        };
        for _ in 0..1_000 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if is_over(&self.world.auditor.lock()) {
                return Ok(());
            }
        }
        Err("a buyer waits for ever".to_owned())
    }
}

/// Money that changes hands without a call.
pub fn moved(id: String, from: AccountId, to: AccountId, amount: i64) -> Transfer {
    let less = Micros::new(-amount);
    let legs = vec![Leg { account: from, amount: less }, Leg { account: to, amount: Micros::new(amount) }];
    Transfer { id, kind: TransferKind::AdminGrant, legs, listing: None, memo: String::new() }
}
