//! Wallets over the ledger: what a party has to spend, where it came from, grants and bonuses.
//!
//! Decides which accounts pay for a call and in which order. Deposits by card and chain, plans, invoices,
//! settlements and payouts join with their issues. Moves money only through `farebox_ledger`.

mod grant;
mod wallet;

pub use grant::{BonusClaim, Grant};
pub use wallet::{CreditLine, SourceBalance, WalletBalances, spend_sources};

use farebox_base::Clock;
use farebox_db::Db;
use std::sync::Arc;

/// The wallets of all parties. Cheap to clone.
#[derive(Clone)]
pub struct Wallets {
    db: Db,
    clock: Arc<dyn Clock>,
}

impl Wallets {
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }
}
