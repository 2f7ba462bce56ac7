//! Where a channel stands: from memory, else from the store, else from its chain, which is looked at again before what
//! is known of it could be older than a withdrawal takes.

use super::observe::{Observed, micros};
use super::row::{self, NewChannel};
use super::seat::Seated;
use super::{Channel, busy};
use crate::payment::refused;
use crate::{Calls, SignedPayment};
use alloy_primitives::U256;
use farebox_base::{Error, PartyId, Result, Timestamp};
use farebox_x402::evm::{ChannelConfig, ChannelId};
use farebox_x402::facilitator::channels::{ChannelOnChain, Channels};
use farebox_x402::offer::Correction;
use farebox_x402::payment::{Payment, SignedVoucher};
use farebox_x402::{Reason, Refusal};
use std::time::Duration;

/// The longest that a look at a chain is good for; a third of the time that a withdrawal takes where that is less.
const FRESH: Duration = Duration::from_secs(300);
/// When a look follows a deposit from here: reorganisations mostly come within the next blocks.
const SOON: Duration = Duration::from_secs(20);
/// How often a channel is read again that others change meanwhile.
const ATTEMPTS: u32 = 4;

impl SignedPayment {
    /// The channel that it is drawn on, and what its voucher comes to in the token's smallest unit.
    pub fn drawn(&self) -> Option<(ChannelId, u128)> {
        self.voucher().map(|signed| (signed.voucher.channel, signed.voucher.max_claimable))
    }

    /// The voucher that came, alone or with a deposit or a demand.
    pub(crate) fn voucher(&self) -> Option<&SignedVoucher> {
        match &self.payment {
            Payment::Voucher(voucher) | Payment::Deposit { voucher, .. } | Payment::Refund { voucher, .. } => {
                Some(voucher)
            }
            Payment::Eip3009 { .. } | Payment::Permit2 { .. } | Payment::Upto { .. } => None,
        }
    }
}

impl Calls {
    /// Who spends the channel of a payment, where it is drawn on one that is known or a deposit into it is under way.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn channel_owner(&self, signed: &SignedPayment) -> Result<Option<PartyId>> {
        let Some(id) = signed.voucher().map(|signed| signed.voucher.channel) else { return Ok(None) };
        if let Some(channel) = self.channels.look(id) {
            return Ok(Some(channel.party));
        }
        match row::load(&self.parts.db, &self.parts.payments.networks, id).await? {
            Some(channel) => Ok(Some(channel.party)),
            None => self.filler(id).await,
        }
    }

    /// What a client should correct its books to, who has sent a voucher for so much; `None` where nothing is known that
    /// could be told. Who has sent no more than was claimed is not told the last signature: vouchers that were claimed can
    /// be read on the chain, and whoever has the newest can demand a refund.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn channel_correction(&self, (id, sent): (ChannelId, u128)) -> Result<Option<Correction>> {
        let channel = match self.channels.look(id) {
            Some(channel) => Some(channel),
            None => row::load(&self.parts.db, &self.parts.payments.networks, id).await?,
        };
        let Some(channel) = channel else { return Ok(None) };
        let state = channel.state()?;
        Ok(Some(Correction {
            channel: id,
            balance: state.balance,
            total_claimed: state.total_claimed,
            charged: state.charged,
            voucher: channel
                .last
                .filter(|_| U256::from(sent) > state.total_claimed)
                .map(|kept| (U256::from(kept.signed), kept.signature)),
        }))
    }

    /// The channel of a payment as it stands now. `None`: neither store nor chain knows of it.
    pub(super) async fn channel_now(
        &self,
        seated: &Seated,
        signed: &SignedPayment,
        party: PartyId,
    ) -> Result<Option<Channel>> {
        let Some(voucher) = signed.voucher() else { return Err(Error::internal("a channel without a voucher")) };
        let (id, config) = (voucher.voucher.channel, &voucher.channel);
        for _ in 0..ATTEMPTS {
            let known = match seated.channel() {
                Some(channel) => Some(channel),
                None => row::load(&self.parts.db, &self.parts.payments.networks, id).await?,
            };
            let Some(channel) = known else {
                if !self.channel_looked_for(id, config, signed, party).await? {
                    return Ok(None);
                }
                continue;
            };
            if channel.refund.is_some() {
                return Err(refused(&busy()));
            }
            if self.parts.clock.now() < channel.seen_at.plus(good_for(&channel.config)) {
                seated.note(Some(channel.clone()));
                return Ok(Some(channel));
            }
            seated.note(self.channel_looked_at(channel).await?);
        }
        Err(refused(&busy()))
    }

    /// Looks at the chain; answers the channel as it is then, `None` where it has to be read again. Of one that shows less
    /// than is booked nothing is spent until that is explained.
    pub(super) async fn channel_looked_at(&self, channel: Channel) -> Result<Option<Channel>> {
        let seen = self.seen(self.chain_of(&channel)?, channel.id).await?;
        match self.channel_observed(&channel, &seen, false).await? {
            Observed::Booked => {}
            Observed::Changed => return Ok(None),
            Observed::Short => return Err(refused(&short())),
        }
        let read = row::load(&self.parts.db, &self.parts.payments.networks, channel.id).await?;
        read.map(|channel| with_ceiling(channel, &seen)).transpose()
    }

    /// Makes the row of a channel that the chain knows; `false`: it knows none.
    async fn channel_looked_for(
        &self,
        id: ChannelId,
        config: &ChannelConfig,
        signed: &SignedPayment,
        party: PartyId,
    ) -> Result<bool> {
        let network = signed.offer.network();
        let facilitator = self.parts.payments.facilitators.of(network.caip2());
        let Some(chain) = facilitator.and_then(|facilitator| facilitator.channels()) else { return Ok(false) };
        let seen = self.seen(chain, id).await?;
        // What is withdrawn from one that shows nothing yet is known before money comes in.
        if seen.balance == 0 && seen.withdrawal.is_none() {
            return Ok(false);
        }
        let new = NewChannel { id, network: network.caip2().to_string(), config: *config, party };
        self.channel_found(&new, signed.offer.token(), &seen).await?;
        Ok(true)
    }

    pub(super) fn chain_of(&self, channel: &Channel) -> Result<&dyn Channels> {
        let facilitator = self.parts.payments.facilitators.of(channel.network.caip2());
        facilitator.and_then(|facilitator| facilitator.channels()).ok_or_else(|| refused(&unreachable()))
    }

    pub(super) async fn seen(&self, chain: &dyn Channels, id: ChannelId) -> Result<ChannelOnChain> {
        let seen = chain.states(&[id]).await.map_err(|refusal| refused(&refusal))?;
        seen.first().copied().ok_or_else(|| refused(&unreachable()))
    }
}

/// How long a look at a channel is good for.
pub(super) fn good_for(config: &ChannelConfig) -> Duration {
    FRESH.min(Duration::from_secs(config.withdraw_delay_s / 3))
}

/// The time of a look that is followed by another one soon.
pub(super) fn looked_at_soon(config: &ChannelConfig, now: Timestamp) -> Timestamp {
    now.minus(good_for(config).saturating_sub(SOON))
}

/// While the payer withdraws, or the chain shows less than is booked, no more is spent than stays.
pub(super) fn with_ceiling(channel: Channel, seen: &ChannelOnChain) -> Result<Channel> {
    let leaves = seen.balance.saturating_sub(seen.withdrawal.map_or(0, |withdrawal| withdrawal.amount));
    let leaves = micros(&channel.token, leaves)?;
    Ok(Channel { ceiling: (leaves < channel.balance).then_some(leaves), ..channel })
}

fn short() -> Refusal {
    let message = "the chain shows less in the channel than was deposited; it is looked at again, so send the request \
                   again in a moment";
    Refusal::new(Reason::ChannelBusy, message)
}

fn unreachable() -> Refusal {
    Refusal::new(
        Reason::UnexpectedVerifyError,
        "the channel can't be looked at now; send the request again in a moment",
    )
}
