//! What a receiver does with payment channels: looks at them, claims what vouchers promise, and gives the rest back.
//!
//! Amounts are in the token's smallest unit. Each step has an `id` under which it is done at most once, as settlements
//! are; claims are cumulative, so that doing one again under another `id` moves nothing more.

use super::{Promised, Settlement};
use crate::Refusal;
use crate::evm::{ChannelConfig, ChannelId, EcdsaSignature};
use alloy_primitives::{Address, U256};
use uuid::Uuid;

/// What the chain knows of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelOnChain {
    /// Deposited and neither refunded nor withdrawn; what was claimed is part of it.
    pub balance: u128,
    /// Promised by vouchers that were presented.
    pub total_claimed: u128,
    /// What the payer has begun to withdraw; takes effect when the channel's delay is over.
    pub withdrawal: Option<Withdrawal>,
    /// The next refund's number.
    pub refund_nonce: U256,
}

/// A withdrawal that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    pub amount: u128,
    /// Unix time in seconds.
    pub begun_at_s: u64,
}

/// The last voucher of a channel and how much of it is claimed in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub channel: ChannelConfig,
    /// What was signed.
    pub max_claimable: u128,
    pub signature: EcdsaSignature,
    /// Not more than what was signed.
    pub total_claimed: u128,
}

/// A refund of what is left in a channel, after its vouchers are claimed in the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: Uuid,
    pub channel: ChannelConfig,
    pub amount: u128,
    pub nonce: U256,
    /// Of this channel; nothing where all is claimed.
    pub claim: Option<Claim>,
}

/// The channels of one network in which this server is the receiver's authorizer.
pub trait Channels: Send + Sync {
    /// Who signs claims and refunds; what offers name as `receiverAuthorizer`.
    fn authorizer(&self) -> Address;

    /// Whether the contract of channels is on the network, as far as it is known.
    fn is_ready(&self) -> bool;

    /// The state of each, in the order asked; one that was never used is all zero. Money that came in counts once it is as
    /// deep as settlements have to be.
    fn states<'a>(&'a self, ids: &'a [ChannelId]) -> Promised<'a, Result<Vec<ChannelOnChain>, Refusal>>;

    /// Presents vouchers, at least one and at most 100, all of them or none.
    fn claim<'a>(&'a self, id: Uuid, claims: &'a [Claim]) -> Promised<'a, Settlement>;

    /// Has the receiver paid what was claimed of all channels and is still with the contract.
    fn sweep<'a>(&'a self, id: Uuid, receiver: Address, token: Address) -> Promised<'a, Settlement>;

    /// Gives the payer back what was not claimed.
    fn refund<'a>(&'a self, refund: &'a Refund) -> Promised<'a, Settlement>;
}
