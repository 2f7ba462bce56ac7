//! A deterministic simulation of the ledger: one seed decides accounts, operations, amounts, faults and clock jumps.
//!
//! The real ledger runs on SQLite inside one thread under a paused clock; an auditor in plain memory says which
//! outcomes are permitted. A failing seed fails the same way each time.

pub mod auditor;
pub mod faults;
pub mod workload;

use auditor::Auditor;
use farebox_base::{ManualClock, Rng, SeededRng, Timestamp};
use farebox_db::{Db, NoFaults};
use faults::SeededFaults;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use workload::{Operation, Workload, perform};

/// What a seed did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub operations: u64,
    pub faults: u64,
    pub restarts: u64,
    /// How often each outcome came up.
    pub outcomes: BTreeMap<String, u64>,
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

/// A folder in memory where the machine has one, because the simulation is about order and not about disks.
fn scratch() -> Result<tempfile::TempDir, String> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.map_err(|e| e.to_string())
}

struct World<'a> {
    file: &'a Path,
    db: Option<Db>,
    clock: ManualClock,
    faults: Arc<SeededFaults>,
    auditor: Auditor,
    report: Report,
}

async fn simulate(seed: u64, steps: u64, file: &Path) -> Result<Report, String> {
    let rng = SeededRng::new(seed);
    let mut world = World {
        file,
        db: None,
        clock: ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)),
        faults: Arc::new(SeededFaults::new(rng.next_u64(), rng.below(12))),
        auditor: Auditor::default(),
        report: Report::default(),
    };
    let setup = Db::sqlite(file, Arc::new(NoFaults)).map_err(|e| e.to_string())?;
    setup.migrate().await.map_err(|e| e.to_string())?;
    drop(setup);
    world.reopen()?;
    let mut workload = Workload::new(&rng);
    for step in 0..steps {
        let operation = workload.next(&rng, &world.auditor);
        world.step(&operation).await.map_err(|e| format!("seed {seed}, step {step}, {operation:?}: {e}"))?;
        if rng.below(25) == 0 {
            world.reopen()?;
            world.report.restarts += 1;
        }
        if step % 10 == 9 {
            world.verify().await.map_err(|e| format!("seed {seed}, step {step}: {e}"))?;
        }
    }
    world.calm().await.map_err(|e| format!("seed {seed}, after the faults stopped: {e}"))?;
    world.report.faults = world.faults.injected();
    Ok(world.report)
}

impl World<'_> {
    /// Drops everything in memory and opens the file again, as after a restart.
    fn reopen(&mut self) -> Result<(), String> {
        self.db = None;
        self.db = Some(Db::sqlite(self.file, self.faults.clone()).map_err(|e| e.to_string())?);
        Ok(())
    }

    fn db(&self) -> Result<Db, String> {
        self.db.clone().ok_or_else(|| "no database is open".to_owned())
    }

    /// Performs the operation until its outcome is known, and holds that against the auditor.
    async fn step(&mut self, operation: &Operation) -> Result<(), String> {
        if let Operation::Wait { seconds } = operation {
            self.clock.advance(Duration::from_secs(*seconds));
        }
        let db = self.db()?;
        let (now, mut unsure) = (farebox_base::Clock::now(&self.clock), false);
        for _ in 0..100 {
            match perform(&db, operation, now).await {
                Ok(outcome) => {
                    self.auditor.judge(operation, &outcome, unsure, now)?;
                    *self.report.outcomes.entry(outcome.name().to_owned()).or_default() += 1;
                    self.report.operations += 1;
                    self.report.log.push(format!("{operation:?} {outcome:?}"));
                    return Ok(());
                }
                Err(error) => {
                    unsure |= error.code == farebox_db::COMMIT_UNKNOWN;
                    self.report.log.push(format!("{operation:?} failed: {}", error.code));
                }
            }
        }
        Err("did not come to an outcome in 100 tries".to_owned())
    }

    /// The ledger's own invariants, and every balance against the auditor's.
    async fn verify(&mut self) -> Result<(), String> {
        self.faults.pause(true);
        let result = verify(&self.db()?, &self.auditor).await;
        self.faults.pause(false);
        result
    }

    /// Liveness: when faults stop and time passes, all holds resolve, and a second round changes nothing.
    async fn calm(&mut self) -> Result<(), String> {
        self.faults.pause(true);
        self.clock.advance(Duration::from_secs(1_000_000));
        self.step(&Operation::Expire).await?;
        if self.auditor.open_holds() != 0 {
            return Err("holds are open after their time".to_owned());
        }
        let now = farebox_base::Clock::now(&self.clock);
        let again = farebox_ledger::hold::holds_expire(&self.db()?, now, 1_000).await;
        if again.map_err(|e| format!("{e:?}"))? != 0 {
            return Err("a second round of expiry released something".to_owned());
        }
        verify(&self.db()?, &self.auditor).await
    }
}

async fn verify(db: &Db, auditor: &Auditor) -> Result<(), String> {
    for finding in farebox_ledger::check::check(db).await.map_err(|e| format!("{e:?}"))? {
        if finding.broken != 0 {
            return Err(format!("{}: broken by {:?}", finding.invariant, finding.examples));
        }
    }
    for (account, expected) in auditor.balances() {
        let found = farebox_ledger::balance::balance_get(db, account).await.map_err(|e| format!("{e:?}"))?;
        if (found.posted, found.held) != (expected.posted, expected.held) {
            return Err(format!("{account}: the ledger says {found:?}, the auditor {expected:?}"));
        }
    }
    Ok(())
}
