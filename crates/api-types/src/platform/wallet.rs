//! The wallet: balances by kind and source, and bonuses.

use crate::{AtomicAmount, DecimalAmount, Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

wire_enum! {
    /// Money that was paid in, or money that was given and is spent first.
    WalletBalanceKind { Funded = "funded", Promotional = "promotional" }
}

wire_enum! {
    /// Where money in a wallet came from.
    AgentCreditSource {
        FiatPurchase = "fiat_purchase",
        SignupBonus = "signup_bonus",
        PaymentMethodBonus = "payment_method_bonus",
        DailyClaim = "daily_claim",
        ReferralReward = "referral_reward",
        AdminGrant = "admin_grant",
        PromoCode = "promo_code",
        TierBonus = "tier_bonus",
        Refund = "refund",
        PublisherPayout = "publisher_payout",
        TransferIn = "transfer_in",
        TransferRecall = "transfer_recall",
        TransferRefund = "transfer_refund",
    }
}

/// What a wallet holds. Every amount is there twice: `_atomic` in millionths, `_usd` as decimal text.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WalletBalanceResponse {
    /// The wallet's address, or the name of its account where no wallet was proven.
    pub wallet_address: String,
    /// All that can be spent at any seller.
    pub balance_atomic: AtomicAmount,
    pub balance_usd: DecimalAmount,
    pub funded_balance_atomic: AtomicAmount,
    pub funded_balance_usd: DecimalAmount,
    pub promotional_balance_atomic: AtomicAmount,
    pub promotional_balance_usd: DecimalAmount,
    pub by_source: Vec<WalletSourceBalance>,
    /// What was brought in for the calls of one seller each. It is no part of `balance_*` and is spent before it. Left out, as
    /// the two after it are, where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepaid_balance_atomic: Option<AtomicAmount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepaid_balance_usd: Option<DecimalAmount>,
    /// The same seller by seller, the most first; at most 50 of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepaid: Option<Vec<WalletPrepaidBalance>>,
    /// All that was ever bought with cards, in cents.
    pub total_purchases_cents: i64,
    pub total_purchases_usd: DecimalAmount,
    /// Whether the owner can get back in after losing every key.
    pub has_recovery: bool,
    pub recovery_warning: Option<String>,
    /// Transfers that arrived and were not acknowledged.
    pub unread_received_transfers: Vec<ReceivedTransferNotificationSummary>,
}

/// The part of a wallet that came from one source.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WalletSourceBalance {
    pub source: AgentCreditSource,
    pub kind: WalletBalanceKind,
    pub balance_atomic: AtomicAmount,
    pub balance_usd: DecimalAmount,
}

/// Money that pays for calls of one seller and nothing else.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WalletPrepaidBalance {
    /// The seller's organization.
    pub seller_id: Uuid,
    pub balance_atomic: AtomicAmount,
    pub balance_usd: DecimalAmount,
    /// What it can be spent on: the seller's active publishers, the newest first; at most 20 of them.
    pub publishers: Vec<WalletPrepaidPublisher>,
}

/// A publisher whose calls prepaid money pays for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WalletPrepaidPublisher {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
}

/// A transfer that another user sent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReceivedTransferNotificationSummary {
    pub notification_id: Uuid,
    pub transfer_id: Uuid,
    pub amount_atomic: AtomicAmount,
    pub amount_usd: DecimalAmount,
    pub sender_display_name: String,
    pub sender_email: String,
    pub received_at: Time,
}

/// A bonus that was claimed just now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BonusClaimResponse {
    pub success: bool,
    pub amount_atomic: AtomicAmount,
    pub amount_usd: DecimalAmount,
    #[schemars(example = &"signup_bonus")]
    pub bonus_type: String,
}
