//! The wallet's history.

use crate::{AtomicAmount, DecimalAmount, Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// Into the wallet or out of it.
    WalletTransactionDirection { Credit = "credit", Debit = "debit" }
}

/// Narrows and pages the history.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct WalletTransactionsQuery {
    /// How many to show at most: 50 unless told, never more than 100.
    pub limit: Option<i64>,
    /// How many to skip; a cursor is better, because it does not shift when something new happens.
    pub offset: Option<i64>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Whether each paid call is shown; otherwise calls are summed up by day and publisher.
    #[serde(default)]
    pub include_usage: bool,
    /// Whether `total` must be counted to the last one.
    #[serde(default)]
    pub exact_total: bool,
    /// The first day to show, `YYYY-MM-DD`, from midnight UTC.
    #[schemars(example = &"2026-03-01")]
    pub start_date: Option<String>,
    /// The day to stop before, `YYYY-MM-DD`, at midnight UTC.
    #[schemars(example = &"2026-04-01")]
    pub end_date: Option<String>,
}

/// Which days to export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WalletExportQuery {
    /// The first day to export, `YYYY-MM-DD`, from midnight UTC.
    #[schemars(example = &"2026-03-01")]
    pub start_date: Option<String>,
    /// The day to stop before, `YYYY-MM-DD`, at midnight UTC.
    #[schemars(example = &"2026-04-01")]
    pub end_date: Option<String>,
}

/// One page of the history, newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WalletTransactionHistoryResponse {
    pub transactions: Vec<WalletTransactionResponse>,
    pub total: i64,
    /// False where `total` is only a lower bound.
    pub total_is_exact: bool,
    pub limit: i64,
    pub offset: i64,
    /// Leads to the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// One movement. Amounts are positive; `direction` says which way they went.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WalletTransactionResponse {
    pub id: Uuid,
    pub direction: WalletTransactionDirection,
    /// Where a credit came from, or what a debit was for.
    pub source: String,
    pub amount_atomic: AtomicAmount,
    pub amount_usd: DecimalAmount,
    /// The balance right after this movement; null where movements are summed up.
    pub balance_after_atomic: Option<AtomicAmount>,
    pub balance_after_usd: Option<DecimalAmount>,
    /// What is left of a credit that is spent by and by.
    pub remaining_atomic: Option<AtomicAmount>,
    pub remaining_usd: Option<DecimalAmount>,
    /// Of a purchase: what was paid for.
    pub paid_amount_usd: Option<DecimalAmount>,
    /// Of a purchase: what was given on top.
    pub bonus_amount_usd: Option<DecimalAmount>,
    pub description: Option<String>,
    pub publisher_id: Option<Uuid>,
    pub publisher_name: Option<String>,
    /// Something that the owner should look at.
    pub alert: Option<String>,
    /// What the owner could do next.
    pub prompt: Option<String>,
    /// When a promotional credit ends.
    pub expires_at: Option<Time>,
    pub created_at: Time,
}
