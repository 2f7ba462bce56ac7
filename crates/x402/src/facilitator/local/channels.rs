//! Payment channels as the chain knows them: states of channels, and whether a voucher fits its channel.

use super::check::unreachable;
use super::{LocalFacilitator, Shared};
use crate::chain::abi::channels::{
    BATCH_SETTLEMENT, ChannelState, channel_state, channels, pending_withdrawals, receivers, refund_nonce, withdrawal,
};
use crate::chain::abi::word;
use crate::chain::rpc::{Call, CallAt};
use crate::evm::{ChannelId, RefundOrder};
use crate::facilitator::channels::{ChannelOnChain, Channels, Claim, Refund, Withdrawal};
use crate::facilitator::relay::{CLAIMS_MAX, ChannelOrder, ChannelRelay, Income, SignedRefund};
use crate::facilitator::{Promised, Settlement};
use crate::payment::SignedVoucher;
use crate::{Reason, Refusal};
use alloy_primitives::{Address, Bytes, U256};
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// What a voucher is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    Paying,
    /// Promises nothing more than what was promised before.
    Refunding,
}

/// Checks that a voucher promises more than was claimed and no more than there is.
pub(super) fn check_fit(signed: u128, balance: U256, claimed: u128, drawn: Drawn) -> Result<(), Refusal> {
    let what = "maxClaimableAmount";
    if U256::from(signed) > balance {
        let most = format!("at most the balance of {balance}");
        return Err(Refusal::mismatch(Reason::VoucherExceedsBalance, what, most, signed));
    }
    if signed < claimed || (signed == claimed && drawn == Drawn::Paying) {
        let more = format!("more than the claimed {claimed}");
        return Err(Refusal::mismatch(Reason::VoucherBelowClaimed, what, more, signed));
    }
    Ok(())
}

pub(super) fn no_channels() -> Refusal {
    Refusal::new(Reason::DepositSimulationFailed, "payment channels are not seen on the network")
}

impl Shared {
    pub(super) async fn check_voucher(&self, signed: &SignedVoucher, drawn: Drawn) -> Result<(), Refusal> {
        let state = self.states(&[signed.voucher.channel]).await?.first().copied().unwrap_or_default();
        if state.balance == 0 {
            return Err(Refusal::new(Reason::ChannelNotFound, "channel: nothing is deposited"));
        }
        check_fit(signed.voucher.max_claimable, U256::from(state.balance), state.total_claimed, drawn)
    }

    /// What has risen counts once it is as deep as settlements have to be; what has fallen, and withdrawals, at once.
    pub(super) async fn states(&self, ids: &[ChannelId]) -> Result<Vec<ChannelOnChain>, Refusal> {
        let newest = self.newest(ids).await?;
        let beyond = self.parts.settings.confirmations.saturating_sub(1);
        if beyond == 0 || newest.iter().all(|state| state.balance == 0) {
            return Ok(newest);
        }
        let settled = self.held_before(ids, beyond).await?;
        let both = newest.into_iter().zip(settled);
        Ok(both
            .map(|(state, held)| ChannelOnChain {
                balance: state.balance.min(held.balance),
                total_claimed: state.total_claimed.min(held.total_claimed),
                ..state
            })
            .collect())
    }

    /// What channels held so many blocks before the newest one.
    async fn held_before(&self, ids: &[ChannelId], blocks: u64) -> Result<Vec<ChannelState>, Refusal> {
        let sender = self.sender().ok_or_else(|| unreachable(self))?;
        let head = sender.rpc().block_number().await.map_err(|error| {
            self.note(&error);
            unreachable(self)
        })?;
        let at = CallAt::Block(head.saturating_sub(blocks));
        let calls: Vec<Call> = ids.iter().map(|id| Call::read_at(BATCH_SETTLEMENT, &channels(id.get()), at)).collect();
        let none = ChannelState { balance: 0, total_claimed: 0 };
        // Before the contract was there nothing answers.
        let held = |answer: &Bytes| if answer.is_empty() { Some(none) } else { channel_state(answer) };
        self.answers(&calls).await?.iter().map(|answer| held(answer).ok_or_else(unreadable)).collect()
    }

    async fn newest(&self, ids: &[ChannelId]) -> Result<Vec<ChannelOnChain>, Refusal> {
        let questions = |id: &ChannelId| {
            let id = id.get();
            [channels(id), pending_withdrawals(id), refund_nonce(id)].map(|data| Call::read(BATCH_SETTLEMENT, &data))
        };
        let answers = self.answers(&ids.iter().flat_map(questions).collect::<Vec<_>>()).await?;
        answers.chunks(3).map(|answers| state(answers).ok_or_else(unreadable)).collect()
    }

    pub(super) async fn income(&self, receiver: Address, token: Address) -> Result<Income, Refusal> {
        let answers = self.answers(&[Call::read(BATCH_SETTLEMENT, &receivers(receiver, token))]).await?;
        // Two amounts, as a channel's state has.
        let income = answers.first().and_then(|answer| channel_state(answer));
        income.map(|it| Income { claimed: it.balance, paid: it.total_claimed }).ok_or_else(unreadable)
    }

    /// The answers of the contract of channels.
    async fn answers(&self, calls: &[Call]) -> Result<Vec<Bytes>, Refusal> {
        let sender = self.sender().ok_or_else(|| unreachable(self))?;
        let answers = sender.rpc().batch(calls).await.map_err(|error| {
            self.note(&error);
            unreachable(self)
        })?;
        self.is_reachable.store(true, Ordering::Relaxed);
        let read = |answer: Result<serde_json::Value, _>| {
            answer.ok().and_then(|value| serde_json::from_value(value).ok()).ok_or_else(unreadable)
        };
        answers.into_iter().map(read).collect()
    }
}

fn state(answers: &[Bytes]) -> Option<ChannelOnChain> {
    let [channel, begun, nonce] = answers else { return None };
    let (held, (amount, begun_at_s)) = (channel_state(channel)?, withdrawal(begun)?);
    Some(ChannelOnChain {
        balance: held.balance,
        total_claimed: held.total_claimed,
        withdrawal: (begun_at_s > 0).then_some(Withdrawal { amount, begun_at_s }),
        refund_nonce: word(nonce, 0)?,
    })
}

fn unreadable() -> Refusal {
    Refusal::new(Reason::UnexpectedVerifyError, "the state of channels can't be read; try again")
}

impl Channels for LocalFacilitator {
    fn authorizer(&self) -> Address {
        self.shared.authorizer.address()
    }

    fn is_ready(&self) -> bool {
        self.shared.contracts.channels.load(Ordering::Relaxed)
    }

    fn states<'a>(&'a self, ids: &'a [ChannelId]) -> Promised<'a, Result<Vec<ChannelOnChain>, Refusal>> {
        Box::pin(self.shared.states(ids))
    }

    fn claim<'a>(&'a self, id: Uuid, claims: &'a [Claim]) -> Promised<'a, Settlement> {
        if claims.is_empty() || claims.len() > CLAIMS_MAX {
            let refusal = Refusal::mismatch(Reason::InvalidPayload, "claims", "1 to 100", claims.len());
            return Box::pin(std::future::ready(Settlement::NotTaken(refusal)));
        }
        let order = ChannelOrder::Claim { claims: claims.to_vec(), signature: None };
        Box::pin(async move { self.shared.order(id, &order).await })
    }

    fn sweep<'a>(&'a self, id: Uuid, receiver: Address, token: Address) -> Promised<'a, Settlement> {
        let order = ChannelOrder::Sweep { receiver, token };
        Box::pin(async move { self.shared.order(id, &order).await })
    }

    fn refund<'a>(&'a self, refund: &'a Refund) -> Promised<'a, Settlement> {
        let domain = self.shared.network().channels();
        let order = RefundOrder { channel: refund.channel.id(domain), nonce: refund.nonce, amount: refund.amount };
        let order = ChannelOrder::Refund(Box::new(SignedRefund {
            channel: refund.channel,
            amount: refund.amount,
            nonce: refund.nonce,
            claims: refund.claim.iter().cloned().collect(),
            claim_signature: None,
            signature: Some(self.shared.authorizer.sign_digest(order.digest(domain))),
        }));
        Box::pin(async move { self.shared.order(refund.id, &order).await })
    }
}

impl ChannelRelay for LocalFacilitator {
    fn relay<'a>(&'a self, id: Uuid, order: &'a ChannelOrder) -> Promised<'a, Settlement> {
        Box::pin(self.shared.order(id, order))
    }

    fn income(&self, receiver: Address, token: Address) -> Promised<'_, Result<Income, Refusal>> {
        Box::pin(self.shared.income(receiver, token))
    }

    fn moved<'a>(&'a self, transaction: &'a str) -> Promised<'a, Option<u128>> {
        Box::pin(self.shared.moved(transaction))
    }
}
