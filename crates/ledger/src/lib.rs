//! The book: accounts, immutable transfers, holds in two phases, and the check that all of it agrees.
//!
//! Owns the tables `account`, `balance`, `transfer`, `entry` and `hold`. Knows neither calls nor listings nor
//! doors; who may move what is decided above.
//!
//! Invariants, all verified by [`check`]:
//! - the entries of a transfer sum to zero, so all entries do;
//! - a stored balance is the sum of the account's entries, what is held is the sum of its open holds;
//! - no account falls below its floor: the guarded update in the database decides, never a read before it;
//! - a transfer or hold id takes effect once; the same id with other content is a `Mismatch`;
//! - a hold resolves once, to a posting of at most what it held or to nothing.

pub mod account;
pub mod balance;
pub mod batch;
pub mod check;
pub mod hold;
pub mod statement;
pub mod transfer;

pub use account::{AccountId, AccountKind};
pub use balance::{Balance, Prepaid};
pub use batch::{Batch, ChainId, Done, Operation, SetAside};
pub use hold::{Hold, HoldOutcome, Post, PostOutcome};
pub use transfer::{Leg, Outcome, Transfer, TransferKind};
