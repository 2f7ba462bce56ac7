//! A signed payment, in terms of neither version: what the payer has promised and the proof of it.

use alloy_primitives::{Address, B256, U256};

use crate::evm::{
    Authorization, ChannelConfig, Permit, ReceiveAuthorization, Signature, Voucher, Witness, contracts, deposit_nonce,
};

/// What came in `payload`. Nothing in it has been checked against an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// `exact` by EIP-3009.
    Eip3009 { authorization: Authorization, signature: Signature },
    /// `exact` by Permit2; the witness is `Witness::Exact`.
    Permit2 { permit: Permit, signature: Signature },
    /// `upto`; the witness is `Witness::Upto`.
    Upto { permit: Permit, signature: Signature },
    /// `batch-settlement` from what is in the channel.
    Voucher(SignedVoucher),
    /// `batch-settlement` with money for the channel.
    Deposit { voucher: SignedVoucher, amount: U256, funding: Box<Funding> },
    /// The payer asks for what is left of a channel, or for part of it.
    Refund { voucher: SignedVoucher, amount: Option<U256> },
}

/// A voucher with the channel that it is drawn on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVoucher {
    pub channel: ChannelConfig,
    pub voucher: Voucher,
    pub signature: Signature,
}

/// How the money of a deposit comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Funding {
    /// Times in seconds since the epoch; the nonce follows from channel and salt.
    Eip3009 {
        valid_after: U256,
        valid_before: U256,
        salt: B256,
        signature: Signature,
    },
    Permit2 {
        permit: Permit,
        signature: Signature,
    },
}

impl Payment {
    /// Who pays. Only a claim until the signature is checked.
    pub const fn payer(&self) -> Address {
        match self {
            Self::Eip3009 { authorization, .. } => authorization.from,
            Self::Permit2 { permit, .. } | Self::Upto { permit, .. } => permit.from,
            Self::Voucher(voucher) | Self::Deposit { voucher, .. } | Self::Refund { voucher, .. } => {
                voucher.channel.payer
            }
        }
    }

    /// Whether only the chain can check the payer's signature.
    pub fn is_smart_wallet(&self) -> bool {
        match self {
            Self::Eip3009 { signature, .. } | Self::Permit2 { signature, .. } | Self::Upto { signature, .. } => {
                signature.is_smart_wallet()
            }
            Self::Voucher(voucher) | Self::Refund { voucher, .. } => voucher.signature.is_smart_wallet(),
            Self::Deposit { voucher, funding, .. } => {
                voucher.signature.is_smart_wallet() || funding.signature().is_smart_wallet()
            }
        }
    }

    /// When it stops being good, in Unix seconds; `None` for what is good as long as its channel.
    pub fn ends_s(&self) -> Option<i64> {
        let ends = match self {
            Self::Eip3009 { authorization, .. } => authorization.valid_before,
            Self::Permit2 { permit, .. } | Self::Upto { permit, .. } => permit.deadline,
            Self::Deposit { funding, .. } => match &**funding {
                Funding::Eip3009 { valid_before, .. } => *valid_before,
                Funding::Permit2 { permit, .. } => permit.deadline,
            },
            Self::Voucher(_) | Self::Refund { .. } => return None,
        };
        Some(i64::try_from(ends).unwrap_or(i64::MAX))
    }

    /// What kind of payload it is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Eip3009 { .. } => "an eip3009 authorization",
            Self::Permit2 { .. } => "a permit2 authorization",
            Self::Upto { .. } => "an upto permit2 authorization",
            Self::Voucher(_) => "a voucher",
            Self::Deposit { .. } => "a deposit",
            Self::Refund { .. } => "a refund",
        }
    }
}

impl Funding {
    pub const fn signature(&self) -> &Signature {
        match self {
            Self::Eip3009 { signature, .. } | Self::Permit2 { signature, .. } => signature,
        }
    }
}

impl SignedVoucher {
    /// The authorization that a deposit by EIP-3009 stands for.
    pub fn receive_authorization(
        &self,
        amount: U256,
        valid_after: U256,
        valid_before: U256,
        salt: B256,
    ) -> ReceiveAuthorization {
        ReceiveAuthorization(Authorization {
            from: self.channel.payer,
            to: contracts::EIP3009_DEPOSIT_COLLECTOR,
            value: amount,
            valid_after,
            valid_before,
            nonce: deposit_nonce(self.voucher.channel, salt),
        })
    }

    /// The permit that a deposit by Permit2 has to be.
    pub fn deposit_permit(&self, token: Address, amount: U256, nonce: U256, deadline: U256) -> Permit {
        Permit {
            from: self.channel.payer,
            token,
            amount,
            spender: contracts::PERMIT2_DEPOSIT_COLLECTOR,
            nonce,
            deadline,
            witness: Witness::Deposit { channel: self.voucher.channel },
        }
    }
}
