//! Claims, sweeps and refunds of channels: signed, tried without a transaction, sent through the journal.
//!
//! Invariant: what an `id` has sent is answered for ever; only what never was sent is tried.

use super::Shared;
use super::settle::{pending, settled, unknown};
use crate::chain::abi::ChannelEvent;
use crate::chain::abi::channels::{self, BATCH_SETTLEMENT, VoucherClaim};
use crate::chain::abi::revert_reason;
use crate::chain::rpc::CallAt;
use crate::chain::{RpcError, Send, SendError, SendOutcome, Sender};
use crate::evm::{ClaimEntry, EcdsaSignature};
use crate::facilitator::Settlement;
use crate::facilitator::channels::Claim;
use crate::facilitator::relay::{ChannelOrder, SignedRefund};
use crate::{Reason, Refusal};
use alloy_primitives::B256;
use uuid::Uuid;

/// About twice what each takes.
const GAS: u64 = 160_000;
const CLAIM_GAS: u64 = 60_000;

/// A transaction to the contract of channels.
struct Call {
    data: Vec<u8>,
    gas_limit: u64,
}

impl Shared {
    pub(super) async fn order(&self, id: Uuid, order: &ChannelOrder) -> Settlement {
        let Some(sender) = self.sender() else { return self.settle_unstarted(id).await };
        match sender.outcome(id).await {
            Ok(outcome) => return told(order, outcome),
            Err(SendError::NotFound) => {}
            Err(error) => return unknown(&error),
        }
        let ready = match self.call_of(order) {
            Ok(call) => self.tried(&sender, order, &call).await.map(|has_effect| (call, has_effect)),
            Err(refusal) => Err(refusal),
        };
        let call = match ready {
            Ok((call, true)) => call,
            Ok((_, false)) => return Settlement::Settled { transaction: String::new() },
            // Another process may have sent it just now, which is why it can't be done again.
            Err(refusal) => {
                return match sender.outcome(id).await {
                    Ok(outcome) => told(order, outcome),
                    Err(SendError::NotFound) => Settlement::NotTaken(refusal),
                    Err(error) => unknown(&error),
                };
            }
        };
        let send = Send {
            network: self.network().caip2().to_string(),
            to: BATCH_SETTLEMENT,
            data: call.data.into(),
            gas_limit: call.gas_limit,
            purpose_id: id,
        };
        match self.put(&sender, send).await {
            Ok(outcome) => told(order, outcome),
            Err(settlement) => settlement,
        }
    }

    fn call_of(&self, order: &ChannelOrder) -> Result<Call, Refusal> {
        match order {
            ChannelOrder::Claim { claims, signature } => Ok(Call {
                data: self.claim_data(claims, signature.as_ref())?,
                gas_limit: GAS.saturating_add(claims_gas(claims)),
            }),
            ChannelOrder::Sweep { receiver, token } => {
                Ok(Call { data: channels::settle(*receiver, *token), gas_limit: GAS })
            }
            ChannelOrder::Refund(refund) => self.refund_call(refund),
        }
    }

    fn refund_call(&self, refund: &SignedRefund) -> Result<Call, Refusal> {
        let signature = refund.signature.as_ref().ok_or_else(|| {
            let message = "refundAuthorizerSignature: the receiver's authorizer has to sign refunds itself";
            Refusal::new(Reason::ChannelAuthorizerMissing, message)
        })?;
        let signature = signature.to_bytes().into();
        let back = channels::refund_with_signature(&(&refund.channel).into(), refund.amount, refund.nonce, &signature);
        if refund.claims.is_empty() {
            return Ok(Call { data: back, gas_limit: GAS });
        }
        let claim = self.claim_data(&refund.claims, refund.claim_signature.as_ref())?;
        let gas_limit = GAS.saturating_mul(2).saturating_add(claims_gas(&refund.claims));
        Ok(Call { data: channels::multicall(&[claim, back]), gas_limit })
    }

    fn claim_data(&self, claims: &[Claim], signature: Option<&EcdsaSignature>) -> Result<Vec<u8>, Refusal> {
        let signature = match signature {
            Some(signature) => *signature,
            None => self.signed(claims)?,
        };
        let claims: Vec<VoucherClaim> = claims.iter().map(VoucherClaim::from).collect();
        Ok(channels::claim_with_signature(&claims, &signature.to_bytes().into()))
    }

    fn signed(&self, claims: &[Claim]) -> Result<EcdsaSignature, Refusal> {
        let own = self.authorizer.address();
        if let Some(other) = claims.iter().find(|claim| claim.channel.receiver_authorizer != own) {
            let (reason, came) = (Reason::ChannelAuthorizerMismatch, other.channel.receiver_authorizer);
            return Err(Refusal::mismatch(reason, "receiverAuthorizer", own, came));
        }
        let domain = self.network().channels();
        let entries = claims.iter().map(|claim| ClaimEntry {
            channel: claim.channel.id(domain),
            max_claimable: claim.max_claimable,
            total_claimed: claim.total_claimed,
        });
        Ok(self.authorizer.sign_digest(ClaimEntry::digest_of_all(entries, domain)))
    }

    /// Whether it would go through, and whether anything would come of it.
    async fn tried(&self, sender: &Sender, order: &ChannelOrder, call: &Call) -> Result<bool, Refusal> {
        match order {
            ChannelOrder::Sweep { receiver, token } => {
                let income = self
                    .income(*receiver, *token)
                    .await
                    .map_err(|refusal| Refusal { reason: Reason::UnexpectedSettleError, ..refusal })?;
                if income.claimed <= income.paid {
                    return Ok(false);
                }
            }
            ChannelOrder::Refund(refund) => self.check_refundable(refund).await?,
            ChannelOrder::Claim { .. } => {}
        }
        match sender.rpc().eth_call(Some(sender.wallet()), BATCH_SETTLEMENT, &call.data, CallAt::Latest).await {
            Ok(_) => Ok(true),
            Err(RpcError::Refused { data, message, .. }) if data.is_some() || message.contains("revert") => {
                let words = data.map_or(message, |data| revert_reason(&data));
                Err(Refusal::new(order.would_fail(&words), format!("it would be reverted: {words}")))
            }
            Err(error) => {
                self.note(&error);
                let message = format!("{} is not reachable now; try again", self.network().caip2());
                Err(Refusal::new(Reason::UnexpectedSettleError, message))
            }
        }
    }

    async fn check_refundable(&self, refund: &SignedRefund) -> Result<(), Refusal> {
        let domain = self.network().channels();
        let id = refund.channel.id(domain);
        let state =
            self.states(&[id]).await.map_err(|refusal| Refusal { reason: Reason::UnexpectedSettleError, ..refusal })?;
        let state = state.first().copied().unwrap_or_default();
        let own = refund.claims.iter().filter(|claim| claim.channel.id(domain) == id);
        let claimed = own.map(|claim| claim.total_claimed).fold(state.total_claimed, u128::max);
        if state.balance == claimed {
            return Err(Refusal::new(Reason::RefundNoBalance, "all of the channel is claimed"));
        }
        Ok(())
    }

    pub(super) async fn moved(&self, transaction: &str) -> Option<u128> {
        let hash: B256 = transaction.parse().ok()?;
        let receipt = self.sender()?.rpc().receipt(hash).await.ok()??;
        let amounts = receipt.logs.iter().filter_map(ChannelEvent::read).map(|event| match event {
            ChannelEvent::Settled { amount, .. } | ChannelEvent::Refunded { amount, .. } => amount,
        });
        Some(amounts.fold(0, u128::saturating_add))
    }
}

impl ChannelOrder {
    /// The reason that a contract's own words stand for, before anything is sent.
    fn would_fail(&self, words: &str) -> Reason {
        const KNOWN: &[(&str, Reason)] = &[
            ("ClaimExceedsBalance", Reason::VoucherExceedsBalance),
            ("ClaimExceedsCeiling", Reason::ChargeExceedsVoucher),
            ("NotReceiverAuthorizer", Reason::ChannelAuthorizerMismatch),
            ("ZeroRefund", Reason::RefundAmountInvalid),
        ];
        let known = KNOWN.iter().find(|(part, _)| words.contains(part)).map(|(_, reason)| *reason);
        known.unwrap_or(match self {
            Self::Claim { .. } => Reason::ClaimSimulationFailed,
            Self::Sweep { .. } => Reason::ChannelSettleSimulationFailed,
            Self::Refund(_) => Reason::RefundSimulationFailed,
        })
    }

    /// The reason for a transaction that was mined and had no effect.
    pub(crate) const fn failed(&self) -> Reason {
        match self {
            Self::Claim { .. } => Reason::ClaimTransactionFailed,
            Self::Sweep { .. } => Reason::ChannelSettleTransactionFailed,
            Self::Refund(_) => Reason::RefundTransactionFailed,
        }
    }
}

impl From<&Claim> for VoucherClaim {
    fn from(claim: &Claim) -> Self {
        Self {
            channel: (&claim.channel).into(),
            max_claimable: claim.max_claimable,
            signature: claim.signature.to_bytes().into(),
            total_claimed: claim.total_claimed,
        }
    }
}

fn told(order: &ChannelOrder, outcome: SendOutcome) -> Settlement {
    match outcome {
        SendOutcome::Mined(receipt) => settled(receipt.hash),
        SendOutcome::Pending { hash } => pending(Some(hash)),
        SendOutcome::Failed { hash, reason } => {
            Settlement::NotTaken(Refusal::new(order.failed(), format!("transaction {hash} failed: {reason}")))
        }
    }
}

fn claims_gas(claims: &[Claim]) -> u64 {
    u64::try_from(claims.len()).unwrap_or(u64::MAX).saturating_mul(CLAIM_GAS)
}
