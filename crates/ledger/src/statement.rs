//! Statements: what moved on a party's spendable accounts, newest first.
//!
//! A party's wallet is its funded, promotional and prepaid accounts; earnings are stated elsewhere. Nothing here reads
//! more than the lines or entries that it shows, and up to a day's entries before them: lines are kept up to date by
//! each batch, and an account's entries are followed from the newest back.

mod days;
mod transfers;
mod walk;

pub use transfers::{AccountLine, AccountPage, account_lines, account_page};
pub use walk::spendable;

use farebox_base::{Error, Micros};
use farebox_base::{ListingId, PartyId, Result, Timestamp};
use farebox_db::Db;

const DAY_MICROS: i64 = 86_400_000_000;

/// Which lines of a wallet to read.
#[derive(Clone, Debug)]
pub struct WalletQuery {
    pub party: PartyId,
    /// Inclusive; the day that it is in counts whole.
    pub from: Timestamp,
    /// Exclusive; the day that it is in counts whole, if it is not the day's beginning.
    pub until: Timestamp,
    /// One line per call; otherwise the calls of a day and listing make one line.
    pub each_call: bool,
    /// Only lines after this one, in the order of the list.
    pub after: Option<LineKey>,
    pub limit: i64,
    pub offset: i64,
}

impl WalletQuery {
    /// The days that are asked for: the first, and the one after the last.
    fn days(&self) -> (i64, i64) {
        let until = self.until.micros();
        (self.from.micros().div_euclid(DAY_MICROS), until.div_euclid(DAY_MICROS) + i64::from(until % DAY_MICROS != 0))
    }
}

/// The place of a line in the list: newest first, then by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineKey {
    pub at: Timestamp,
    /// [`WalletLine::key`].
    pub key: String,
}

/// One line of a wallet's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletLine {
    /// The transfer's id; of a day's line, its listing and day.
    pub id: String,
    /// Tells lines of one time apart; for [`LineKey`].
    pub key: String,
    /// A transfer's kind, or `usage` for a day's line.
    pub kind: String,
    pub listing: Option<ListingId>,
    pub memo: String,
    /// Negative: spent.
    pub amount: Micros,
    /// What the wallet had after it; only in a list of single transfers.
    pub balance_after: Option<Micros>,
    /// Of a day's line: when its first transfer was made.
    pub at: Timestamp,
    /// How many transfers the line stands for.
    pub transfers: i64,
}

/// A page of a wallet's lines.
///
/// # Errors
/// `Invalid` naming the cursor where `after` is no key of such a list.
pub async fn wallet_lines(db: &Db, query: &WalletQuery) -> Result<Vec<WalletLine>> {
    if query.each_call { transfers::lines(db, query).await } else { days::lines(db, query).await }
}

/// How many lines [`wallet_lines`] has in all, without its limit, offset and cursor.
pub async fn wallet_lines_count(db: &Db, query: &WalletQuery) -> Result<i64> {
    let (lines, transfers) = days::counts(db, query).await?;
    Ok(if query.each_call { transfers } else { lines })
}

fn bad_cursor() -> Error {
    Error::invalid("cursor", "must be the next_cursor of an earlier reply")
}
