//! A deterministic simulation of paid calls: one seed decides who calls what with which key, what sellers answer and
//! when, who leaves, what the store does wrong, when the process dies, how clocks jump and what another process spends.
//!
//! The real `Calls`, with its writer, its reservations and the store on SQLite, runs inside one thread under a paused
//! clock; only the network is replaced. A failing seed fails the same way each time.

pub mod auditor;
pub mod buyer;
pub mod clock;
pub mod life;
pub mod outside;
pub mod plan;
pub mod stage;
pub mod verdict;

use auditor::{Auditor, Saw};
use farebox_base::{Clock, Micros, Rng, SeededRng};
use farebox_calls::{CallSettings, Durability};
use farebox_db::sql;
use farebox_ledger::AccountId;
use farebox_ledger::transfer::transfer;
use farebox_testkit::faults::{SeededFaults, scratch};
use life::{Life, moved};
use parking_lot::Mutex;
use plan::{Mixture, pick};
use stage::{BEGINNINGS, Stage};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use verdict::Circumstances;

/// What a seed did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub requests: u64,
    pub restarts: u64,
    pub faults: BTreeMap<&'static str, u64>,
    /// How often buyers saw what.
    pub outcomes: BTreeMap<String, u64>,
    /// What happened, in order; two runs of a seed must have the same.
    pub log: Vec<String>,
}

/// What stays the same when the process dies.
pub struct World {
    pub file: PathBuf,
    pub stage: Arc<Stage>,
    pub rng: Arc<SeededRng>,
    /// Ids and the schedule are drawn apart, so that a change of the code does not change what is asked.
    pub ids: Arc<SeededRng>,
    pub faults: Arc<SeededFaults>,
    pub auditor: Arc<Mutex<Auditor>>,
    pub settings: CallSettings,
    pub mixture: Mixture,
    /// Out of a hundred, after each step.
    pub deaths: u64,
    pub jumps: bool,
    pub lives: u64,
    pub serial: u64,
}

/// Runs a seed for `steps` steps.
///
/// # Errors
/// The first thing that was not permitted.
pub fn run(seed: u64, steps: u64) -> Result<Report, String> {
    let folder = scratch()?;
    let mut world = World::new(seed, folder.path());
    world.fund().map_err(|e| format!("{e}\n  in seed {seed}, at the beginning"))?;
    let mut left = steps;
    while left > 0 {
        left =
            world.live(left).map_err(|e| format!("{e}\n  in seed {seed}, in the life with {left} steps before it"))?;
    }
    world.settle().map_err(|e| format!("{e}\n  in seed {seed}, after the faults stopped"))
}

/// Runs a seed twice and compares.
///
/// # Errors
/// Those of [`run`], and a replay that differs.
pub fn run_twice(seed: u64, steps: u64) -> Result<Report, String> {
    let (first, second) = (run(seed, steps)?, run(seed, steps)?);
    if first == second {
        return Ok(first);
    }
    let step = first.log.iter().zip(&second.log).position(|(a, b)| a != b).unwrap_or(0);
    Err(format!("seed {seed} does not replay: {:?} and then {:?}", first.log.get(step), second.log.get(step)))
}

fn settings(rng: &SeededRng) -> CallSettings {
    let mut settings = CallSettings {
        hold_ttl: Duration::from_secs(60),
        idempotency_ttl: Duration::from_secs(30 * 86_400),
        idempotent_body_bytes: 4_096,
        reply_buffer_bytes: 2_048,
        in_flight_max: [10_000, 10_000, 10_000, 6][pick(rng, 4)],
        group_commit_max: [1, 3, 512][pick(rng, 3)],
        unsecured_max: Micros::new([0, 2_000, 5_000_000, 5_000_000][pick(rng, 4)]),
        durability: [Durability::Full, Durability::Full, Durability::Relaxed][pick(rng, 3)],
        ..CallSettings::default()
    };
    settings.timeouts.total_ms = 300_000;
    settings
}

impl World {
    fn new(seed: u64, folder: &Path) -> Self {
        let rng = Arc::new(SeededRng::new(seed));
        let ids = Arc::new(SeededRng::new(rng.next_u64()));
        let chance = [0, 5, 20, 60][pick(&rng, 4)];
        let faults = Arc::new(SeededFaults::new(rng.next_u64(), chance));
        let (settings, stage) = (settings(&rng), Arc::new(Stage::new()));
        let auditor = Auditor::new(stage.clone(), chance > 0, settings.in_flight_max);
        let (auditor, mixture) = (Arc::new(Mutex::new(auditor)), Mixture::new(&rng));
        let (deaths, jumps) = ([0, 0, 2, 6][pick(&rng, 4)], rng.below(2) == 0);
        let file = folder.join("book.db");
        Self { file, stage, rng, ids, faults, auditor, settings, mixture, deaths, jumps, lives: 0, serial: 0 }
    }

    /// Runs one life on a runtime of its own. Whatever still runs when it is over ends where it stands, as when a process
    /// is killed.
    fn in_a_life<T>(&mut self, live: impl AsyncFnOnce(&mut Life<'_>) -> Result<T, String>) -> Result<T, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.map_err(|e| e.to_string())?;
        self.lives += 1;
        let clock = self.stage.clock.clone();
        runtime.block_on(async {
            let mut life = Life::begin(self).await?;
            let outcome = live(&mut life).await;
            clock.stop();
            outcome
        })
    }

    fn fund(&mut self) -> Result<(), String> {
        self.in_a_life(async |life| {
            life.world.faults.pause(true);
            stage::listings_write(&life.db, &life.world.stage).await.map_err(|e| e.to_string())?;
            let now = life.world.stage.clock.now();
            for (buyer, beginning) in BEGINNINGS.iter().enumerate() {
                for (kind, amount) in beginning.iter().enumerate().filter(|(_, amount)| **amount > 0) {
                    let account = life.world.stage.account(buyer, kind);
                    let gift = moved(format!("{buyer}-{kind}"), AccountId::outside("operator"), account, *amount);
                    transfer(&life.db, &gift, now).await.map_err(|e| format!("{e:?}"))?;
                }
            }
            Ok(())
        })
    }

    /// One life; answers how many steps are left after it.
    fn live(&mut self, left: u64) -> Result<u64, String> {
        self.in_a_life(async |life| {
            let left = life.go_on(left).await?;
            if left == 0 {
                life.world.faults.pause(true);
                life.quiet().await?;
                life.calls.stop().await;
            }
            Ok(left)
        })
    }

    /// Liveness: when faults stop and time passes nothing is open, and a second round of the reconciler changes nothing.
    fn settle(&mut self) -> Result<Report, String> {
        let died = self.lives;
        self.in_a_life(async |life| {
            life.world.faults.pause(true);
            let calls = life.calls.clone();
            life.world.stage.clock.jump(1_000);
            calls.reconcile().await.map_err(|e| format!("{e:?}"))?;
            let open = sql!(
                "SELECT id FROM call WHERE state = 'open' UNION ALL SELECT id FROM hold WHERE state = 'held'
                 UNION ALL SELECT call_id FROM idempotency WHERE state = 'running'"
            );
            let open = life.db.query(open, &[]).await.map_err(|e| e.to_string())?;
            if !open.is_empty() {
                return Err(format!("{} calls, holds or keys are open after their time", open.len()));
            }
            life.check().await?;
            life.world.faults.pause(true);
            life.world.stage.clock.jump(31 * 86_400);
            calls.reconcile().await.map_err(|e| format!("{e:?}"))?;
            let again = calls.reconcile().await.map_err(|e| format!("{e:?}"))?;
            if again != farebox_calls::Reconciled::default() {
                return Err(format!("a second round of the reconciler did {again:?}"));
            }
            life.world.verdict(&life.db, died).await
        })
    }

    async fn verdict(&self, db: &farebox_db::Db, died: u64) -> Result<Report, String> {
        // All is over: nobody tells the auditor anything any more.
        let nobody = Auditor::new(self.stage.clone(), false, 0);
        let mut auditor = std::mem::replace(&mut *self.auditor.lock(), nobody);
        let is_relaxed = self.settings.durability == Durability::Relaxed;
        let around = Circumstances { lives: died, holds_expired: self.jumps, is_relaxed };
        let ends = verdict::judge(db, &self.stage, &auditor, &around).await?;
        if let Some(problem) = auditor.problem.take() {
            return Err(problem);
        }
        let mut report = Report { requests: auditor.requests.len() as u64, restarts: died - 1, ..Report::default() };
        report.faults = self.faults.injected();
        for request in &auditor.requests {
            let name = request.saw.as_ref().map_or_else(|| "never told: the process died".to_owned(), Saw::name);
            *report.outcomes.entry(name).or_default() += 1;
        }
        report.log = std::mem::take(&mut auditor.log);
        report.log.extend(ends);
        Ok(report)
    }
}
