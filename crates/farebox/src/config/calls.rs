//! `[calls]`: the paid call.

use super::Net;
use super::check::{Broken, at_least, at_most, broken};
use super::text;
use farebox_base::Micros;
use serde::{Deserialize, Serialize};

/// Openings and closings in one commit: more would only make each one wait longer.
const GROUP_COMMIT_MOST: usize = 10_000;
/// Each running call may hold as much in memory: 64 MiB.
const REPLY_BUFFER_MOST_BYTES: usize = 64 << 20;
const REPLY_QUIET_MOST_MS: u64 = 10_000;
/// What a buyer has may be spent by another process meanwhile.
const BALANCE_FRESH_MOST_MS: u64 = 60_000;

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    pub hold_ttl_s: u64,
    pub idempotency_ttl_s: u64,
    pub idempotent_body_bytes: usize,
    pub group_commit_max: usize,
    pub reply_buffer_bytes: usize,
    pub reply_quiet_ms: u64,
    pub in_flight_max: usize,
    pub in_flight_buyer_max: usize,
    pub durability: Durability,
    #[serde(with = "text::amount")]
    pub unsecured_max_usdc: Micros,
    pub balance_fresh_ms: u64,
}

/// When a reply leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// When what it costs is on disk.
    Full,
    /// At once, where its buyer has plenty.
    Relaxed,
}

impl Calls {
    /// A hold that ends before its call could leave the call unpaid.
    pub(super) fn check(&self, net: &Net) -> Result<(), Broken> {
        if self.hold_ttl_s.saturating_mul(1_000) <= net.total_timeout_ms {
            let rule = format!("must be longer than net.total_timeout_ms, which is {} ms", net.total_timeout_ms);
            return broken("calls.hold_ttl_s", rule);
        }
        at_least("calls.idempotency_ttl_s", self.idempotency_ttl_s, self.hold_ttl_s)?;
        at_least("calls.group_commit_max", self.group_commit_max, 1)?;
        at_most("calls.group_commit_max", self.group_commit_max, GROUP_COMMIT_MOST)?;
        at_most("calls.reply_buffer_bytes", self.reply_buffer_bytes, REPLY_BUFFER_MOST_BYTES)?;
        at_most("calls.reply_quiet_ms", self.reply_quiet_ms, REPLY_QUIET_MOST_MS)?;
        at_most("calls.balance_fresh_ms", self.balance_fresh_ms, BALANCE_FRESH_MOST_MS)?;
        at_least("calls.in_flight_max", self.in_flight_max, 1)?;
        at_least("calls.in_flight_buyer_max", self.in_flight_buyer_max, 1)
    }
}
