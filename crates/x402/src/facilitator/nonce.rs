//! The nonces that payments spend on chain, and how a chain is asked whether one is spent.

use crate::chain::abi::permit2::{PERMIT2, is_nonce_spent, nonce_bitmap};
use crate::chain::abi::token::authorization_state;
use crate::chain::abi::{flag, word};
use crate::chain::rpc::{Call, CallAt};
use alloy_primitives::{Address, B256, U256};

/// A nonce with the contract that keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ChainNonce {
    /// Kept by the token (EIP-3009).
    Eip3009 { token: Address, payer: Address, nonce: B256 },
    /// Kept by Permit2, whatever the token.
    Permit2 { payer: Address, nonce: U256 },
}

impl ChainNonce {
    /// Whether Permit2 moves what it is for.
    pub(super) const fn is_of_permit2(&self) -> bool {
        matches!(self, Self::Permit2 { .. })
    }

    /// The question, for a batch.
    pub(super) fn question(&self) -> Call {
        self.question_at(CallAt::Latest)
    }

    pub(super) fn question_at(&self, at: CallAt) -> Call {
        match *self {
            Self::Eip3009 { token, payer, nonce } => Call::read_at(token, &authorization_state(payer, nonce), at),
            Self::Permit2 { payer, nonce } => Call::read_at(PERMIT2, &nonce_bitmap(payer, nonce), at),
        }
    }

    /// Whether the answer says that it is spent or cancelled; `None` where the answer is none.
    pub(super) fn is_spent(&self, answer: &[u8]) -> Option<bool> {
        match *self {
            Self::Eip3009 { .. } => flag(answer),
            Self::Permit2 { nonce, .. } => word(answer, 0).map(|word| is_nonce_spent(word, nonce)),
        }
    }
}
