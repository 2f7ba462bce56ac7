//! Payment channels: calls that are paid by vouchers, drawn on money that a payer has deposited on a chain.
//!
//! Owns the table `channel`. A channel's money is an account of the book, which only its vouchers spend: a call by
//! voucher is a call of that account, so no chain is in its way. Claims, refunds and looks at the chain are jobs beside.
//!
//! Invariants:
//! - a charge is committed together with the voucher that allows it, and before the reply leaves; no channel is charged
//!   beyond its last voucher, or beyond what is in it;
//! - one request at a time has a channel;
//! - the account of a channel has its balance less what was charged, but for what was lost;
//! - a balance falls only by a refund from here, by a withdrawal that was seen to begin, where nobody has looked for as
//!   long as a withdrawal takes, or where every look has shown less for `ClaimRule::gone_after`, as after a reorganisation;
//! - nothing is spent from a channel whose last look showed less than is booked.

mod call;
mod charge;
mod claim;
mod observe;
mod present;
mod refund;
mod row;
mod seat;
mod stand;

pub(crate) use charge::{Charge, charge_in};
pub use claim::ClaimRule;
pub(crate) use row::NewChannel;
pub(crate) use seat::Seats;

use alloy_primitives::U256;
use farebox_base::{Micros, PartyId, Result, Timestamp};
use farebox_ledger::AccountId;
use farebox_x402::Refusal;
use farebox_x402::evm::{ChannelConfig, ChannelId, EcdsaSignature};
use farebox_x402::network::{Network, Token};
use farebox_x402::verify::ChannelState;
use farebox_x402::wire::{Object, Uint};
use std::sync::Arc;
use uuid::Uuid;

/// A channel as this process knows it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub id: ChannelId,
    pub network: Arc<Network>,
    pub token: Arc<Token>,
    pub config: ChannelConfig,
    pub party: PartyId,
    pub balance: Micros,
    pub charged: Micros,
    pub claimed: Micros,
    pub lost: Micros,
    /// The last voucher that was charged.
    pub last: Option<Kept>,
    /// Unix time in seconds since which the payer wants to withdraw.
    pub withdrawal_at_s: Option<i64>,
    pub moves: i64,
    pub refund: Option<Refunding>,
    pub seen_at: Timestamp,
    /// What the last look at the chain leaves to spend, where that is less than the balance.
    pub ceiling: Option<Micros>,
}

/// A voucher that was charged: what it comes to, in the token's smallest unit, and the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub signed: u128,
    pub signature: EcdsaSignature,
}

/// A refund that was begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refunding {
    pub id: Uuid,
    /// In the token's smallest unit.
    pub units: u128,
    /// Its number on the chain; `None`: it was begun by an older release.
    pub nonce: Option<U256>,
}

/// A channel's id as text.
pub(crate) fn id_text(id: ChannelId) -> String {
    format!("{:#x}", id.get())
}

impl Channel {
    pub(crate) fn account(&self) -> AccountId {
        AccountId::channel(self.party, &id_text(self.id))
    }

    /// The account of the world that the money comes from.
    pub(crate) fn outside(&self) -> AccountId {
        AccountId::outside(&format!("x402:{}", self.network.caip2()))
    }

    pub(crate) fn units(&self, amount: Micros) -> Result<u128> {
        let units = self.token.decimals().to_units(amount).ok().and_then(|units| u128::try_from(units).ok());
        units.ok_or_else(|| farebox_base::Error::internal(format!("{amount} of a channel can't be said in its token")))
    }

    /// What a voucher has to go on from.
    pub(crate) fn state(&self) -> Result<ChannelState> {
        let units = |amount| self.units(amount).map(U256::from);
        let usable = self.ceiling.map_or(self.balance, |ceiling| ceiling.min(self.balance));
        Ok(ChannelState { balance: units(usable)?, total_claimed: units(self.claimed)?, charged: units(self.charged)? })
    }

    /// The state as clients of the scheme read it.
    pub(crate) fn shown(&self) -> Result<Object> {
        let text = |amount| Ok::<_, farebox_base::Error>(serde_json::Value::from(self.units(amount)?.to_string()));
        Ok([
            ("channelId".to_owned(), id_text(self.id).into()),
            ("balance".to_owned(), text(self.balance)?),
            ("totalClaimed".to_owned(), text(self.claimed)?),
            ("withdrawRequestedAt".to_owned(), self.withdrawal_at_s.unwrap_or_default().into()),
            ("chargedCumulativeAmount".to_owned(), text(self.charged)?),
        ]
        .into_iter()
        .collect())
    }
}

/// What a call by voucher adds to the receipt.
pub(crate) fn receipt_extra(channel: &Channel, charged: Micros) -> Result<Object> {
    let amount = Uint(U256::from(channel.units(charged)?));
    let mut extra = Object::new();
    extra.insert("chargedAmount".to_owned(), amount.to_string().into());
    extra.insert("channelState".to_owned(), channel.shown()?.into());
    Ok(extra)
}

/// Why a channel can't be used now.
pub(crate) fn busy() -> Refusal {
    let message = "another request of this channel is under way; send the next one when it is answered";
    Refusal::new(farebox_x402::Reason::ChannelBusy, message)
}
