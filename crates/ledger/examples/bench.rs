//! Transfers per second, durable: `bench sqlite FOLDER [SECONDS]` or `bench postgres URL [SECONDS]`; what one commit
//! takes: `bench commit FOLDER`. See bench/README.md.
//!
//! Each transfer takes from a buyer with a floor and gives to a seller; every commit is on disk before it counts.

use farebox_base::{Clock, Error, ListingId, Micros, PartyId, Result, SystemClock, SystemRng, Ticks};
use farebox_db::{Db, GroupCommit, GroupLimits, GroupWriter, Isolation, NoFaults, Rows, Tx, sql};
use farebox_ledger::batch::{self, NothingSetAside};
use farebox_ledger::{AccountId, Batch, ChainId, Done, Leg, Operation, Outcome, Transfer, TransferKind};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

const AMOUNT: i64 = 100;
const FUNDS: i64 = 1_000_000_000_000;

/// Who pays whom.
#[derive(Clone, Copy)]
struct Accounts {
    name: &'static str,
    buyers: u128,
    sellers: u128,
}

const HOT: Accounts = Accounts { name: "one buyer, one seller", buyers: 1, sellers: 1 };
const HOT_SELLER: Accounts = Accounts { name: "16 buyers, one seller", buyers: 16, sellers: 1 };
const SPREAD: Accounts = Accounts { name: "2000 buyers, 200 sellers", buyers: 2_000, sellers: 200 };

#[derive(Clone)]
struct Bench {
    db: Db,
    clock: Arc<SystemClock>,
    time: Duration,
}

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match (&words[..], runtime) {
        (["commit", folder], Ok(runtime)) => runtime.block_on(commit(folder)),
        ([engine @ ("sqlite" | "postgres"), place, rest @ ..], Ok(runtime)) => {
            let seconds = rest.first().and_then(|text| text.parse().ok()).unwrap_or(3);
            runtime.block_on(run(engine, place, Duration::from_secs(seconds)))
        }
        _ => Err(Error::internal("usage: bench sqlite FOLDER [SECONDS] | postgres URL [SECONDS] | commit FOLDER")),
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

/// Only what a commit takes.
async fn commit(folder: &str) -> Result<()> {
    let db = Db::sqlite(&Path::new(folder).join("bench.db"), Arc::new(NoFaults))?;
    db.migrate().await?;
    let bench = Bench { db, clock: Arc::default(), time: Duration::ZERO };
    say(&format!("commit of one row to this disk: median {} us", bench.commit_us().await?));
    Ok(())
}

async fn run(engine: &str, place: &str, time: Duration) -> Result<()> {
    let db = match engine {
        "sqlite" => Db::sqlite(&Path::new(place).join("bench.db"), Arc::new(NoFaults))?,
        _ => Db::postgres(place, 8, Arc::new(NoFaults))?,
    };
    db.migrate().await?;
    let bench = Bench { db, clock: Arc::default(), time };
    for accounts in [HOT, HOT_SELLER, SPREAD] {
        bench.fund(accounts).await?;
    }
    if engine == "sqlite" {
        say(&format!("commit of one row: median {} us", bench.commit_us().await?));
        for batch in [1, 100, 1_000, 10_000] {
            for accounts in [HOT, SPREAD] {
                let rate = bench.batches(accounts, batch).await?;
                say(&format!("batches of {batch:>6}, {:<26} {rate:>9} transfers/s", accounts.name));
            }
        }
        let rate = bench.plain(1_000).await?;
        say(&format!("floor: plain rows and guarded update, batches of 1000 {rate:>9} transfers/s"));
    }
    for (clients, each) in [(16, 1), (16, 16), (16, 64)] {
        let (rate, groups) = bench.clients(HOT_SELLER, clients, each).await?;
        let name = HOT_SELLER.name;
        say(&format!("{clients} clients, {each:>3} at a time, {name:<22} {rate:>9} transfers/s in {groups} commits/s"));
    }
    let findings = farebox_ledger::check::check(&bench.db).await?;
    match findings.iter().find(|finding| finding.broken != 0) {
        Some(finding) => Err(Error::internal(format!("{}: {:?}", finding.invariant, finding.examples))),
        None => {
            say("the books balance");
            Ok(())
        }
    }
}

impl Bench {
    fn since(&self, before: Ticks) -> Duration {
        self.clock.ticks().since(before)
    }

    fn transfers(&self, accounts: Accounts, count: usize, from: usize) -> Vec<Operation> {
        (from..from + count).map(|n| self.transfer(accounts, n as u128)).collect()
    }

    fn transfer(&self, accounts: Accounts, n: u128) -> Operation {
        let party = |n: u128| PartyId::from_uuid(uuid::Uuid::from_u128(n));
        let buyer = AccountId::funded(party(accounts.buyers * 1_000_000 + n % accounts.buyers));
        let seller = AccountId::earnings(party(7_000_000 + n % accounts.sellers));
        Operation::Transfer(Transfer {
            id: farebox_base::TransferId::generate(&*self.clock, &SystemRng).to_string(),
            kind: TransferKind::Call,
            legs: vec![
                Leg { account: buyer, amount: Micros::new(-AMOUNT) },
                Leg { account: seller, amount: Micros::new(AMOUNT) },
            ],
            listing: Some(ListingId::from_uuid(uuid::Uuid::from_u128(9_000_000 + n % accounts.sellers))),
            memo: "Weather".to_owned(),
        })
    }

    async fn fund(&self, accounts: Accounts) -> Result<()> {
        let party = |n: u128| PartyId::from_uuid(uuid::Uuid::from_u128(n));
        let fund = |n: u128| {
            let to = AccountId::funded(party(accounts.buyers * 1_000_000 + n));
            let legs = vec![
                Leg { account: AccountId::outside("bench"), amount: Micros::new(-FUNDS) },
                Leg { account: to, amount: Micros::new(FUNDS) },
            ];
            let id = format!("fund-{}-{n}", accounts.buyers);
            Operation::Transfer(Transfer {
                id,
                kind: TransferKind::AdminGrant,
                legs,
                listing: None,
                memo: String::new(),
            })
        };
        let operations: Vec<Operation> = (0..accounts.buyers).map(fund).collect();
        let chain = ChainId::SHARED;
        let (now, set_aside) = (self.clock.now(), &NothingSetAside);
        batch::apply(&self.db, Batch { operations: &operations, chain, now, ids_are_new: false, set_aside }).await?;
        Ok(())
    }

    /// The least that a durable commit takes, for comparison.
    async fn commit_us(&self) -> Result<u128> {
        let mut took = Vec::new();
        for n in 0..200_i64 {
            let mut tx = self.db.begin(Isolation::ReadCommitted).await?;
            let name = format!("bench-{n}");
            let insert = sql!("INSERT INTO change_counter (scope, version) VALUES ($1, 1)");
            tx.execute(insert, &[(&name).into()]).await?;
            let before = self.clock.ticks();
            tx.commit().await?;
            took.push(self.clock.ticks().since(before).as_micros());
        }
        took.sort_unstable();
        Ok(took[took.len() / 2])
    }

    /// One caller that hands over whole batches.
    async fn batches(&self, accounts: Accounts, size: usize) -> Result<u64> {
        let chain = ChainId::begin(&self.db).await?;
        let (mut done, before) = (0, self.clock.ticks());
        // What callers do on other threads is done on another thread here too.
        let prepared = |from| {
            let bench = self.clone();
            tokio::task::spawn_blocking(move || bench.transfers(accounts, size, from))
        };
        let mut next = prepared(0);
        while self.since(before) < self.time {
            let operations = std::mem::replace(&mut next, prepared(done + size)).await;
            let operations = operations.map_err(|e| Error::internal(e.to_string()))?;
            let (now, set_aside) = (self.clock.now(), &NothingSetAside);
            let batch = Batch { operations: &operations, chain, now, ids_are_new: true, set_aside };
            let applied = batch::apply(&self.db, batch).await?;
            if applied.done.iter().any(|done| *done != Done::Transfer(Outcome::Created)) {
                return Err(Error::internal("a transfer was not made"));
            }
            done += size;
            drop(tokio::task::spawn_blocking(move || drop(operations)));
        }
        Ok(rate(done as u64, self.since(before)))
    }

    /// The same entries without a ledger around them: two rows and a guarded update for each transfer.
    async fn plain(&self, size: usize) -> Result<u64> {
        const NUMBERED_FROM: i64 = 1 << 60;
        let account = AccountId::funded(PartyId::from_uuid(uuid::Uuid::from_u128(HOT.buyers * 1_000_000)));
        let (mut done, before) = (0_usize, self.clock.ticks());
        while self.since(before) < self.time {
            let (mut rows, mut moves) = (Rows::default(), Rows::default());
            for n in done..done + size {
                for (leg, amount) in [(1, -AMOUNT), (2, AMOUNT)] {
                    let no = NUMBERED_FROM + 2 * n as i64 + leg;
                    rows.push([no.into(), "plain".into(), account.text().into(), amount.into()]);
                }
                moves.push([account.text().into(), 0.into()]);
            }
            let mut tx = self.db.begin(Isolation::ReadCommitted).await?;
            const ENTRY: &str =
                sql!("INSERT INTO entry (no, transfer_id, account_id, amount, created_at) VALUES ($1, $2, $3, $4, 0)");
            tx.execute_many(ENTRY, &rows).await?;
            const MOVE: &str =
                sql!("UPDATE balance SET posted = posted - $2 WHERE account_id = $1 AND posted - held - $2 >= floor");
            tx.execute_many(MOVE, &moves).await?;
            tx.commit().await?;
            done += size;
        }
        let took = self.since(before);
        let mut tx = self.db.begin(Isolation::ReadCommitted).await?;
        tx.execute(sql!("DELETE FROM entry WHERE no > $1"), &[NUMBERED_FROM.into()]).await?;
        tx.commit().await?;
        Ok(rate(done as u64, took))
    }

    /// Clients that each wait for the commit of what they sent before they send more.
    async fn clients(&self, accounts: Accounts, clients: usize, each: usize) -> Result<(u64, u64)> {
        let chain = ChainId::begin(&self.db).await?;
        let commits = Arc::new(AtomicU64::new(0));
        let group = Arc::new(Group { clock: self.clock.clone(), chain, commits: commits.clone() });
        let limits = GroupLimits { group_max: 4_096, window: Duration::ZERO };
        let writer = GroupWriter::start("bench-writer", self.db.clone(), group, limits)?;
        let (before, mut tasks) = (self.clock.ticks(), Vec::new());
        for client in 0..clients {
            let (writer, time) = (writer.clone(), self.time);
            let bench = Bench { db: self.db.clone(), clock: self.clock.clone(), time };
            tasks.push(tokio::spawn(async move {
                let mut done = 0_u64;
                while bench.since(before) < time {
                    let mut answers = Vec::with_capacity(each);
                    for _ in 0..each {
                        let (to, answer) = oneshot::channel();
                        let _ = writer.send((bench.transfer(accounts, client as u128), to));
                        answers.push(answer);
                    }
                    for answer in answers {
                        done += u64::from(answer.await == Ok(Done::Transfer(Outcome::Created)));
                    }
                }
                done
            }));
        }
        let mut done = 0;
        for task in tasks {
            done += task.await.unwrap_or_default();
        }
        let rates = (rate(done, self.since(before)), rate(commits.load(Ordering::Relaxed), self.since(before)));
        writer.stop().await;
        Ok(rates)
    }
}

fn rate(done: u64, took: Duration) -> u64 {
    u64::try_from(u128::from(done) * 1_000_000 / took.as_micros().max(1)).unwrap_or(u64::MAX)
}

struct Group {
    clock: Arc<SystemClock>,
    chain: ChainId,
    commits: Arc<AtomicU64>,
}

impl GroupCommit for Group {
    type Work = (Operation, oneshot::Sender<Done>);
    type Done = Done;

    async fn apply_in(&self, tx: &mut Tx, work: &[Self::Work], again: bool) -> Result<Vec<Done>> {
        let operations: Vec<Operation> = work.iter().map(|(operation, _)| operation.clone()).collect();
        let (now, set_aside) = (self.clock.now(), &NothingSetAside);
        let batch = Batch { operations: &operations, chain: self.chain, now, ids_are_new: !again, set_aside };
        Ok(batch::apply_in(tx, batch).await?.done)
    }

    fn committed(&self, work: Vec<Self::Work>, done: Vec<Done>) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        for ((_, to), done) in work.into_iter().zip(done) {
            let _ = to.send(done);
        }
    }

    fn refused(&self, _: Self::Work, error: Error) -> Option<Self::Work> {
        say(&format!("refused: {}", error.internal.unwrap_or(error.message)));
        None
    }
}
