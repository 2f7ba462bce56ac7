//! What the paid call needs around it, and its limits.

use crate::channel::ClaimRule;
use crate::payment::Payments;
use farebox_base::{Clock, Micros, Rng};
use farebox_db::Db;
use farebox_upstream::http::Timeouts;
use farebox_upstream::sql::SqlLimits;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What calls are made of.
pub struct CallsParts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub client: farebox_net::Client,
    pub payments: Payments,
    pub settings: CallSettings,
}

/// The named limits of a call.
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// How long a hold lives; longer than any call may take.
    pub hold_ttl: Duration,
    /// How long the answer to an idempotency key is kept.
    pub idempotency_ttl: Duration,
    /// How long settlements for other servers are remembered after their end, and twice as long the transactions of gas
    /// wallets. Longer than any signature is good.
    pub settlements_kept: Duration,
    /// The largest request and reply body of a call with an idempotency key.
    pub idempotent_body_bytes: usize,
    /// How long the body of a call with an idempotency key may take to arrive.
    pub body_patience: Duration,
    /// Replies up to this size are read whole before they are answered.
    pub reply_buffer_bytes: usize,
    /// A reply of unknown length that pauses this long is passed on as a stream.
    pub reply_quiet: Duration,
    /// Calls at one time; more are refused with 503.
    pub in_flight_max: usize,
    /// Calls of one buyer at one time; more are refused with 429.
    pub in_flight_buyer_max: usize,
    /// Holds and postings that share one commit.
    pub group_commit_max: usize,
    /// How much of one buyer's money running calls may have set aside in memory instead of held in the store; the most
    /// that its sellers can lose to another process that spends it meanwhile. Zero: every call is held in the store.
    pub unsecured_max: Micros,
    /// How long what a buyer has is believed without asking the store again.
    pub balance_fresh: Duration,
    pub durability: Durability,
    /// When what vouchers promise is claimed on chain.
    pub claims: ClaimRule,
    /// The largest request body that is forwarded.
    pub request_bytes_max: u64,
    pub timeouts: Timeouts,
    pub sql_limits: SqlLimits,
    /// Where SQLite files that are listed as databases lie; `None`: none are.
    pub sqlite_folder: Option<PathBuf>,
}

/// When a small reply to a call that is not held in the store leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// After its posting is on disk.
    #[default]
    Full,
    /// At once; a loss of power or a killed process costs its seller the postings of the last few milliseconds, a disk
    /// that stays full at most `unsecured_max` of each buyer. Nobody is charged twice.
    Relaxed,
}

/// How long postings that nobody waits for are collected for one commit.
const RELAXED_WINDOW: Duration = Duration::from_millis(2);

impl CallSettings {
    pub(crate) fn group_window(&self) -> Duration {
        match self.durability {
            Durability::Full => Duration::ZERO,
            Durability::Relaxed => RELAXED_WINDOW,
        }
    }
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            hold_ttl: Duration::from_secs(1_020),
            idempotency_ttl: Duration::from_secs(86_400),
            settlements_kept: Duration::from_secs(30 * 86_400),
            idempotent_body_bytes: 1 << 20,
            body_patience: Duration::from_secs(30),
            reply_buffer_bytes: 64 << 10,
            reply_quiet: Duration::from_millis(25),
            in_flight_max: 10_000,
            in_flight_buyer_max: 2_500,
            group_commit_max: 512,
            unsecured_max: Micros::new(5_000_000),
            balance_fresh: Duration::from_secs(1),
            durability: Durability::Full,
            claims: ClaimRule::default(),
            request_bytes_max: 8 << 30,
            timeouts: Timeouts::default(),
            sql_limits: SqlLimits::default(),
            sqlite_folder: None,
        }
    }
}
