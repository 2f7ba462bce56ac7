//! Putting a payment on chain, and telling from the outcome whether it was taken.

use super::Shared;
use super::purse::Account;
use crate::chain::abi::{Deposited, Transfer};
use crate::chain::{Receipt, Send, SendError, SendOutcome, Sender, begun};
use crate::facilitator::plan::{Plan, Way};
use crate::facilitator::trace::{Trace, trace};
use crate::facilitator::{Settle, Settlement};
use crate::offer::Offer;
use crate::verify::{Limits, verify_local};
use crate::{Reason, Refusal};
use alloy_primitives::B256;
use std::time::Duration;
use uuid::Uuid;

/// Beyond the offer's own time, how far back somebody else's transaction is looked for.
const LOOK_BACK_BEYOND: Duration = Duration::from_secs(60);

impl Shared {
    pub(super) async fn settle(&self, settle: &Settle<'_>) -> Settlement {
        let plan =
            self.check_network(settle.offer).and_then(|()| Plan::of(settle.offer, settle.payment, settle.amount));
        let plan = match plan {
            Ok(plan) => plan,
            Err(refusal) => return Settlement::NotTaken(refusal),
        };
        if plan.way == Way::UptoPermit2 && settle.amount.is_zero() {
            return Settlement::Settled { transaction: String::new() };
        }
        let Some(sender) = self.sender() else { return self.settle_unstarted(settle.id).await };
        // Checked here again, because a contract would find out only for gas, and work may have lasted long.
        let now = self.parts.clock.now();
        let fit = verify_local(settle.offer, settle.payment, now, &Limits::default()).and_then(|_| {
            let spent = Refusal::new(plan.way.nonce_spent(), "the nonce is spent or cancelled");
            if self.was_spent(&plan.nonce) { Err(spent) } else { Ok(()) }
        });
        if let Err(refusal) = fit {
            return match sender.outcome(settle.id).await {
                Ok(outcome) => self.tell(&sender, &plan, settle.offer, outcome).await,
                Err(SendError::NotFound) => self.too_late(&sender, &plan, settle.offer, refusal).await,
                Err(error) => unknown(&error),
            };
        }
        let (account, amount) = ((plan.transfer.token, plan.transfer.from), plan.transfer.value);
        if let Err(refusal) = self.still_there(&sender, account, &plan, settle).await {
            return self.too_late(&sender, &plan, settle.offer, refusal).await;
        }
        self.purse.settling(account, plan.nonce, amount);
        let settlement = self.send(&sender, &plan, settle).await;
        match &settlement {
            Settlement::Settled { .. } => self.purse.end(account, &plan.nonce, true),
            Settlement::NotTaken(_) => self.purse.end(account, &plan.nonce, false),
            Settlement::Pending { .. } => {}
        }
        settlement
    }

    /// Looks again where the last look is long ago, as a transaction that fails costs its gas all the same. What was begun,
    /// or can't be looked at, goes on.
    async fn still_there(
        &self,
        sender: &Sender,
        account: Account,
        plan: &Plan,
        settle: &Settle<'_>,
    ) -> Result<(), Refusal> {
        let is_new = || async { matches!(sender.outcome(settle.id).await, Err(SendError::NotFound)) };
        if self.purse.is_fresh(account, &plan.nonce) || !is_new().await {
            return Ok(());
        }
        match self.check(settle.offer, settle.payment).await {
            Err(refusal) if refusal.reason != Reason::UnexpectedVerifyError => Err(refusal),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn send(&self, sender: &Sender, plan: &Plan, settle: &Settle<'_>) -> Settlement {
        let send = Send {
            network: self.network().caip2().to_string(),
            to: plan.to,
            data: plan.data.clone(),
            gas_limit: plan.gas_limit,
            purpose_id: settle.id,
        };
        match self.put(sender, send).await {
            Ok(outcome) => self.tell(sender, plan, settle.offer, outcome).await,
            Err(settlement) => settlement,
        }
    }

    /// Sends, or joins what was sent; else tells that nothing was begun, or that nobody knows.
    pub(super) async fn put(&self, sender: &Sender, send: Send) -> Result<SendOutcome, Settlement> {
        let id = send.purpose_id;
        let error = match sender.send(send).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        if let SendError::Rpc(error) = &error {
            self.note(error);
        }
        let may_be_begun = matches!(error, SendError::Storage(_) | SendError::Stopped);
        // The error may be one of asking after something that was begun long ago.
        match sender.outcome(id).await {
            Ok(outcome) => Ok(outcome),
            Err(SendError::NotFound) if !may_be_begun => {
                tracing::warn!(network = %self.network().caip2(), %error, "a payment can't be settled");
                Err(Settlement::NotTaken(Refusal::new(Reason::UnexpectedSettleError, for_strangers(&error))))
            }
            Err(_) => Err(unknown(&error)),
        }
    }

    /// Without a sender only the journal can be asked whether something was begun.
    pub(super) async fn settle_unstarted(&self, id: Uuid) -> Settlement {
        match begun(&self.parts.db, id).await {
            Ok(None) => {
                let message = format!("{} is not reachable now; try again", self.network().caip2());
                Settlement::NotTaken(Refusal::new(Reason::UnexpectedSettleError, message))
            }
            Ok(Some(hash)) => pending(Some(hash)),
            Err(_) => pending(None),
        }
    }

    async fn tell(&self, sender: &Sender, plan: &Plan, offer: &Offer, outcome: SendOutcome) -> Settlement {
        match outcome {
            SendOutcome::Pending { hash } => pending(Some(hash)),
            SendOutcome::Mined(receipt) if moves(&receipt, plan) => settled(receipt.hash),
            SendOutcome::Mined(receipt) => {
                let message = format!("transaction {} was mined and did not move the payment", receipt.hash);
                tracing::error!(network = %self.network().caip2(), %message);
                let reason = match plan.deposited {
                    Some(_) => Reason::DepositTransactionFailed,
                    None => Reason::ExactTransferEventMismatch,
                };
                Settlement::NotTaken(Refusal::new(reason, message))
            }
            SendOutcome::Failed { hash, reason } => {
                let words = format!("transaction {hash} failed: {reason}");
                let (network, payer) = (self.network().caip2(), plan.transfer.from);
                tracing::warn!(%network, %payer, %hash, %reason, "a settlement has failed on chain; its gas is spent");
                self.failures.note(payer);
                let refusal = Refusal::new(plan.way.reverted(&reason), words);
                self.unless_paid(sender, plan, offer, refusal, Some(hash)).await
            }
        }
    }

    /// What was never begun and is too late now; somebody else may have been in time.
    async fn too_late(&self, sender: &Sender, plan: &Plan, offer: &Offer, refusal: Refusal) -> Settlement {
        let is_expired = matches!(
            refusal.reason,
            Reason::ExactValidBefore
                | Reason::Permit2DeadlineExpired
                | Reason::DepositValidBefore
                | Reason::DepositPermit2Deadline
        );
        if is_expired || refusal.reason == plan.way.nonce_spent() {
            return self.unless_paid(sender, plan, offer, refusal, None).await;
        }
        Settlement::NotTaken(refusal)
    }

    /// Not taken by us; unless somebody else's transaction has paid the same. Into a channel only our own ones pay.
    async fn unless_paid(
        &self,
        sender: &Sender,
        plan: &Plan,
        offer: &Offer,
        refusal: Refusal,
        own: Option<B256>,
    ) -> Settlement {
        let span = Duration::from_secs(offer.timeout_s.into()) + LOOK_BACK_BEYOND;
        let blocks = span.as_millis() / self.parts.settings.block_time_hint.as_millis().max(1);
        let blocks = u64::try_from(blocks).unwrap_or(u64::MAX).max(16);
        match trace(sender.rpc(), plan, Some(sender.wallet()), blocks).await {
            Ok(Trace::Unspent) => Settlement::NotTaken(refusal),
            Ok(Trace::Spent) => {
                let message = format!("{}; the nonce is spent", refusal.message);
                Settlement::NotTaken(Refusal { reason: plan.way.nonce_spent(), message, ..refusal })
            }
            // The channel has it and is credited by a look at the chain, which this would double.
            Ok(Trace::Paid { transaction, .. }) if plan.deposited.is_some() => {
                let message =
                    format!("transaction {transaction} of somebody else's has made this deposit; pay by voucher");
                Settlement::NotTaken(Refusal { reason: plan.way.nonce_spent(), message, ..refusal })
            }
            Ok(Trace::Paid { transaction, depth }) if depth >= self.parts.settings.confirmations => {
                settled(transaction)
            }
            Ok(Trace::Paid { transaction, .. }) => pending(Some(transaction)),
            Err(error) => {
                self.note(&error);
                tracing::warn!(network = %self.network().caip2(), %error, "it can't be told whether somebody else has settled a payment");
                pending(own)
            }
        }
    }
}

fn moves(receipt: &Receipt, plan: &Plan) -> bool {
    receipt.logs.iter().any(|log| match plan.deposited {
        Some(deposited) => Deposited::read(log) == Some(deposited),
        None => Transfer::read(log) == Some(plan.transfer),
    })
}

pub(super) fn settled(hash: B256) -> Settlement {
    Settlement::Settled { transaction: hash.to_string() }
}

pub(super) fn pending(hash: Option<B256>) -> Settlement {
    Settlement::pending(hash.map(|hash| hash.to_string()).unwrap_or_default())
}

pub(super) fn unknown(error: &SendError) -> Settlement {
    tracing::warn!(%error, "the fate of a settlement can't be told now");
    pending(None)
}

/// The error without what is only for the log.
fn for_strangers(error: &SendError) -> &'static str {
    match error {
        SendError::GasLow { .. } => "the gas wallet is empty; try again later",
        SendError::Fees(crate::chain::FeeError::TooHigh { .. }) => {
            "gas costs more than is paid for it; try again later"
        }
        SendError::Fees(_) | SendError::Rpc(_) => "the chain can't be reached; try again",
        _ => "the payment can't be sent",
    }
}
