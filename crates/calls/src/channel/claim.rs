//! Claims: what vouchers promise is put on chain now and then, many channels in one transaction, and at once where a
//! payer withdraws.
//!
//! Owns when that is due, and the looks at channels that are beside; presenting is `present`. Takes no input but the
//! time; running it twice moves nothing more, because what is claimed is cumulative. One channel that fails keeps no other
//! from its claim.

use super::present::Turn;
use super::{Channel, id_text, row};
use crate::Calls;
use farebox_base::{CallId, Micros, Result, Timestamp};
use farebox_db::sql;
use farebox_x402::evm::{ChannelId, address};
use farebox_x402::facilitator::Settlement;
use farebox_x402::facilitator::channels::ChannelOnChain;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

/// The most channels of one transaction.
const CLAIMS_MAX: usize = 100;
/// The most channels of a network that one round looks at.
const ROUND: i64 = 1_000;

/// How often an idle channel is looked at.
const IDLE_LOOK: Duration = Duration::from_secs(6 * 3_600);

/// When claims are due.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRule {
    /// How long a charge may wait.
    pub after: Duration,
    /// How much of one channel is claimed at once, however long it has waited.
    pub amount: Micros,
    /// How long every look has to show less in a channel than is booked, with no refund or withdrawal that explains it,
    /// before it is written off; longer than nodes are behind each other.
    pub gone_after: Duration,
}

impl Default for ClaimRule {
    fn default() -> Self {
        Self { after: Duration::from_secs(600), amount: Micros::new(5_000_000), gone_after: Duration::from_secs(120) }
    }
}

impl Calls {
    /// Looks at the channels that owe something, and claims what is due; answers how many channels were claimed. What is
    /// wrong with one channel is told in the log.
    ///
    /// # Errors
    /// Those of the database, the first once all networks have had their turn.
    pub async fn channels_claim(&self) -> Result<u64> {
        self.channels_resume().await?;
        self.watch_short().await?;
        let (mut claimed, mut failure) = (0, None);
        let networks: Vec<String> =
            self.parts.payments.facilitators.networks().map(|network| network.as_str().to_owned()).collect();
        for network in networks {
            for done in [self.claim_on(&network).await, self.watch_idle(&network).await.map(|()| 0)] {
                match done {
                    Ok(channels) => claimed += channels,
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
        }
        failure.map_or(Ok(claimed), Err)
    }

    /// Goes on with claims and refunds that were begun.
    async fn channels_resume(&self) -> Result<()> {
        const REFUNDS: &str = sql!("SELECT id FROM channel WHERE refund_id IS NOT NULL ORDER BY id LIMIT 100");
        for row in self.parts.db.query(REFUNDS, &[]).await? {
            let Some(id) = channel_id(row.get(0)?) else { continue };
            let Some(seated) = self.channels.take_for_job(id) else { continue };
            let Some(channel) = self.channel_read(id).await.filter(|channel| channel.refund.is_some()) else {
                continue;
            };
            if let Err(error) = self.refund_ended(&seated, channel).await {
                tracing::warn!(channel = %id_text(id), message = %error.message, "a refund of a channel has not ended");
            }
        }
        const CLAIMS: &str =
            sql!("SELECT claim_id, id FROM channel WHERE claim_id IS NOT NULL ORDER BY claim_id, id LIMIT 1000");
        let mut begun: BTreeMap<String, Vec<ChannelId>> = BTreeMap::new();
        for row in self.parts.db.query(CLAIMS, &[]).await? {
            begun.entry(row.get(0)?).or_default().extend(channel_id(row.get(1)?));
        }
        for (claim, ids) in begun {
            let Ok(claim) = claim.parse::<Uuid>() else { continue };
            let mut channels = Vec::with_capacity(ids.len());
            for id in ids {
                channels.extend(self.channel_read(id).await);
            }
            if self.present(claim, &channels, Turn::Later).await? > 0 {
                self.sweep(&channels).await?;
            }
        }
        Ok(())
    }

    async fn claim_on(&self, network: &str) -> Result<u64> {
        const OWING: &str = sql!(
            "SELECT id, owed_since FROM channel WHERE network = $1 AND charged > claimed AND balance > claimed
               AND claim_id IS NULL AND refund_id IS NULL ORDER BY id LIMIT $2"
        );
        let (rule, now) = (self.parts.settings.claims, self.parts.clock.now());
        let mut due = Vec::new();
        let rows = self.parts.db.query(OWING, &[network.into(), ROUND.into()]).await?;
        for rows in rows.chunks(CLAIMS_MAX) {
            let mut owing = Vec::with_capacity(rows.len());
            for row in rows {
                let Some(id) = channel_id(row.get(0)?) else { continue };
                let since: Option<Timestamp> = row.get(1)?;
                owing.extend(self.channel_read(id).await.map(|channel| (channel, since.unwrap_or(now))));
            }
            let channels: Vec<Channel> = owing.iter().map(|(channel, _)| channel.clone()).collect();
            let watched = self.channels_watched(&channels).await?;
            for (channel, (_, since)) in watched.into_iter().zip(owing) {
                let owed = channel.charged.min(channel.balance).checked_sub(channel.claimed)?;
                let is_old = now >= since.plus(rule.after);
                if owed > Micros::ZERO && (is_old || owed >= rule.amount || channel.withdrawal_at_s.is_some()) {
                    due.push(channel);
                }
            }
        }
        let mut claimed = 0;
        for channels in due.chunks(CLAIMS_MAX) {
            claimed += self.claim_together(channels).await?;
        }
        if claimed > 0 {
            self.sweep(&due).await?;
        }
        Ok(claimed)
    }

    /// Looks again at channels of which the chain showed less than is booked.
    async fn watch_short(&self) -> Result<()> {
        for id in self.channels.short(CLAIMS_MAX) {
            if let Some(channel) = self.channel_read(id).await {
                self.channels_watched(&[channel]).await?;
            }
        }
        Ok(())
    }

    /// Looks now and then at channels that owe nothing and still hold money, which their payers may take back.
    async fn watch_idle(&self, network: &str) -> Result<()> {
        const IDLE: &str = sql!(
            "SELECT id FROM channel WHERE network = $1 AND seen_at <= $2 AND balance > charged AND charged <= claimed
               AND refund_id IS NULL ORDER BY seen_at LIMIT $3"
        );
        let before = self.parts.clock.now().minus(IDLE_LOOK);
        let most = i64::try_from(CLAIMS_MAX).unwrap_or(i64::MAX);
        let mut idle = Vec::new();
        for row in self.parts.db.query(IDLE, &[network.into(), before.into(), most.into()]).await? {
            let Some(id) = channel_id(row.get(0)?) else { continue };
            idle.extend(self.channel_read(id).await);
        }
        self.channels_watched(&idle).await.map(|_| ())
    }

    /// The channels after a look at their chain; as they were where it can't be reached.
    async fn channels_watched(&self, channels: &[Channel]) -> Result<Vec<Channel>> {
        let Some(first) = channels.first() else { return Ok(Vec::new()) };
        let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
        let Ok(chain) = self.chain_of(first) else { return Ok(Vec::new()) };
        let Ok(states) = chain.states(&ids).await else {
            tracing::warn!(network = %first.network.caip2(), "the channels of a network can't be looked at");
            return Ok(channels.to_vec());
        };
        let mut watched = Vec::with_capacity(channels.len());
        for (channel, seen) in channels.iter().zip(&states) {
            watched.push(with_withdrawal(self.channel_watched(channel, seen).await, seen));
        }
        Ok(watched)
    }

    /// The channel after what was seen of it is booked; as it was where that can't be done now.
    async fn channel_watched(&self, channel: &Channel, seen: &ChannelOnChain) -> Channel {
        // Whoever has the channel in hand looks at the chain himself when that is due.
        let Some(seated) = self.channels.take_for_job(channel.id) else { return channel.clone() };
        seated.note(None);
        if let Err(error) = self.channel_observed(channel, seen, false).await {
            let internal = error.internal.as_ref();
            tracing::error!(channel = %id_text(channel.id), ?internal, message = %error.message, "what a channel's chain shows can't be booked");
        }
        self.channel_read(channel.id).await.unwrap_or_else(|| channel.clone())
    }

    /// The channel; one that can't be read is told in the log and left out.
    async fn channel_read(&self, id: ChannelId) -> Option<Channel> {
        match row::load(&self.parts.db, &self.parts.payments.networks, id).await {
            Ok(channel) => channel,
            Err(error) => {
                let internal = error.internal.as_ref();
                tracing::error!(channel = %id_text(id), ?internal, message = %error.message, "a channel can't be read");
                None
            }
        }
    }

    /// Has the receivers paid what was claimed.
    async fn sweep(&self, claimed: &[Channel]) -> Result<()> {
        let places: BTreeSet<_> =
            claimed.iter().map(|channel| (channel.config.receiver, channel.config.token)).collect();
        let Some(first) = claimed.first() else { return Ok(()) };
        let chain = self.chain_of(first)?;
        for (receiver, token) in places {
            let id = CallId::generate(&*self.parts.clock, &*self.parts.rng).uuid();
            if let Settlement::NotTaken(refusal) = chain.sweep(id, receiver, token).await {
                let receiver = address::checksummed(receiver);
                tracing::warn!(%receiver, message = %refusal.message, "what was claimed is still with the contract; it is paid with the next claim");
            }
        }
        Ok(())
    }
}

fn with_withdrawal(channel: Channel, seen: &ChannelOnChain) -> Channel {
    let withdrawal_at_s = seen.withdrawal.and_then(|withdrawal| i64::try_from(withdrawal.begun_at_s).ok());
    Channel { withdrawal_at_s, ..channel }
}

fn channel_id(text: &str) -> Option<ChannelId> {
    text.parse().ok().map(ChannelId::new)
}
