//! `batch-settlement`: channels, the vouchers drawn on them, and deposits into them.

use alloy_primitives::U256;

use super::time::{Reasons, Window};
use super::{Hold, Kind, NonceKey, Verified, check_signer};
use crate::evm::Witness;
use crate::evm::contracts::PERMIT2_DEPOSIT_COLLECTOR;
use crate::network::Method;
use crate::offer::{ChannelTerms, Offer};
use crate::payment::{Funding, SignedVoucher};
use crate::{Reason, Refusal};

const EIP3009_TIMES: Reasons = Reasons { begin: Reason::DepositValidAfter, end: Reason::DepositValidBefore };
const PERMIT2_TIMES: Reasons = Reasons { begin: Reason::DepositPermit2Deadline, end: Reason::DepositPermit2Deadline };

/// What is known of a channel. Amounts in the token's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// What was ever deposited and not refunded.
    pub balance: U256,
    /// What the chain has paid out of it.
    pub total_claimed: U256,
    /// What was charged so far; the next voucher goes on from here.
    pub charged: U256,
}

pub(super) fn check_voucher(offer: &Offer, terms: &ChannelTerms, voucher: &SignedVoucher) -> Result<Verified, Refusal> {
    check_channel(offer, terms, voucher)?;
    check_authorizer(voucher)?;
    in_its_channel(offer, voucher)
}

/// Where no key is named, the contract asks the payer's account once it has code, and code that the payer gives it later
/// (EIP-7702) could refuse what was signed and spent.
fn check_authorizer(voucher: &SignedVoucher) -> Result<(), Refusal> {
    if voucher.channel.payer_authorizer.is_zero() {
        let message = "payerAuthorizer: expected the address of the key that signs the vouchers, got zero; open another \
                       channel that names it, and withdraw or ask for a refund of what is in this one";
        return Err(Refusal::new(Reason::VoucherSignature, message));
    }
    Ok(())
}

/// Checks a voucher of a channel that goes with the offer.
fn in_its_channel(offer: &Offer, voucher: &SignedVoucher) -> Result<Verified, Refusal> {
    // A voucher of less than one price can't continue any channel.
    if U256::from(voucher.voucher.max_claimable) < offer.amount {
        return Err(Refusal::mismatch(
            Reason::VoucherCumulativeMismatch,
            "maxClaimableAmount",
            format!("at least {}", offer.amount),
            voucher.voucher.max_claimable,
        ));
    }
    let (channel, max_claimable) = (voucher.voucher.channel, voucher.voucher.max_claimable);
    Ok(Verified {
        payer: voucher.channel.payer,
        amount: offer.amount,
        kind: Kind::Voucher { channel, max_claimable },
        nonce: NonceKey::voucher(offer, channel, max_claimable),
        valid_before_s: None,
        hold: Hold::default(),
    })
}

pub(super) fn check_refund(offer: &Offer, terms: &ChannelTerms, voucher: &SignedVoucher) -> Result<Verified, Refusal> {
    check_channel(offer, terms, voucher)?;
    let (channel, max_claimable) = (voucher.voucher.channel, voucher.voucher.max_claimable);
    Ok(Verified {
        payer: voucher.channel.payer,
        amount: U256::ZERO,
        kind: Kind::Refund { channel, max_claimable },
        nonce: NonceKey::refund(offer, channel, max_claimable),
        valid_before_s: None,
        hold: Hold::default(),
    })
}

pub(super) fn check_deposit(
    offer: &Offer,
    terms: &ChannelTerms,
    voucher: &SignedVoucher,
    amount: U256,
    funding: &Funding,
    window: &Window,
) -> Result<Verified, Refusal> {
    let verified = check_voucher(offer, terms, voucher)?;
    let (channel, max_claimable) = (voucher.voucher.channel, voucher.voucher.max_claimable);
    if terms.min_deposit.is_some_and(|least| amount < least) || amount.is_zero() {
        let least = terms.min_deposit.unwrap_or(U256::from(1));
        return Err(Refusal::mismatch(Reason::DepositTooSmall, "deposit.amount", format!("at least {least}"), amount));
    }
    let (valid_before_s, nonce) = match (terms.deposit, funding) {
        (Method::Eip3009, Funding::Eip3009 { valid_after, valid_before, salt, .. }) => {
            let authorization = voucher.receive_authorization(amount, *valid_after, *valid_before, *salt).0;
            let end = window.check(("validAfter", *valid_after), ("validBefore", *valid_before), EIP3009_TIMES)?;
            (end, NonceKey::eip3009(offer, verified.payer, authorization.nonce))
        }
        (Method::Permit2, Funding::Permit2 { permit, .. }) => {
            check_permit(offer, voucher, amount, permit)?;
            let end = window.check(("validAfter", U256::ZERO), ("deadline", permit.deadline), PERMIT2_TIMES)?;
            (end, NonceKey::permit2(offer, verified.payer, permit.nonce))
        }
        (Method::Eip3009, _) => {
            return Err(Refusal::new(Reason::DepositEip3009Required, "deposit: expected an erc3009Authorization"));
        }
        (Method::Permit2, _) => {
            return Err(Refusal::new(Reason::DepositPermit2Required, "deposit: expected a permit2Authorization"));
        }
    };
    Ok(Verified { kind: Kind::Deposit { channel, max_claimable, deposit: amount }, nonce, valid_before_s, ..verified })
}

fn check_permit(
    offer: &Offer,
    voucher: &SignedVoucher,
    amount: U256,
    permit: &crate::evm::Permit,
) -> Result<(), Refusal> {
    if permit.spender != PERMIT2_DEPOSIT_COLLECTOR {
        let reason = Reason::DepositPermit2Spender;
        return Err(Refusal::mismatch(reason, "spender", PERMIT2_DEPOSIT_COLLECTOR, permit.spender));
    }
    if permit.amount != amount {
        return Err(Refusal::mismatch(Reason::DepositPermit2Amount, "permitted.amount", amount, permit.amount));
    }
    if permit.token != offer.token().address() {
        let expected = offer.token().checksummed();
        return Err(Refusal::mismatch(Reason::ChannelTokenMismatch, "permitted.token", expected, permit.token));
    }
    if permit.from != voucher.channel.payer {
        return Err(Refusal::mismatch(Reason::DepositPermit2Signature, "from", voucher.channel.payer, permit.from));
    }
    if permit.witness != (Witness::Deposit { channel: voucher.voucher.channel }) {
        return Err(Refusal::new(Reason::ChannelIdMismatch, "witness.channelId: expected the voucher's channel"));
    }
    Ok(())
}

fn check_channel(offer: &Offer, terms: &ChannelTerms, signed: &SignedVoucher) -> Result<(), Refusal> {
    let channel = &signed.channel;
    let id = channel.id(offer.network().channels());
    if id != signed.voucher.channel {
        let (expected, came) = (id.get(), signed.voucher.channel.get());
        return Err(Refusal::mismatch(Reason::ChannelIdMismatch, "voucher.channelId", expected, came));
    }
    if channel.receiver != offer.pay_to {
        return Err(Refusal::mismatch(Reason::ChannelReceiverMismatch, "receiver", offer.pay_to, channel.receiver));
    }
    if channel.receiver_authorizer != terms.receiver_authorizer {
        let reason = Reason::ChannelReceiverAuthorizerMismatch;
        let (expected, came) = (terms.receiver_authorizer, channel.receiver_authorizer);
        return Err(Refusal::mismatch(reason, "receiverAuthorizer", expected, came));
    }
    if channel.token != offer.token().address() {
        let expected = offer.token().checksummed();
        return Err(Refusal::mismatch(Reason::ChannelTokenMismatch, "token", expected, channel.token));
    }
    if !ChannelTerms::WITHDRAW_DELAY_S.contains(&channel.withdraw_delay_s) {
        let reason = Reason::ChannelWithdrawDelayRange;
        return Err(Refusal::mismatch(reason, "withdrawDelay", "900 to 2592000", channel.withdraw_delay_s));
    }
    if channel.withdraw_delay_s != terms.withdraw_delay_s {
        let reason = Reason::ChannelWithdrawDelayMismatch;
        return Err(Refusal::mismatch(reason, "withdrawDelay", terms.withdraw_delay_s, channel.withdraw_delay_s));
    }
    Ok(())
}

/// Checks a voucher of a channel that a voucher was verified of before, for the same offer.
///
/// # Errors
/// `VoucherCumulativeMismatch`, `VoucherSignature`.
pub fn verify_next_voucher(offer: &Offer, voucher: &SignedVoucher) -> Result<Verified, Refusal> {
    let verified = in_its_channel(offer, voucher).and_then(|verified| {
        check_voucher_signature(offer, voucher)?;
        Ok(verified)
    });
    verified.map_err(|refusal| refusal.of(voucher.channel.payer))
}

pub(super) fn check_voucher_signature(offer: &Offer, signed: &SignedVoucher) -> Result<(), Refusal> {
    let digest = signed.voucher.digest(offer.network().channels());
    check_signer(&signed.signature, digest, signed.channel.voucher_signer(), Reason::VoucherSignature)
}

pub(super) fn check_funding_signature(
    offer: &Offer,
    voucher: &SignedVoucher,
    amount: U256,
    funding: &Funding,
) -> Result<(), Refusal> {
    let payer = voucher.channel.payer;
    match funding {
        Funding::Eip3009 { valid_after, valid_before, salt, signature } => {
            let authorization = voucher.receive_authorization(amount, *valid_after, *valid_before, *salt);
            check_signer(signature, authorization.digest(offer.token().domain()), payer, Reason::DepositSignature)
        }
        Funding::Permit2 { permit, signature } => {
            let digest = permit.digest(offer.network().permit2());
            check_signer(signature, digest, payer, Reason::DepositPermit2Signature)
        }
    }
}

/// Checks that a voucher goes on where its channel stands: charged so far plus one price, within the balance.
/// With a deposit, `state.balance` already counts it.
///
/// # Errors
/// `VoucherCumulativeMismatch`, `VoucherExceedsBalance`, `VoucherBelowClaimed`.
pub fn check_voucher_continues(state: &ChannelState, max_claimable: u128, price: U256) -> Result<(), Refusal> {
    let signed = U256::from(max_claimable);
    let expected = state.charged.saturating_add(price);
    if signed <= state.total_claimed {
        let more = format!("more than the claimed {}", state.total_claimed);
        return Err(Refusal::mismatch(Reason::VoucherBelowClaimed, "maxClaimableAmount", more, signed));
    }
    if signed != expected {
        let reason = Reason::VoucherCumulativeMismatch;
        return Err(Refusal::mismatch(reason, "maxClaimableAmount", expected, signed));
    }
    if signed > state.balance {
        let most = format!("at most the balance of {}", state.balance);
        return Err(Refusal::mismatch(Reason::VoucherExceedsBalance, "maxClaimableAmount", most, signed));
    }
    Ok(())
}
