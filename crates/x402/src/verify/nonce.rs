//! What may be spent once, as text.

use std::fmt;

use alloy_primitives::{Address, B256, U256};

use crate::evm::{ChannelId, deposit_nonce};
use crate::offer::Offer;
use crate::payment::{Funding, Payment};

/// Names what a payment spends. Two payments that a chain would not both take have the same key: an EIP-3009 nonce
/// belongs to token and payer, a Permit2 nonce to the payer whatever the token and scheme, a voucher to its channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NonceKey(String);

impl NonceKey {
    /// What a payment spends, before anything of it is verified.
    pub fn of(offer: &Offer, payment: &Payment) -> Self {
        match payment {
            Payment::Eip3009 { authorization, .. } => Self::eip3009(offer, authorization.from, authorization.nonce),
            Payment::Permit2 { permit, .. } | Payment::Upto { permit, .. } => {
                Self::permit2(offer, permit.from, permit.nonce)
            }
            Payment::Voucher(signed) | Payment::Deposit { voucher: signed, .. } => {
                Self::voucher(offer, signed.voucher.channel, signed.voucher.max_claimable)
            }
            Payment::Refund { voucher: signed, .. } => {
                Self::refund(offer, signed.voucher.channel, signed.voucher.max_claimable)
            }
        }
    }

    /// What settling it spends on chain, before anything of it is verified: of a deposit the nonce of its money, where
    /// [`NonceKey::of`] names its voucher.
    pub fn of_settlement(offer: &Offer, payment: &Payment) -> Self {
        match payment {
            Payment::Deposit { voucher, funding, .. } => match funding.as_ref() {
                Funding::Eip3009 { salt, .. } => {
                    Self::eip3009(offer, voucher.channel.payer, deposit_nonce(voucher.voucher.channel, *salt))
                }
                Funding::Permit2 { permit, .. } => Self::permit2(offer, permit.from, permit.nonce),
            },
            _ => Self::of(offer, payment),
        }
    }

    pub(super) fn eip3009(offer: &Offer, payer: Address, nonce: B256) -> Self {
        let (chain, token) = (offer.network().chain_id(), offer.token().address());
        Self(format!("eip3009:{chain}:{token:x}:{payer:x}:{nonce:x}"))
    }

    pub(super) fn permit2(offer: &Offer, payer: Address, nonce: U256) -> Self {
        Self(format!("permit2:{}:{payer:x}:{nonce:x}", offer.network().chain_id()))
    }

    pub(super) fn voucher(offer: &Offer, channel: ChannelId, cumulative: u128) -> Self {
        Self(format!("voucher:{}:{:x}:{cumulative}", offer.network().chain_id(), channel.get()))
    }

    pub(super) fn refund(offer: &Offer, channel: ChannelId, cumulative: u128) -> Self {
        Self(format!("refund:{}:{:x}:{cumulative}", offer.network().chain_id(), channel.get()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
