//! What is left in a channel goes back to its payer when he asks: what was charged is claimed, the rest refunded, in one
//! transaction on the chain.
//!
//! Invariant: a refund is written down before it is begun; until it has ended the channel takes no voucher.

use super::observe::Observed;
use super::present::claim_of;
use super::seat::Seated;
use super::{Channel, Refunding, busy, id_text};
use crate::payment::refused;
use crate::{Answer, Calls, Receipt, SignedPayment};
use alloy_primitives::U256;
use farebox_base::{CallId, Error, Kind, Micros, PartyId, Result};
use farebox_db::{Isolation, sql, tx};
use farebox_ledger::balance::balance_get;
use farebox_x402::evm::ChannelId;
use farebox_x402::facilitator::Settlement;
use farebox_x402::facilitator::channels::Refund;
use farebox_x402::payment::Payment;
use farebox_x402::{Reason, Refusal};
use http::Response;
use http::header::CONTENT_TYPE;
use uuid::Uuid;

impl Calls {
    /// Refunds; the seller is not asked for anything.
    pub(crate) async fn refund_channel(&self, party: PartyId, signed: &SignedPayment) -> Result<Answer> {
        let (Some(voucher), Payment::Refund { amount, .. }) = (signed.voucher(), &signed.payment) else {
            return Err(Error::internal("a refund without a voucher"));
        };
        let id = voucher.voucher.channel;
        let Some(seated) = self.channels.take(id).await else { return Err(refused(&busy())) };
        let mut known = self.channel_now(&seated, signed, party).await?;
        if known
            .as_ref()
            .is_some_and(|channel| channel.units(channel.charged).ok() != Some(voucher.voucher.max_claimable))
        {
            seated.note(None);
            known = self.channel_now(&seated, signed, party).await?;
        }
        let Some(channel) = known else {
            return Err(refused(&Refusal::new(Reason::ChannelNotFound, "the channel has nothing in it")));
        };
        let charged = channel.units(channel.charged)?;
        if charged != voucher.voucher.max_claimable {
            let (reason, came) = (Reason::VoucherCumulativeMismatch, voucher.voucher.max_claimable);
            return Err(refused(&Refusal::mismatch(reason, "maxClaimableAmount", charged, came)));
        }
        let least = signed.offer.least_moved();
        // A call that another process has begun is paid from the same money.
        if balance_get(&self.parts.db, &channel.account()).await?.held > Micros::ZERO {
            return Err(refused(&busy()));
        }
        let (units, nonce) = self.refundable(&channel, charged, *amount, least).await?;
        let channel = self.refund_begun(channel, units, nonce).await?;
        let transaction = self.refund_ended(&seated, channel).await?;
        Ok(acknowledged(self.nothing_charged(), signed, id, &transaction))
    }

    fn nothing_charged(&self) -> Receipt {
        let call_id = CallId::generate(&*self.parts.clock, &*self.parts.rng);
        Receipt { call_id, amount: Micros::ZERO, free_tier: false, latency_ms: 0, replayed: false }
    }

    /// How much of what is asked for is there, in the token's smallest unit, and the number that its refund has.
    /// A part is at least what is worth a transaction of its own.
    async fn refundable(
        &self,
        channel: &Channel,
        charged: u128,
        asked: Option<U256>,
        least: U256,
    ) -> Result<(u128, U256)> {
        let seen = self.seen(self.chain_of(channel)?, channel.id).await?;
        let rest = seen.balance.saturating_sub(charged);
        if rest == 0 {
            return Err(refused(&Refusal::new(Reason::RefundNoBalance, "nothing is left in the channel")));
        }
        let Some(asked) = asked else { return Ok((rest, seen.refund_nonce)) };
        if asked.is_zero() || (asked < least && asked < U256::from(rest)) {
            let least = least.max(U256::from(1));
            let message = format!("amount: must be at least {least}, or all {rest} that are left");
            return Err(refused(&Refusal::new(Reason::RefundAmountInvalid, message)));
        }
        Ok((u128::try_from(asked).unwrap_or(u128::MAX).min(rest), seen.refund_nonce))
    }

    async fn refund_begun(&self, channel: Channel, units: u128, nonce: U256) -> Result<Channel> {
        const BEGIN: &str = sql!(
            "UPDATE channel SET refund_id = $4, refund_units = $5, refund_nonce = $6
             WHERE id = $1 AND moves = $2 AND charged = $3 AND refund_id IS NULL"
        );
        let refund = CallId::generate(&*self.parts.clock, &*self.parts.rng).uuid();
        let (id, refund_text, units_text) = (id_text(channel.id), refund.to_string(), units.to_string());
        let nonce_text = nonce.to_string();
        let begun = tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            let params = [
                id.as_str().into(),
                channel.moves.into(),
                channel.charged.into(),
                refund_text.as_str().into(),
                units_text.as_str().into(),
                nonce_text.as_str().into(),
            ];
            Ok(tx.execute(BEGIN, &params).await?)
        })?;
        if begun == 0 {
            return Err(refused(&busy()));
        }
        Ok(Channel { refund: Some(Refunding { id: refund, units, nonce: Some(nonce) }), ..channel })
    }

    /// Sends a refund that was written down, or asks what became of it; answers its transaction.
    pub(super) async fn refund_ended(&self, seated: &Seated, channel: Channel) -> Result<String> {
        let Some(refund) = channel.refund else { return Err(Error::internal("a refund that never began")) };
        seated.note(None);
        let chain = self.chain_of(&channel)?;
        let seen = self.seen(chain, channel.id).await?;
        let claim = if channel.charged > channel.claimed { claim_of(&channel, &seen)? } else { None };
        let (amount, nonce) = (refund.units, refund.nonce.unwrap_or(seen.refund_nonce));
        let order = Refund { id: refund.id, channel: channel.config, amount, nonce, claim };
        match chain.refund(&order).await {
            Settlement::Pending { .. } => Err(under_way()),
            Settlement::NotTaken(refusal) => {
                self.refund_given_up(channel.id, refund.id).await?;
                Err(refused(&refusal))
            }
            Settlement::Settled { transaction } => {
                let seen = self.seen(chain, channel.id).await?;
                // A node may be behind the one that has the transaction; its balance may have risen in other ways.
                if refund.nonce.is_some_and(|nonce| seen.refund_nonce <= nonce) {
                    return Err(under_way());
                }
                // Another process may still hold part of the channel for a call; the money has moved, and is booked then.
                let booked = self.channel_observed(&channel, &seen, true).await.unwrap_or_else(|error| {
                    tracing::warn!(channel = %id_text(channel.id), internal = ?error.internal, "a refund that was made can't be booked yet; it will be");
                    Observed::Changed
                });
                match booked {
                    Observed::Booked => Ok(transaction),
                    Observed::Changed | Observed::Short => Err(under_way()),
                }
            }
        }
    }

    async fn refund_given_up(&self, id: ChannelId, refund: Uuid) -> Result<()> {
        const GIVE_UP: &str = sql!(
            "UPDATE channel SET refund_id = NULL, refund_units = NULL, refund_nonce = NULL WHERE id = $1 AND refund_id = $2"
        );
        let (id, refund) = (id_text(id), refund.to_string());
        tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            tx.execute(GIVE_UP, &[id.as_str().into(), refund.as_str().into()]).await?;
            Ok(())
        })
    }
}

fn acknowledged(receipt: Receipt, signed: &SignedPayment, id: ChannelId, transaction: &str) -> Answer {
    let body = serde_json::json!({ "message": "Refunded", "channelId": id_text(id) }).to_string();
    let mut response = Response::new(farebox_net::full(body));
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    let answer = Answer::new(Ok(response), receipt);
    Answer { payment: Some(Box::new(signed.settled(transaction))), ..answer }
}

fn under_way() -> Error {
    let message = "The refund was sent to its chain and is not final yet; ask again in a moment";
    Error::new(Kind::Unavailable, Reason::SettlementPending.code(), message).with_retry_after(2)
}
