//! How a payment is put on chain: the contract, the bytes, the gas, and the transfer that has to come of it.
//!
//! Invariant: a plan moves the payment's token from its payer to the offer's recipient, or it is no plan.

mod deposit;

use super::nonce::ChainNonce;
use crate::chain::abi::permit2::{self, EXACT_PROXY, UPTO_PROXY};
use crate::chain::abi::{Deposited, Transfer, token};
use crate::evm::{Authorization, Permit, Signature, Witness};
use crate::offer::Offer;
use crate::payment::Payment;
use crate::{Reason, Refusal};
use alloy_primitives::{Address, Bytes, U256};

/// Twice what a transfer by Circle's token takes.
const EIP3009_GAS: u64 = 170_000;
/// The same through Permit2 and a proxy.
const PERMIT2_GAS: u64 = 260_000;

/// By which function a payment moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Eip3009,
    ExactPermit2,
    UptoPermit2,
    /// Into a payment channel.
    DepositEip3009,
    DepositPermit2,
}

/// What to send, and what has to come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub way: Way,
    pub to: Address,
    pub data: Bytes,
    pub gas_limit: u64,
    pub nonce: ChainNonce,
    /// What leaves the payer.
    pub transfer: Transfer,
    /// For deposits: what has to be in the channel.
    pub deposited: Option<Deposited>,
}

impl Plan {
    /// `amount` in the token's smallest unit; a deposit is always of what was signed.
    ///
    /// # Errors
    /// `ChannelPayloadType` for vouchers and refunds, which are settled otherwise; the scheme's reason for signatures that
    /// only a contract could check and for amounts that were not signed.
    pub(super) fn of(offer: &Offer, payment: &Payment, amount: U256) -> Result<Self, Refusal> {
        let plan = match payment {
            Payment::Eip3009 { authorization, signature } => eip3009(offer, authorization, signature, amount),
            Payment::Permit2 { permit, signature } => by_permit2(offer, permit, signature, amount),
            Payment::Upto { permit, signature } => by_permit2(offer, permit, signature, amount),
            Payment::Deposit { voucher, amount, funding } => deposit::plan(offer, voucher, *amount, funding),
            Payment::Voucher(_) | Payment::Refund { .. } => Err(Refusal::mismatch(
                Reason::ChannelPayloadType,
                "payload.type",
                "deposit; vouchers are claimed together",
                payment.kind(),
            )),
        };
        plan.map_err(|refusal| refusal.of(payment.payer()))
    }
}

fn eip3009(offer: &Offer, signed: &Authorization, signature: &Signature, amount: U256) -> Result<Plan, Refusal> {
    let signature = key_signature(signature, Reason::ExactSignature)?;
    if amount != signed.value {
        return Err(Refusal::mismatch(Reason::ExactValueMismatch, "amount", signed.value, amount));
    }
    let token = offer.token().address();
    let authorization = token::Authorization {
        from: signed.from,
        to: signed.to,
        value: signed.value,
        valid_after: signed.valid_after,
        valid_before: signed.valid_before,
        nonce: signed.nonce,
    };
    let v = 27 + u8::from(signature.is_odd());
    Ok(Plan {
        way: Way::Eip3009,
        to: token,
        data: token::transfer_with_parts(&authorization, v, signature.r(), signature.s()).into(),
        gas_limit: EIP3009_GAS,
        nonce: ChainNonce::Eip3009 { token, payer: signed.from, nonce: signed.nonce },
        transfer: Transfer { token, from: signed.from, to: offer.pay_to, value: amount },
        deposited: None,
    })
}

fn by_permit2(offer: &Offer, signed: &Permit, signature: &Signature, amount: U256) -> Result<Plan, Refusal> {
    let signature = Bytes::from(key_signature(signature, Reason::Permit2Signature)?.to_bytes());
    let token = offer.token().address();
    let with = |to, valid_after| permit2::Permit {
        owner: signed.from,
        token: signed.token,
        amount: signed.amount,
        nonce: signed.nonce,
        deadline: signed.deadline,
        to,
        valid_after,
    };
    let (way, to, data) = match signed.witness {
        Witness::Exact { .. } if amount != signed.amount => {
            return Err(Refusal::mismatch(Reason::Permit2AmountMismatch, "amount", signed.amount, amount));
        }
        Witness::Exact { to, valid_after } => {
            (Way::ExactPermit2, EXACT_PROXY, permit2::settle_exact(&with(to, valid_after), &signature))
        }
        Witness::Upto { .. } if amount > signed.amount => {
            let most = format!("at most {}", signed.amount);
            return Err(Refusal::mismatch(Reason::UptoSettlementExceedsAmount, "amount", most, amount));
        }
        Witness::Upto { to, facilitator, valid_after } => {
            let data = permit2::settle_upto(&with(to, valid_after), amount, facilitator, &signature);
            (Way::UptoPermit2, UPTO_PROXY, data)
        }
        Witness::Deposit { .. } => {
            return Err(Refusal::new(Reason::UnsupportedPayloadType, "a deposit into a channel is no payment"));
        }
    };
    Ok(Plan {
        way,
        to,
        data: data.into(),
        gas_limit: PERMIT2_GAS,
        nonce: ChainNonce::Permit2 { payer: signed.from, nonce: signed.nonce },
        transfer: Transfer { token, from: signed.from, to: offer.pay_to, value: amount },
        deposited: None,
    })
}

pub(super) fn key_signature(signature: &Signature, reason: Reason) -> Result<&crate::evm::EcdsaSignature, Refusal> {
    match signature {
        Signature::Ecdsa(signature) => Ok(signature),
        Signature::SmartWallet(_) if signature.is_counterfactual() => Err(Refusal::new(
            Reason::ExactUndeployedSmartWallet,
            "signature: of a smart wallet that is not deployed; it can't be settled here",
        )),
        Signature::SmartWallet(_) => Err(Refusal::new(
            reason,
            "signature: expected that of a key, got a smart wallet's, which can't be checked here",
        )),
    }
}

impl Way {
    pub(super) const fn nonce_spent(self) -> Reason {
        match self {
            Self::Eip3009 => Reason::ExactNonceUsed,
            Self::ExactPermit2 | Self::UptoPermit2 => Reason::Permit2InvalidNonce,
            Self::DepositEip3009 | Self::DepositPermit2 => Reason::DepositSimulationFailed,
        }
    }

    /// Whether the payer has to have approved Permit2.
    pub(super) const fn needs_allowance(self) -> bool {
        !self.is_by_authorization()
    }

    pub(super) const fn no_allowance(self) -> Reason {
        match self {
            Self::DepositEip3009 | Self::DepositPermit2 => Reason::DepositPermit2Allowance,
            Self::Eip3009 | Self::ExactPermit2 | Self::UptoPermit2 => Reason::Permit2AllowanceRequired,
        }
    }

    const fn is_by_authorization(self) -> bool {
        matches!(self, Self::Eip3009 | Self::DepositEip3009)
    }

    /// The reason for a payer whose signatures are a contract's.
    pub(super) const fn of_a_contract(self) -> Reason {
        match self {
            Self::Eip3009 => Reason::ExactSignature,
            Self::ExactPermit2 | Self::UptoPermit2 => Reason::Permit2Signature,
            Self::DepositEip3009 => Reason::DepositSignature,
            Self::DepositPermit2 => Reason::DepositPermit2Signature,
        }
    }

    pub(super) const fn too_little_money(self) -> Reason {
        match self {
            Self::Eip3009 => Reason::InsufficientFunds,
            Self::ExactPermit2 | Self::UptoPermit2 => Reason::Permit2InsufficientBalance,
            Self::DepositEip3009 | Self::DepositPermit2 => Reason::ChannelInsufficientBalance,
        }
    }

    /// The reason that a contract's own words stand for.
    pub(super) fn reverted(self, words: &str) -> Reason {
        const KNOWN: &[(&str, Reason)] = &[
            ("exceeds balance", Reason::InsufficientFunds),
            ("authorization is not yet valid", Reason::ExactValidAfter),
            ("authorization is expired", Reason::ExactValidBefore),
            ("invalid signature", Reason::ExactSignature),
            ("SignatureExpired", Reason::Permit2DeadlineExpired),
            ("InvalidSigner", Reason::Permit2Signature),
            ("InvalidSignature", Reason::Permit2Signature),
            ("PaymentTooEarly", Reason::Permit2PaymentTooEarly),
            ("InvalidDestination", Reason::Permit2InvalidDestination),
            ("InvalidOwner", Reason::Permit2InvalidOwner),
            ("InvalidAmount", Reason::Permit2InvalidAmount),
            ("AmountExceedsPermitted", Reason::UptoAmountExceedsPermitted),
            ("UnauthorizedFacilitator", Reason::UptoUnauthorizedFacilitator),
            ("TRANSFER_FROM_FAILED", Reason::Permit2AllowanceRequired),
        ];
        if self.is_nonce_spent(words) {
            return self.nonce_spent();
        }
        if matches!(self, Self::DepositEip3009 | Self::DepositPermit2) {
            return deposit::reverted(words);
        }
        let known = KNOWN.iter().find(|(part, _)| words.contains(part)).map(|(_, reason)| *reason);
        match (self, known) {
            (_, Some(Reason::InsufficientFunds)) => self.too_little_money(),
            (_, Some(reason)) => reason,
            (Self::Eip3009 | Self::ExactPermit2, None) => Reason::ExactTransactionFailed,
            (Self::UptoPermit2, None) => Reason::UptoTransactionFailed,
            (Self::DepositEip3009 | Self::DepositPermit2, None) => Reason::DepositTransactionFailed,
        }
    }

    fn is_nonce_spent(self, words: &str) -> bool {
        words.contains(if self.is_by_authorization() { "authorization is used" } else { "InvalidNonce" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contracts_words_become_the_reason_of_the_way() {
        for (way, words, reason) in [
            (Way::Eip3009, "FiatTokenV2: authorization is used or canceled", Reason::ExactNonceUsed),
            (Way::Eip3009, "FiatTokenV2: authorization is expired", Reason::ExactValidBefore),
            (Way::Eip3009, "ERC20: transfer amount exceeds balance", Reason::InsufficientFunds),
            (Way::Eip3009, "out of gas", Reason::ExactTransactionFailed),
            (Way::ExactPermit2, "InvalidNonce()", Reason::Permit2InvalidNonce),
            (Way::ExactPermit2, "SignatureExpired(uint256)", Reason::Permit2DeadlineExpired),
            (Way::UptoPermit2, "UnauthorizedFacilitator()", Reason::UptoUnauthorizedFacilitator),
            (Way::UptoPermit2, "ERC20: transfer amount exceeds balance", Reason::Permit2InsufficientBalance),
            (Way::UptoPermit2, "", Reason::UptoTransactionFailed),
            (Way::DepositEip3009, "FiatTokenV2: authorization is used or canceled", Reason::DepositSimulationFailed),
            (Way::DepositEip3009, "ERC20: transfer amount exceeds balance", Reason::ChannelInsufficientBalance),
            (Way::DepositPermit2, "TRANSFER_FROM_FAILED", Reason::DepositPermit2Allowance),
            (Way::DepositPermit2, "InvalidSigner()", Reason::DepositPermit2Signature),
            (Way::DepositPermit2, "DepositCollectionFailed()", Reason::DepositTransactionFailed),
        ] {
            assert_eq!(way.reverted(words), reason, "{words}");
        }
    }
}
