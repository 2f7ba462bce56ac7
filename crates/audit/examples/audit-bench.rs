//! Pages of a long audit log beside those of a short one: `audit-bench sqlite FOLDER [LINES]` or
//! `audit-bench postgres URL [LINES]`. See bench/README.md.
//!
//! The organisation that reads has nine lines of ten. Half of its lines are of one actor and the other half of one action,
//! and the two never meet: to look for both is the worst that a filter can ask for.

use farebox_audit::{Actor, AuditLog, AuditParts, Filter, NewLine, Page, Status, check_deep};
use farebox_base::{Clock, Error, PartyId, Result, Rng, SeededRng, SystemClock, SystemRng, Timestamp, UserId};
use farebox_db::{Db, NoFaults, sql};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

const SHORT: u64 = 1_000;
const LONG: u64 = 1_000_000;
/// Lines that are handed in before the first of them is waited for.
const AHEAD: u64 = 2_000;
/// How often a page is read; the median counts.
const READINGS: usize = 41;

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match (&words[..], runtime) {
        ([engine @ ("sqlite" | "postgres"), place, rest @ ..], Ok(runtime)) => {
            let lines = rest.first().and_then(|text| text.parse().ok()).unwrap_or(LONG);
            runtime.block_on(run(engine, place, lines))
        }
        _ => Err(Error::internal("usage: audit-bench sqlite FOLDER [LINES] | postgres URL [LINES]")),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{}: {}", error.message, error.internal.unwrap_or_default()));
            std::process::ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

async fn run(engine: &str, place: &str, lines: u64) -> Result<()> {
    let db = match engine {
        "sqlite" => Db::sqlite(&Path::new(place).join("audit.db"), Arc::new(NoFaults))?,
        _ => Db::postgres(place, 16, Arc::new(NoFaults))?,
    };
    db.migrate().await?;
    let bench = Bench { clock: Arc::default(), dice: SeededRng::new(3), db, began: SystemClock::default().now() };
    let short = bench.at(SHORT).await?;
    let before = bench.clock.ticks();
    let long = bench.at(lines).await?;
    let seconds = bench.clock.ticks().since(before).as_secs_f64();
    let [few, many] = [SHORT, lines].map(|lines| format!("{lines} lines"));
    say(&format!("\n{:<58}{few:>14}{many:>14}{:>8}", "median time of a page of 50", "ratio"));
    for (name, long) in &long {
        let Some((_, short)) = short.iter().find(|(other, _)| other == name) else { continue };
        let ratio = *long as f64 / (*short).max(1) as f64;
        say(&format!("{name:<58}{short:>11} us{long:>11} us{ratio:>8.2}"));
    }
    say(&format!("\nfilled with {:.0} lines/s, the pages' time included", (lines - SHORT) as f64 / seconds));
    if engine == "sqlite" {
        let bytes = std::fs::metadata(Path::new(place).join("audit.db")).map_or(0, |file| file.len());
        say(&format!("the file has {} bytes for each line", bytes / lines.max(1)));
    }
    let processes: &[usize] = if engine == "sqlite" { &[1] } else { &[1, 4] };
    for processes in processes {
        bench.waiting(*processes).await?;
    }
    let before = bench.clock.ticks();
    let broken: i64 = check_deep(&bench.db, |_| {}).await?.findings.iter().map(|finding| finding.broken).sum();
    say(&format!("checked in {:.1} s: {broken} breaches", bench.clock.ticks().since(before).as_secs_f64()));
    Ok(())
}

struct Bench {
    db: Db,
    clock: Arc<SystemClock>,
    dice: SeededRng,
    began: Timestamp,
}

fn id(kind: u128, n: u64) -> Uuid {
    Uuid::from_u128((kind << 64) | u128::from(n))
}

fn reader() -> PartyId {
    PartyId::from_uuid(id(1, 0))
}

impl Bench {
    fn log(&self) -> Result<AuditLog> {
        AuditLog::start(AuditParts { db: self.db.clone(), clock: self.clock.clone(), rng: Arc::new(SystemRng) })
    }

    fn line(&self, n: u64) -> NewLine {
        let is_busy = n.is_multiple_of(2);
        let kind = if is_busy { self.dice.below(20) + 1 } else { 0 };
        let status = match self.dice.below(20) {
            0 => Status::Denied,
            1 | 2 => Status::Failure,
            _ => Status::Success,
        };
        NewLine {
            party: Some(if self.dice.below(10) == 0 { PartyId::from_uuid(id(1, 1)) } else { reader() }),
            actor: Actor::User(UserId::from_uuid(id(2, if is_busy { 0 } else { self.dice.below(50) + 1 }))),
            action: format!("action_{kind}"),
            category: format!("category_{}", kind / 8),
            resource_type: format!("type_{}", kind / 2),
            resource_id: Some(id(3, self.dice.below(200))),
            status,
            error: None,
            address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36".to_owned()),
            request_id: Some(format!("{:016x}", self.dice.next_u64())),
            metadata: serde_json::Map::from_iter([
                ("door".to_owned(), "platform".into()),
                ("path".to_owned(), "/organizations/{organization_id}/publishers".into()),
                ("http_status".to_owned(), 201.into()),
            ]),
        }
    }

    async fn length(&self) -> Result<u64> {
        let row = self.db.one(sql!("SELECT lines FROM audit_head WHERE id = 0"), &[]).await?;
        let lines: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(u64::try_from(lines).unwrap_or(0))
    }

    /// Fills the log up to a length, and measures.
    async fn at(&self, lines: u64) -> Result<Vec<(String, u64)>> {
        let log = self.log()?;
        let mut length = self.length().await?;
        while length < lines {
            let more = AHEAD.min(lines - length);
            let waiting: Vec<_> = (0..more).map(|n| log.record(self.line(length + n))).collect();
            for written in waiting {
                written.await;
            }
            length += more;
        }
        self.pages(&log).await
    }

    async fn pages(&self, log: &AuditLog) -> Result<Vec<(String, u64)>> {
        let all = Filter::default;
        let word = |text: &str| Some(text.to_owned());
        let half = Timestamp::from_micros(i64::midpoint(self.began.micros(), self.clock.now().micros()));
        let filters = [
            ("everything", all()),
            ("a busy actor", Filter { actor: Some(id(2, 0)), ..all() }),
            ("a busy action", Filter { action: word("action_0"), ..all() }),
            ("a category", Filter { category: word("category_1"), ..all() }),
            ("a status", Filter { status: Some(Status::Denied), ..all() }),
            ("a resource", Filter { resource_id: Some(id(3, 77)), ..all() }),
            (
                "an actor's resource type that failed",
                Filter { actor: Some(id(2, 0)), resource_type: word("type_3"), status: Some(Status::Failure), ..all() },
            ),
            (
                "an actor and an action that never meet",
                Filter { actor: Some(id(2, 0)), action: word("action_0"), ..all() },
            ),
            ("the first half of the time", Filter { until: Some(half), ..all() }),
        ];
        let mut read = Vec::new();
        for (name, filter) in filters {
            let first = Page { limit: 50, offset: 0 };
            let total = log.list(reader(), &filter, first).await?.total;
            let deep = Page { limit: 50, offset: (total - 50).max(0) };
            read.push((format!("{name}, first page"), self.median(log, &filter, first).await?));
            if total > 0 {
                read.push((format!("{name}, last page"), self.median(log, &filter, deep).await?));
            }
        }
        Ok(read)
    }

    async fn median(&self, log: &AuditLog, filter: &Filter, page: Page) -> Result<u64> {
        let mut times = Vec::with_capacity(READINGS);
        for _ in 0..READINGS {
            let before = self.clock.ticks();
            log.list(reader(), filter, page).await?;
            times.push(u64::try_from(self.clock.ticks().since(before).as_micros()).unwrap_or(u64::MAX));
        }
        times.sort_unstable();
        Ok(times.get(READINGS / 2).copied().unwrap_or_default())
    }

    /// What requests wait for their lines: of each process 16 at a time, each for its own line, for two seconds.
    async fn waiting(&self, processes: usize) -> Result<()> {
        let (done, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let waited = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..processes {
            let log = self.log()?;
            for client in 0..16 {
                let (log, done, over, waited, clock) =
                    (log.clone(), done.clone(), over.clone(), waited.clone(), self.clock.clone());
                let line = self.line(client);
                clients.spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        let before = clock.ticks();
                        log.record(line.clone()).await;
                        let micros = clock.ticks().since(before).as_micros();
                        waited.fetch_add(u64::try_from(micros).unwrap_or(0), Ordering::Relaxed);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        over.store(true, Ordering::Relaxed);
        clients.join_all().await;
        let (done, waited) = (done.load(Ordering::Relaxed), waited.load(Ordering::Relaxed));
        say(&format!(
            "{processes} processes with 16 requests each: {:>6} lines/s, each waits {} us",
            done / 2,
            waited / done.max(1)
        ));
        Ok(())
    }
}
