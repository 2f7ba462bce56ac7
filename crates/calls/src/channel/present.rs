//! Vouchers are put on chain, those of many channels in one transaction.
//!
//! What is presented is written down first, so that a claim that was begun is looked after by whichever process is there.
//!
//! Invariant: of a channel only that is written down as claimed what a settled claim has presented or its chain shows.

use super::observe::micros;
use super::{Channel, id_text};
use crate::Calls;
use farebox_base::{CallId, Error, Micros, Result};
use farebox_db::{Isolation, Rows, sql, tx};
use farebox_x402::evm::ChannelId;
use farebox_x402::facilitator::Settlement;
use farebox_x402::facilitator::channels::{ChannelOnChain, Claim};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Whether what is presented is what was written down with its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    /// Something else may have been sent under the claim.
    Later,
}

impl Calls {
    /// Claims of several channels at once, and one by one where the chain refuses that; answers of how many.
    pub(super) async fn claim_together(&self, channels: &[Channel]) -> Result<u64> {
        let (claim, channels) = self.claim_begun(channels).await?;
        let claimed = self.present(claim, &channels, Turn::First).await?;
        if claimed > 0 {
            return Ok(claimed);
        }
        let mut claimed = 0;
        for channel in channels.iter().filter(|_| channels.len() > 1) {
            let one = std::slice::from_ref(channel);
            let (claim, one) = self.claim_begun(one).await?;
            claimed += self.present(claim, &one, Turn::First).await?;
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

    /// Presents the vouchers of channels that carry the claim; answers of how many the chain has taken them.
    pub(super) async fn present(&self, claim: Uuid, channels: &[Channel], turn: Turn) -> Result<u64> {
        let Some(first) = channels.first() else { return Ok(0) };
        let Ok(chain) = self.chain_of(first) else { return Ok(0) };
        let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
        let Ok(mut states) = chain.states(&ids).await else { return Ok(0) };
        let mut claims: Vec<Option<Claim>> =
            channels.iter().zip(&states).map(|(channel, seen)| claim_if_any(channel, seen)).collect();
        let presented: Vec<Claim> = claims.iter().flatten().cloned().collect();
        if !presented.is_empty() {
            match chain.claim(claim, &presented).await {
                Settlement::Settled { .. } => {}
                Settlement::Pending { .. } => return Ok(0),
                Settlement::NotTaken(refusal) => {
                    tracing::error!(%claim, reason = refusal.reason.code(), message = %refusal.message, "a claim was not taken; it is tried again");
                    self.claim_ended(claim, &[]).await?;
                    return Ok(0);
                }
            }
            if turn == Turn::Later {
                let Ok(after) = chain.states(&ids).await else { return Ok(0) };
                (states, claims) = (after, vec![None; channels.len()]);
            }
        }
        let mut totals = Vec::with_capacity(channels.len());
        for ((channel, seen), claim) in channels.iter().zip(&states).zip(&claims) {
            let units = claim.as_ref().map_or(seen.total_claimed, |claim| claim.total_claimed.max(seen.total_claimed));
            totals.push((id_text(channel.id), micros(&channel.token, units)?));
        }
        self.claim_ended(claim, &totals).await?;
        Ok(u64::try_from(presented.len()).unwrap_or(u64::MAX))
    }

    /// Lets the channels of a claim go, with what is claimed of each in all, where that is known.
    async fn claim_ended(&self, claim: Uuid, totals: &[(String, Micros)]) -> Result<()> {
        const CLAIMED: &str = sql!(
            "UPDATE channel SET claimed = CASE WHEN $3 > claimed THEN $3 ELSE claimed END,
               owed_since = CASE WHEN $3 >= charged THEN NULL WHEN $3 > claimed THEN $4 ELSE owed_since END
             WHERE claim_id = $1 AND id = $2"
        );
        const LET_GO: &str = sql!("UPDATE channel SET claim_id = NULL, claim_total = NULL WHERE claim_id = $1");
        let (claim, now) = (claim.to_string(), self.parts.clock.now());
        tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            for (id, total) in totals {
                tx.execute(CLAIMED, &[claim.as_str().into(), id.as_str().into(), (*total).into(), now.into()]).await?;
            }
            tx.execute(LET_GO, &[claim.as_str().into()]).await?;
            Ok(())
        })
    }
}

/// As [`claim_of`]; of a channel whose vouchers can't be presented that is told, and nothing is.
fn claim_if_any(channel: &Channel, seen: &ChannelOnChain) -> Option<Claim> {
    claim_of(channel, seen).unwrap_or_else(|error| {
        tracing::error!(channel = %id_text(channel.id), internal = ?error.internal, "a channel can't be claimed from");
        None
    })
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
