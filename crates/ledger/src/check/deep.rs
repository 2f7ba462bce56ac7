//! The deep check: computes the hash of every batch again from the transfers and entries that are stored, and the digest
//! of every transfer, and compares. Reads the book once, in pages; names what was changed, and what cannot be read.
//!
//! What it cannot see: newest batches that were cut off a chain together with all that they wrote. Who keeps the heads
//! that a check prints can compare.

mod reader;

use super::{Finding, why};
use crate::batch::{ChainId, first_number, seal};
use crate::transfer::digest_of;
use farebox_base::{Kind, Result};
use farebox_db::{Db, Row, sql};
use reader::{Reader, Stored, StoredTransfer};

/// Breaches that are named.
const EXAMPLES_MAX: usize = 10;

/// The end of a chain, for whoever wants to compare it with an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub chain: i64,
    /// Number of the newest batch.
    pub seq: i64,
    pub entries: i64,
    /// Hexadecimal; empty where the chain has only what is older than chains.
    pub hash: String,
}

/// What the deep check found.
#[derive(Clone, Debug)]
pub struct Deep {
    pub findings: Vec<Finding>,
    pub heads: Vec<Head>,
}

/// Checks every chain. `progress` is told how many entries are done.
pub async fn check_deep(db: &Db, mut progress: impl FnMut(i64)) -> Result<Deep> {
    let mut tallies = Tallies {
        batches: Tally::new("the hash of each batch is that of its transfers and entries and of the batch before"),
        transfers: Tally::new("the digest of each transfer is that of its entries"),
        numbers: Tally::new("each chain's batches and entries are numbered without a gap"),
    };
    let (mut heads, mut done) = (Vec::new(), 0_i64);
    let chains = tallies.numbers.kept("the list of chains", chains(db).await)?;
    for [chain, seq, entries] in chains.unwrap_or_default() {
        let mut more = |more: i64| {
            done = done.saturating_add(more);
            progress(done);
        };
        let checked = check_chain(db, &mut tallies, [chain, seq, entries], &mut more).await;
        if let Some(hash) = tallies.batches.kept(&format!("chain {chain}"), checked)? {
            heads.push(Head { chain, seq, entries, hash });
        }
    }
    let strays = tallies.numbers.kept("what is an entry of no chain", strays(db).await)?;
    for transfer in strays.unwrap_or_default() {
        tallies.numbers.breach(format!("transfer {transfer} has an entry of no chain"));
    }
    Ok(Deep { findings: vec![tallies.batches.0, tallies.transfers.0, tallies.numbers.0], heads })
}

/// Each chain with the number of its newest batch and of its entries.
async fn chains(db: &Db) -> Result<Vec<[i64; 3]>> {
    let rows = db.query(sql!("SELECT id, seq, entries FROM chain ORDER BY id"), &[]).await?;
    rows.iter().map(|row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).collect()
}

/// The transfers of entries that no chain has.
async fn strays(db: &Db) -> Result<Vec<String>> {
    let strays = sql!(
        "SELECT e.transfer_id FROM entry e WHERE NOT EXISTS (SELECT 1 FROM chain c
           WHERE e.no > c.id * 17592186044416 AND e.no <= c.id * 17592186044416 + c.entries) ORDER BY e.no"
    );
    db.query(strays, &[]).await?.iter().map(|row| Ok(row.get(0)?)).collect()
}

struct Tallies {
    batches: Tally,
    transfers: Tally,
    numbers: Tally,
}

struct Tally(Finding);

impl Tally {
    fn new(invariant: &'static str) -> Self {
        Self(Finding { invariant, checked: 0, broken: 0, examples: Vec::new() })
    }

    fn breach(&mut self, example: String) {
        self.0.broken += 1;
        if self.0.examples.len() < EXAMPLES_MAX {
            self.0.examples.push(example);
        }
    }

    /// What was read; `None`, and a breach, where it cannot be read.
    ///
    /// # Errors
    /// Where the database is away.
    fn kept<T>(&mut self, what: &str, read: Result<T>) -> Result<Option<T>> {
        match read {
            Err(error) if error.kind != Kind::Unavailable => {
                self.breach(format!("{what} cannot be read: {}", why(error)));
                Ok(None)
            }
            read => read.map(Some),
        }
    }
}

/// Checks a chain's batches in order; answers the newest hash.
async fn check_chain(
    db: &Db,
    tallies: &mut Tallies,
    [chain, seq, entries]: [i64; 3],
    progress: &mut impl FnMut(i64),
) -> Result<String> {
    let first = first_number(ChainId::of(chain));
    let mut reader = Reader::new(db, first);
    let (mut before, mut done, mut number) = (Vec::new(), 0_i64, 0);
    let batches = sql!("SELECT seq, entries, hash FROM batch WHERE chain = $1 ORDER BY seq");
    for row in db.query(batches, &[chain.into()]).await? {
        number += 1;
        let recorded = tallies.batches.kept(&format!("batch {number} of chain {chain}"), recorded(&row))?;
        let Some((this, until, hash)) = recorded else { continue };
        if this != number {
            tallies.numbers.breach(format!("batch {number} of chain {chain} is missing"));
            number = this;
        }
        let read = reader.until(first.saturating_add(until)).await?;
        for gap in reader.gaps_read() {
            tallies.batches.breach(format!("batch {this} of chain {chain}: {gap}"));
        }
        let wanted = until.saturating_sub(done);
        check_batch(tallies, Batch { chain, seq: this, before: &before, hash: &hash, wanted }, &read);
        progress(wanted);
        (before, done) = (hash, until);
    }
    if (number, done) != (seq, entries) {
        let end = format!("chain {chain} ends at batch {number} and entry {done}, not {seq} and {entries}");
        tallies.numbers.breach(end);
    }
    Ok(before.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Number, last entry and hash of a batch.
fn recorded(row: &Row) -> Result<(i64, i64, Vec<u8>)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// A batch as it is recorded.
struct Batch<'a> {
    chain: i64,
    seq: i64,
    before: &'a [u8],
    hash: &'a [u8],
    /// How many entries it has.
    wanted: i64,
}

fn check_batch(tallies: &mut Tallies, batch: Batch<'_>, entries: &[Stored]) {
    let Batch { chain, seq, before, hash, wanted } = batch;
    let is_older_than_chains = hash.is_empty() && chain == 0 && seq == 1;
    tallies.batches.0.checked += 1;
    tallies.numbers.0.checked += 1;
    let ids = [entries.first(), entries.last()].map(|entry| entry.map_or("none", |entry| &entry.transfer_id));
    if entries.len() as i64 != wanted {
        let there = format!("batch {seq} of chain {chain} has {} of its {wanted} entries", entries.len());
        tallies.numbers.breach(format!("{there}, transfers {} to {}", ids[0], ids[1]));
    }
    let mut computed = seal(chain, seq, before);
    for legs in entries.chunk_by(|a, b| a.transfer_id == b.transfer_id) {
        let id = &legs[0].transfer_id;
        let Some(transfer) = &legs[0].transfer else {
            tallies.transfers.breach(format!("{id} (its row is missing)"));
            continue;
        };
        tallies.transfers.0.checked += 1;
        if !is_older_than_chains && !is_as_asked(transfer, legs) {
            tallies.transfers.breach(id.clone());
        }
        computed.transfer(&transfer.sealed(id));
        for leg in legs {
            computed.entry(&leg.account, leg.amount, [leg.balance_after, leg.prev, Some(leg.at)]);
        }
    }
    if !is_older_than_chains && computed.finish() != hash {
        tallies.batches.breach(format!("batch {seq} of chain {chain}: transfers {} to {}", ids[0], ids[1]));
    }
}

/// Whether the entries are those that the digest stands for: all of them, or of a posting the credits.
fn is_as_asked(transfer: &StoredTransfer, legs: &[Stored]) -> bool {
    let asked = legs.iter().filter(|leg| transfer.hold_id.is_none() || leg.amount > 0);
    let asked = asked.map(|leg| (leg.account.as_str(), leg.amount)).collect();
    let (hold, listing) = (transfer.hold_id.as_deref(), transfer.listing_id.as_deref());
    digest_of(&transfer.kind, hold, listing, asked)[..] == transfer.digest[..]
}
