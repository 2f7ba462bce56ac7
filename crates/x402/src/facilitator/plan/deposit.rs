//! A deposit into a payment channel, put on chain by the collector of its method.

use super::{Plan, Way, key_signature};
use crate::chain::abi::channels::{
    self, BATCH_SETTLEMENT, ChannelConfig, ERC3009_COLLECTOR, PERMIT2_COLLECTOR, erc3009_deposit, permit2_deposit,
};
use crate::chain::abi::{Deposited, Transfer};
use crate::evm::deposit_nonce;
use crate::facilitator::nonce::ChainNonce;
use crate::offer::Offer;
use crate::payment::{Funding, SignedVoucher};
use crate::{Reason, Refusal};
use alloy_primitives::{Bytes, U256};

/// Twice what a first deposit takes.
const GAS: u64 = 400_000;

pub(super) fn plan(offer: &Offer, signed: &SignedVoucher, amount: U256, funding: &Funding) -> Result<Plan, Refusal> {
    let deposit = u128::try_from(amount)
        .map_err(|_| Refusal::mismatch(Reason::InvalidPayload, "payload.deposit.amount", "at most 128 bits", amount))?;
    let (token, payer, channel) = (offer.token().address(), signed.channel.payer, signed.voucher.channel);
    let (way, collector, data, nonce, to) = match funding {
        Funding::Eip3009 { valid_after, valid_before, salt, signature } => {
            let signature = Bytes::from(key_signature(signature, Reason::DepositSignature)?.to_bytes());
            let data = erc3009_deposit(*valid_after, *valid_before, U256::from_be_bytes(salt.0), &signature);
            let nonce = ChainNonce::Eip3009 { token, payer, nonce: deposit_nonce(channel, *salt) };
            (Way::DepositEip3009, ERC3009_COLLECTOR, data, nonce, ERC3009_COLLECTOR)
        }
        Funding::Permit2 { permit, signature } => {
            let signature = Bytes::from(key_signature(signature, Reason::DepositPermit2Signature)?.to_bytes());
            let data = permit2_deposit(permit.nonce, permit.deadline, &signature);
            let nonce = ChainNonce::Permit2 { payer, nonce: permit.nonce };
            (Way::DepositPermit2, PERMIT2_COLLECTOR, data, nonce, BATCH_SETTLEMENT)
        }
    };
    Ok(Plan {
        way,
        to: BATCH_SETTLEMENT,
        data: channels::deposit(&ChannelConfig::from(&signed.channel), deposit, collector, &data).into(),
        gas_limit: GAS,
        nonce,
        transfer: Transfer { token, from: payer, to, value: amount },
        deposited: Some(Deposited { channel: channel.get(), amount: deposit }),
    })
}

/// The reason that a contract's own words stand for, nonces apart.
pub(super) fn reverted(words: &str) -> Reason {
    const KNOWN: &[(&str, Reason)] = &[
        ("exceeds balance", Reason::ChannelInsufficientBalance),
        ("authorization is not yet valid", Reason::DepositValidAfter),
        ("authorization is expired", Reason::DepositValidBefore),
        ("invalid signature", Reason::DepositSignature),
        ("SignatureExpired", Reason::DepositPermit2Deadline),
        ("InvalidSigner", Reason::DepositPermit2Signature),
        ("InvalidSignature", Reason::DepositPermit2Signature),
        ("TRANSFER_FROM_FAILED", Reason::DepositPermit2Allowance),
        ("WithdrawDelayOutOfRange", Reason::ChannelWithdrawDelayRange),
        ("ZeroDeposit", Reason::DepositTooSmall),
    ];
    let known = KNOWN.iter().find(|(part, _)| words.contains(part));
    known.map_or(Reason::DepositTransactionFailed, |(_, reason)| *reason)
}
