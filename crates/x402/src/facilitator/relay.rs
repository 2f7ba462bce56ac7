//! What a facilitator does for the channels of other servers: puts their orders on chain and tells what came of them.
//!
//! Amounts are in the token's smallest unit.
//! Invariant: a refund is never signed here. Whoever asks for one can't be told from the payer, who would take back what
//! its vouchers have promised.

use super::channels::Claim;
use super::{Promised, Settlement};
use crate::Refusal;
use crate::evm::{ChannelConfig, EcdsaSignature};
use alloy_primitives::{Address, U256};
use uuid::Uuid;

/// The most claims in one transaction.
pub const CLAIMS_MAX: usize = 100;

/// Something to do with channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Presents vouchers.
    Claim {
        claims: Vec<Claim>,
        /// Of the channels' authorizer; `None` has the facilitator's own key sign.
        signature: Option<EcdsaSignature>,
    },
    /// Pays a receiver what was claimed.
    Sweep { receiver: Address, token: Address },
    /// Gives a payer back what was not claimed.
    Refund(Box<SignedRefund>),
}

/// A refund that the channel's authorizer has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRefund {
    pub channel: ChannelConfig,
    pub amount: u128,
    pub nonce: U256,
    /// Claimed first, in the same transaction.
    pub claims: Vec<Claim>,
    /// As in `ChannelOrder::Claim`.
    pub claim_signature: Option<EcdsaSignature>,
    /// Without it there is no refund.
    pub signature: Option<EcdsaSignature>,
}

/// What a receiver has of all its channels in one token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Income {
    pub claimed: u128,
    /// Of that, what was paid out.
    pub paid: u128,
}

/// The orders of other servers, on one network.
pub trait ChannelRelay: Send + Sync {
    /// Does it, at most once for one `id`. What is sure to be reverted is refused and not sent.
    fn relay<'a>(&'a self, id: Uuid, order: &'a ChannelOrder) -> Promised<'a, Settlement>;

    /// What a receiver has.
    fn income(&self, receiver: Address, token: Address) -> Promised<'_, Result<Income, Refusal>>;

    /// What a sweep or a refund has moved, by its transaction's receipt; `None` where there is none.
    fn moved<'a>(&'a self, transaction: &'a str) -> Promised<'a, Option<u128>>;
}
