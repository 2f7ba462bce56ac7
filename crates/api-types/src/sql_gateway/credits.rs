//! What a wallet has in all, and bringing more in.

use crate::SixDecimals;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a wallet can spend.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WalletCredits {
    pub agent_wallet: String,
    /// USDC, what is reserved among it.
    pub balance: SixDecimals,
    /// USDC that is held for queries under way.
    pub reserved: SixDecimals,
    /// USDC that can be spent now.
    pub available: SixDecimals,
}

/// Narrows a wallet's credits.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreditQuery {
    /// Only what can be spent at this provider; newer clients write it as `publisherId`.
    #[serde(alias = "publisherId")]
    pub provider_id: Option<Uuid>,
}

/// Brings money in by a signed payment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreditDepositRequest {
    /// USDC, as a decimal text.
    #[schemars(example = &"1.50")]
    pub amount: String,
    /// The provider that it is for, `publisherId` for newer clients; without one it can be spent at all of them.
    #[serde(alias = "publisherId")]
    pub provider_id: Option<Uuid>,
}

/// The money is there.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreditDepositResponse {
    pub message: String,
    /// USDC that came in.
    pub deposited: SixDecimals,
    pub balance: WalletCredits,
    /// The hash of the transaction that paid.
    pub transaction: String,
}

/// Names a transaction that sent money to the gateway's address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmDepositRequest {
    /// The wallet whose money it was, and that may spend it.
    pub agent_wallet: String,
    /// `0x` and 64 hex digits.
    pub tx_hash: String,
    /// USDC that was sent, as a decimal text; exactly what the transaction moved.
    #[schemars(example = &"1.50")]
    pub amount: String,
    /// The provider that it is for, `publisherId` for newer clients; without one it can be spent at all of them.
    #[serde(alias = "publisherId")]
    pub provider_id: Option<Uuid>,
}
