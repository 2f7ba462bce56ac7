//! What a refusal means for a payment that may have been settled before, by an attempt whose answer was lost.
//!
//! Invariants: such a payment is refused only for what no settled payment is told, by its chain, or once its time is over
//! and nothing has hinted that it was taken; a chain that can be asked is believed before the facilitator.

use super::RemoteFacilitator;
use crate::facilitator::witness::Testimony;
use crate::facilitator::{Earlier, Settle, Settlement};
use crate::{Reason, Refusal};
use std::time::Duration;

/// How long after its end a payment may still turn out to be taken: blocks and clocks are behind.
const GRACE: Duration = Duration::from_secs(120);

impl RemoteFacilitator {
    /// What is answered about a payment that was, or may have been, sent before.
    pub(super) async fn weighed(&self, settle: &Settle<'_>, said: Settlement) -> Settlement {
        match &said {
            Settlement::Settled { .. } => return said,
            Settlement::NotTaken(refusal) if settle.earlier != Earlier::Doubted && !is_doubtful(refusal.reason) => {
                return said;
            }
            Settlement::NotTaken(_) | Settlement::Pending { .. } => {}
        }
        let (network, id) = (&self.settings.network, settle.id);
        let Some(witness) = &self.witness else { return self.unwitnessed(settle, said) };
        match witness.ask(settle).await {
            Ok(Testimony::Paid(transaction)) => {
                tracing::info!(%network, %id, %transaction, "the chain shows a payment whose settlement was not answered");
                return Settlement::Settled { transaction: transaction.to_string() };
            }
            Ok(Testimony::Never(why)) => {
                tracing::warn!(%network, %id, why, "a payment whose settlement was not answered was not taken");
                let reason = match &said {
                    Settlement::NotTaken(refusal) => refusal.reason,
                    Settlement::Settled { .. } | Settlement::Pending { .. } => Reason::UnexpectedSettleError,
                };
                return Settlement::NotTaken(Refusal::new(reason, why));
            }
            Ok(Testimony::Open) => {}
            Err(error) => tracing::warn!(%network, %id, %error, "the chain can't be asked what became of a payment"),
        }
        open(said)
    }

    /// Without a chain that could be asked.
    fn unwitnessed(&self, settle: &Settle<'_>, said: Settlement) -> Settlement {
        if let Settlement::NotTaken(refusal) = &said
            && says_too_late(refusal.reason)
            && settle.earlier != Earlier::Doubted
            && settle.payment.ends_s().is_some_and(|until| self.is_past(until))
        {
            let (network, id, payer) = (&self.settings.network, settle.id, settle.payment.payer());
            tracing::warn!(%network, %id, %payer, "a payment is given up as too late; an earlier attempt to settle it was not answered, so look whether its payer was charged");
            return said;
        }
        open(said)
    }

    fn is_past(&self, until_s: i64) -> bool {
        self.clock.now().minus(GRACE).seconds() > until_s
    }
}

fn open(said: Settlement) -> Settlement {
    match said {
        Settlement::NotTaken(refusal) => {
            Settlement::Pending { transaction: String::new(), doubt: Some(refusal.reason).filter(|r| hints_at_it(*r)) }
        }
        other => other,
    }
}

/// Refusals that a settled payment may get too.
const fn is_doubtful(reason: Reason) -> bool {
    hints_at_it(reason) || says_too_late(reason) || matches!(reason, Reason::UnexpectedSettleError)
}

/// Said of every payment whose time is over, settled or not.
const fn says_too_late(reason: Reason) -> bool {
    matches!(reason, Reason::ExactValidBefore | Reason::Permit2DeadlineExpired)
}

/// Said of a payment whose nonce is spent or whose payer has paid: by it, perhaps.
const fn hints_at_it(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ExactNonceUsed
            | Reason::Permit2InvalidNonce
            | Reason::DuplicateSettlement
            | Reason::ExactSimulationFailed
            | Reason::Permit2SimulationFailed
            | Reason::ExactTransactionFailed
            | Reason::ExactTransferEventMismatch
            | Reason::UptoTransactionFailed
            | Reason::InvalidTransactionState
            | Reason::InsufficientFunds
            | Reason::Permit2InsufficientBalance
            | Reason::Permit2AllowanceRequired
    )
}
