//! Claims: what vouchers promise is put on chain now and then, many channels in one transaction, and at once where a
//! payer withdraws.
//!
//! Takes no input but the time; running it twice moves nothing more, because what is claimed is cumulative. What is
//! presented is written down first, so that a claim that was begun is looked after by whichever process is there.

use super::{Channel, id_text, row};
use crate::Calls;
use farebox_base::{CallId, Error, Micros, Result, Timestamp};
use farebox_db::{Isolation, Rows, sql, tx};
use farebox_x402::evm::{ChannelId, address};
use farebox_x402::facilitator::Settlement;
use farebox_x402::facilitator::channels::{ChannelOnChain, Claim};
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
}

impl Default for ClaimRule {
    fn default() -> Self {
        Self { after: Duration::from_secs(600), amount: Micros::new(5_000_000) }
    }
}

impl Calls {
    /// Looks at the channels that owe something, and claims what is due; answers how many channels were claimed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn channels_claim(&self) -> Result<u64> {
        self.channels_resume().await?;
        let mut claimed = 0;
        let networks: Vec<String> =
            self.parts.payments.facilitators.networks().map(|network| network.as_str().to_owned()).collect();
        for network in networks {
            claimed += self.claim_on(&network).await?;
            self.watch_idle(&network).await?;
        }
        Ok(claimed)
    }

    /// Goes on with claims and refunds that were begun.
    async fn channels_resume(&self) -> Result<()> {
        const REFUNDS: &str = sql!("SELECT id FROM channel WHERE refund_id IS NOT NULL ORDER BY id LIMIT 100");
        for row in self.parts.db.query(REFUNDS, &[]).await? {
            let Some(id) = channel_id(row.get(0)?) else { continue };
            let Some(seated) = self.channels.take_for_job(id) else { continue };
            let Some(channel) = self.channel_read(id).await?.filter(|channel| channel.refund.is_some()) else {
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
                channels.extend(self.channel_read(id).await?);
            }
            if self.present(claim, &channels).await? {
                self.sweep(&channels).await?;
            }
        }
        Ok(())
    }

    async fn claim_on(&self, network: &str) -> Result<u64> {
        const OWING: &str = sql!(
            "SELECT id, owed_since FROM channel WHERE network = $1 AND charged > claimed AND claim_id IS NULL
               AND refund_id IS NULL ORDER BY id LIMIT $2"
        );
        let (rule, now) = (self.parts.settings.claims, self.parts.clock.now());
        let mut due = Vec::new();
        let rows = self.parts.db.query(OWING, &[network.into(), ROUND.into()]).await?;
        for rows in rows.chunks(CLAIMS_MAX) {
            let mut owing = Vec::with_capacity(rows.len());
            for row in rows {
                let Some(id) = channel_id(row.get(0)?) else { continue };
                let since: Option<Timestamp> = row.get(1)?;
                owing.extend(self.channel_read(id).await?.map(|channel| (channel, since.unwrap_or(now))));
            }
            let channels: Vec<Channel> = owing.iter().map(|(channel, _)| channel.clone()).collect();
            let watched = self.channels_watched(&channels).await?;
            for (channel, (_, since)) in watched.into_iter().zip(owing) {
                let owed = channel.charged.checked_sub(channel.claimed)?;
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
            idle.extend(self.channel_read(id).await?);
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
            // Whoever has the channel in hand looks at the chain himself when that is due.
            let Some(seated) = self.channels.take_for_job(channel.id) else {
                watched.push(with_withdrawal(channel.clone(), seen));
                continue;
            };
            seated.note(None);
            self.channel_observed(channel, seen, false).await?;
            let read = self.channel_read(channel.id).await?;
            watched.push(with_withdrawal(read.unwrap_or_else(|| channel.clone()), seen));
        }
        Ok(watched)
    }

    async fn channel_read(&self, id: ChannelId) -> Result<Option<Channel>> {
        row::load(&self.parts.db, &self.parts.payments.networks, id).await
    }

    /// Claims of several channels at once, and one by one where the chain refuses that.
    async fn claim_together(&self, channels: &[Channel]) -> Result<u64> {
        let (claim, channels) = self.claim_begun(channels).await?;
        if self.present(claim, &channels).await? {
            return Ok(u64::try_from(channels.len()).unwrap_or(u64::MAX));
        }
        let mut claimed = 0;
        for channel in channels.iter().filter(|_| channels.len() > 1) {
            let one = std::slice::from_ref(channel);
            let (claim, one) = self.claim_begun(one).await?;
            claimed += u64::from(self.present(claim, &one).await?);
        }
        Ok(claimed)
    }

    /// Writes the claim down; answers the channels that no other process claims of at the same time.
    async fn claim_begun(&self, channels: &[Channel]) -> Result<(Uuid, Vec<Channel>)> {
        const BEGIN: &str = sql!(
            "UPDATE channel SET claim_id = $2, claim_total = $3
             WHERE id = $1 AND claim_id IS NULL AND charged >= $3 AND claimed < $3 RETURNING id"
        );
        let claim = CallId::generate(&*self.parts.clock, &*self.parts.rng).uuid();
        let claim_text = claim.to_string();
        let ids: Vec<String> = channels.iter().map(|channel| id_text(channel.id)).collect();
        let mut rows = Rows::with_capacity(channels.len(), 3);
        for (channel, id) in channels.iter().zip(&ids) {
            rows.push([id.into(), (&claim_text).into(), channel.charged.into()]);
        }
        let begun = tx!(self.parts.db, Isolation::ReadCommitted, tx => { Ok(tx.query_many(BEGIN, &rows).await?) })?;
        let begun: BTreeSet<String> = begun.iter().map(|row| Ok(row.get(0)?)).collect::<Result<_>>()?;
        let ours = channels.iter().zip(&ids).filter(|(_, id)| begun.contains(*id));
        Ok((claim, ours.map(|(channel, _)| channel.clone()).collect()))
    }

    /// Presents the vouchers of channels that carry the claim; `true`: the chain has taken them.
    async fn present(&self, claim: Uuid, channels: &[Channel]) -> Result<bool> {
        let Some(first) = channels.first() else { return Ok(false) };
        let chain = match self.chain_of(first) {
            Ok(chain) => chain,
            Err(_) => return Ok(false),
        };
        let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
        let Ok(states) = chain.states(&ids).await else { return Ok(false) };
        let mut claims = Vec::with_capacity(channels.len());
        for (channel, seen) in channels.iter().zip(&states) {
            claims.extend(claim_of(channel, seen)?);
        }
        let settlement = match claims.is_empty() {
            true => Settlement::Settled { transaction: String::new() },
            false => chain.claim(claim, &claims).await,
        };
        match settlement {
            Settlement::Pending { .. } => Ok(false),
            Settlement::Settled { .. } => self.claim_ended(claim, true).await.map(|()| true),
            Settlement::NotTaken(refusal) => {
                tracing::error!(%claim, reason = refusal.reason.code(), message = %refusal.message, "a claim was not taken; it is tried again");
                self.claim_ended(claim, false).await.map(|()| false)
            }
        }
    }

    async fn claim_ended(&self, claim: Uuid, is_taken: bool) -> Result<()> {
        const END: &str = sql!(
            "UPDATE channel SET claimed = CASE WHEN $2 = 1 AND claim_total > claimed THEN claim_total ELSE claimed END,
               owed_since = CASE WHEN $2 = 1 AND charged > claim_total THEN $3 WHEN $2 = 1 THEN NULL ELSE owed_since END,
               claim_id = NULL, claim_total = NULL WHERE claim_id = $1"
        );
        let (claim, now) = (claim.to_string(), self.parts.clock.now());
        tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            tx.execute(END, &[claim.as_str().into(), is_taken.into(), now.into()]).await?;
            Ok(())
        })
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

/// What there is to present of a channel; nothing where the chain knows it all.
pub(super) fn claim_of(channel: &Channel, seen: &ChannelOnChain) -> Result<Option<Claim>> {
    let total_claimed = channel.units(channel.charged)?.min(seen.balance);
    if total_claimed <= seen.total_claimed {
        return Ok(None);
    }
    let kept = channel.last.clone();
    let kept =
        kept.ok_or_else(|| Error::internal(format!("channel {} was charged without a voucher", id_text(channel.id))))?;
    Ok(Some(Claim { channel: channel.config, max_claimable: kept.signed, signature: kept.signature, total_claimed }))
}

fn channel_id(text: &str) -> Option<ChannelId> {
    text.parse().ok().map(ChannelId::new)
}
