//! A deterministic simulation of the ledger: one seed decides accounts, operations, batches, amounts, faults and clocks.
//!
//! The real ledger runs on SQLite inside one thread under a paused clock; an auditor in plain memory says which
//! outcomes are permitted. A failing seed fails the same way each time.

pub mod auditor;
pub mod model;
pub mod statements;
pub mod tampering;
pub mod workload;

use auditor::Auditor;
use farebox_base::{Rng, SeededRng, Timestamp};
use farebox_db::{Db, NoFaults};
use farebox_ledger::ChainId;
use farebox_testkit::faults::{SeededFaults, scratch};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use workload::{Action, Answer, START, Workload, name, perform};

/// Chains that a life of the process writes to, beside the shared one.
const CHAINS: u64 = 3;

/// What a seed did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub operations: u64,
    pub restarts: u64,
    pub faults: BTreeMap<&'static str, u64>,
    /// How often each outcome came up.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// One line per step; two runs of a seed must have the same.
    pub log: Vec<String>,
}

/// Runs a seed for `steps` operations.
///
/// # Errors
/// The first disagreement between the ledger, the auditor and the invariants, with the step it happened at.
pub fn run(seed: u64, steps: u64) -> Result<Report, String> {
    let folder = scratch()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(simulate(seed, steps, &folder.path().join("book.db")))
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
    let step = first.log.iter().zip(&second.log).position(|(a, b)| a != b);
    Err(format!("seed {seed} does not replay: the runs differ at step {step:?}"))
}

struct World<'a> {
    file: &'a Path,
    db: Option<Db>,
    chains: Vec<ChainId>,
    clock: Timestamp,
    faults: Arc<SeededFaults>,
    auditor: Auditor,
    workload: Workload,
    report: Report,
}

async fn simulate(seed: u64, steps: u64, file: &Path) -> Result<Report, String> {
    let rng = SeededRng::new(seed);
    let setup = Db::sqlite(file, Arc::new(NoFaults)).map_err(|e| e.to_string())?;
    setup.migrate().await.map_err(|e| e.to_string())?;
    drop(setup);
    let mut world = World {
        file,
        db: None,
        chains: vec![ChainId::SHARED],
        clock: START,
        faults: Arc::new(SeededFaults::new(rng.next_u64(), rng.below(120))),
        auditor: Auditor::default(),
        workload: Workload::new(&rng),
        report: Report::default(),
    };
    world.reopen(&rng).await?;
    for step in 0..steps {
        let action = world.workload.next(&rng, world.auditor.book());
        world.step(&rng, &action).await.map_err(|e| format!("{e}\n  in seed {seed}, step {step}: {action:?}"))?;
        if rng.below(25) == 0 {
            world.reopen(&rng).await?;
            world.report.restarts += 1;
        }
        if step % 10 == 9 {
            world.verify(&rng).await.map_err(|e| format!("{e}\n  in seed {seed}, step {step}"))?;
        }
    }
    world.calm(&rng).await.map_err(|e| format!("{e}\n  in seed {seed}, after the faults stopped"))?;
    world.report.faults = world.faults.injected();
    Ok(world.report)
}

impl World<'_> {
    /// Drops everything in memory and opens the file again, as after a restart.
    async fn reopen(&mut self, rng: &SeededRng) -> Result<(), String> {
        self.db = None;
        let db = Db::sqlite(self.file, self.faults.clone()).map_err(|e| e.to_string())?;
        self.faults.pause(true);
        for _ in 0..rng.below(CHAINS) {
            self.chains.push(ChainId::begin(&db).await.map_err(|e| format!("{e:?}"))?);
        }
        self.faults.pause(false);
        self.db = Some(db);
        Ok(())
    }

    fn db(&self) -> Result<Db, String> {
        self.db.clone().ok_or_else(|| "no database is open".to_owned())
    }

    /// The time as one of several machines sees it, whose clocks differ by up to two seconds.
    fn now(&self, rng: &SeededRng) -> Timestamp {
        self.clock.minus(Duration::from_millis(if rng.below(3) == 0 { rng.below(2_000) } else { 0 }))
    }

    /// Performs the action until its outcome is known, and holds that against the auditor.
    async fn step(&mut self, rng: &SeededRng, action: &Action) -> Result<(), String> {
        self.clock = self.clock.plus(Duration::from_millis(rng.below(1_000)));
        if let Action::Wait { seconds } = action {
            self.clock = self.clock.plus(Duration::from_secs(rng.below(*seconds)));
        }
        let (db, now, mut again) = (self.db()?, self.now(rng), false);
        for _ in 0..100 {
            match perform(&db, &self.chains, action, now, again).await {
                Ok(answer) => {
                    self.auditor.judge(action, &answer, now)?;
                    self.note(action, &answer);
                    return Ok(());
                }
                Err(error) => {
                    if error.code == farebox_db::COMMIT_UNKNOWN {
                        self.auditor.widen(action, now);
                        again = true;
                    }
                    self.report.log.push(format!("{action:?} failed: {}", error.code));
                }
            }
        }
        Err("an operation did not come to an outcome in 100 tries".to_owned())
    }

    fn note(&mut self, action: &Action, answer: &Answer) {
        if let Answer::Done(done) = answer {
            self.report.operations += done.len() as u64;
            for done in done {
                *self.report.outcomes.entry(name(done)).or_default() += 1;
            }
        }
        self.report.log.push(format!("{action:?} {answer:?}"));
    }

    /// The ledger's own invariants, and every balance and statement against the auditor's.
    async fn verify(&mut self, rng: &SeededRng) -> Result<(), String> {
        self.faults.pause(true);
        let (db, book) = (self.db()?, self.auditor.book());
        invariants(&db).await?;
        for (account, expected) in book.balances() {
            let found = farebox_ledger::balance::balance_get(&db, account).await.map_err(|e| format!("{e:?}"))?;
            if found != expected {
                return Err(format!("{account}: the ledger says {found:?}, the auditor {expected:?}"));
            }
        }
        let parties = &self.workload.parties;
        let party = parties[usize::try_from(rng.below(parties.len() as u64)).unwrap_or(0)];
        statements::verify(&db, rng, book, party).await.map_err(|e| format!("the statement of {party}: {e}"))?;
        self.faults.pause(false);
        Ok(())
    }

    /// Liveness: when faults stop and time passes, all holds resolve, and a second round changes nothing.
    async fn calm(&mut self, rng: &SeededRng) -> Result<(), String> {
        self.faults.pause(true);
        self.clock = self.clock.plus(Duration::from_secs(1_000_000));
        self.step(rng, &Action::Expire).await?;
        if self.auditor.book().open_holds() != 0 {
            return Err("holds are open after their time".to_owned());
        }
        let db = self.db()?;
        let again = farebox_ledger::hold::holds_expire(&db, self.clock, 1_000).await;
        if again.map_err(|e| format!("{e:?}"))? != 0 {
            return Err("a second round of expiry released something".to_owned());
        }
        self.verify(rng).await?;
        self.faults.pause(true);
        let deep = farebox_ledger::check::check_deep(&db, |_| ()).await.map_err(|e| format!("{e:?}"))?;
        agree(deep.findings)?;
        tampering::is_noticed(&db, rng).await
    }
}

async fn invariants(db: &Db) -> Result<(), String> {
    agree(farebox_ledger::check::check(db).await.map_err(|e| format!("{e:?}"))?)
}

fn agree(findings: Vec<farebox_ledger::check::Finding>) -> Result<(), String> {
    match findings.into_iter().find(|finding| finding.broken != 0) {
        None => Ok(()),
        Some(finding) => Err(format!("\"{}\" is broken by {:?}", finding.invariant, finding.examples)),
    }
}
