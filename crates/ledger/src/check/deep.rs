//! The deep check: computes the hash of every batch again from the transfers and entries that are stored, and the digest
//! of every transfer, and compares. Reads the book once, in pages; names what was changed.
//!
//! What it cannot see: newest batches that were cut off a chain together with all that they wrote. Who keeps the heads
//! that a check prints can compare.

mod reader;

use super::Finding;
use crate::batch::{ChainId, first_number, seal};
use crate::transfer::digest_of;
use farebox_base::Result;
use farebox_db::{Db, sql};
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
    let mut heads = Vec::new();
    let mut done = 0;
    for row in db.query(sql!("SELECT id, seq, entries FROM chain ORDER BY id"), &[]).await? {
        let (chain, seq, entries): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut more = |more| {
            done += more;
            progress(done);
        };
        let hash = check_chain(db, &mut tallies, [chain, seq, entries], &mut more).await?;
        heads.push(Head { chain, seq, entries, hash });
    }
    let stray = sql!(
        "SELECT e.transfer_id FROM entry e WHERE NOT EXISTS (SELECT 1 FROM chain c
           WHERE e.no > c.id * 17592186044416 AND e.no <= c.id * 17592186044416 + c.entries) ORDER BY e.no"
    );
    for row in db.query(stray, &[]).await? {
        tallies.numbers.breach(format!("transfer {} has an entry of no chain", row.get::<&str>(0)?));
    }
    Ok(Deep { findings: vec![tallies.batches.0, tallies.transfers.0, tallies.numbers.0], heads })
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
    let (mut before, mut done, mut number) = (Vec::new(), 0, 0);
    let batches = sql!("SELECT seq, entries, hash FROM batch WHERE chain = $1 ORDER BY seq");
    for row in db.query(batches, &[chain.into()]).await? {
        let (this, until): (i64, i64) = (row.get(0)?, row.get(1)?);
        let hash: Vec<u8> = row.get(2)?;
        number += 1;
        if this != number {
            tallies.numbers.breach(format!("batch {number} of chain {chain} is missing"));
            number = this;
        }
        let read = reader.until(first + until).await?;
        check_batch(tallies, Batch { chain, seq: this, before: &before, hash: &hash, wanted: until - done }, &read);
        progress(until - done);
        (before, done) = (hash, until);
    }
    if (number, done) != (seq, entries) {
        let end = format!("chain {chain} ends at batch {number} and entry {done}, not {seq} and {entries}");
        tallies.numbers.breach(end);
    }
    Ok(before.iter().map(|byte| format!("{byte:02x}")).collect())
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
