//! What replies say of a channel, so that its server knows it without asking the chain.

use super::ServiceParts;
use super::asked::Asked;
use crate::evm::ChannelId;
use crate::facilitator::channels::ChannelOnChain;
use crate::network::Caip2;
use crate::payment::Payment;
use crate::wire::Object;
use serde_json::{Value, json};
use std::time::Duration;

/// A node may be a moment behind the one that had the transaction.
const LOOKS: u32 = 14;
const LOOK_AGAIN: Duration = Duration::from_millis(150);

impl ServiceParts {
    /// The channel's state, as soon as `is_new`, or what it is in the end; `None` where it can't be told.
    pub(super) async fn state_when(
        &self,
        network: &Caip2,
        id: ChannelId,
        is_new: impl Fn(&ChannelOnChain) -> bool + Send,
    ) -> Option<ChannelOnChain> {
        let channels = self.facilitators.of(network)?.channels()?;
        let mut state = None;
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            state = channels.states(&[id]).await.ok()?.first().copied();
            if state.as_ref().is_none_or(&is_new) {
                break;
            }
        }
        state
    }

    /// `extra` of a verification; `None` for what is no payment of a channel.
    pub(super) async fn verified_extra(&self, asked: &Asked) -> Option<Object> {
        let id = channel_of(&asked.payment)?;
        let state = self.state_when(asked.offer.network().caip2(), id, |_| true).await?;
        as_object(told(id, &state))
    }

    /// `extra` of a settlement; `None` for what is no deposit.
    pub(super) async fn settled_extra(&self, asked: &Asked) -> Option<Object> {
        let Payment::Deposit { voucher, .. } = &asked.payment else { return None };
        let id = voucher.voucher.channel;
        let holds = |state: &ChannelOnChain| state.balance >= voucher.voucher.max_claimable;
        let state = self.state_when(asked.offer.network().caip2(), id, holds).await?;
        Some(settled(id, &state))
    }
}

/// `extra` of a settlement.
pub(super) fn settled(id: ChannelId, state: &ChannelOnChain) -> Object {
    [("channelState".to_owned(), told(id, state))].into_iter().collect()
}

fn channel_of(payment: &Payment) -> Option<ChannelId> {
    match payment {
        Payment::Voucher(voucher) | Payment::Deposit { voucher, .. } | Payment::Refund { voucher, .. } => {
            Some(voucher.voucher.channel)
        }
        Payment::Eip3009 { .. } | Payment::Permit2 { .. } | Payment::Upto { .. } => None,
    }
}

fn told(id: ChannelId, state: &ChannelOnChain) -> Value {
    json!({
        "channelId": id.get(),
        "balance": state.balance.to_string(),
        "totalClaimed": state.total_claimed.to_string(),
        "withdrawRequestedAt": state.withdrawal.map_or(0, |withdrawal| withdrawal.begun_at_s),
        "refundNonce": state.refund_nonce.to_string(),
    })
}

fn as_object(value: Value) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
