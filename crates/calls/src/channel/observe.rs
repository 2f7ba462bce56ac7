//! What a look at the chain changes in the book: deposits made elsewhere, withdrawals, refunds.

use super::row::{Beginning, NewChannel};
use super::stand::good_for;
use super::{Channel, id_text};
use crate::Calls;
use alloy_primitives::U256;
use farebox_base::{Error, Micros, PartyId, Result, Timestamp};
use farebox_db::{Isolation, Tx, sql, tx};
use farebox_ledger::transfer::transfer_in;
use farebox_ledger::{AccountId, Leg, Outcome, Transfer, TransferKind};
use farebox_x402::evm::ChannelId;
use farebox_x402::facilitator::channels::{ChannelOnChain, Withdrawal};
use farebox_x402::network::Token;
use std::time::Duration;

/// What a look at the chain has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    Booked,
    /// Nothing: the channel has changed since it was read.
    Changed,
    /// The chain shows less than is booked, and nothing explains it yet; a node may be behind.
    Short,
}

impl Calls {
    /// Books what the chain says of a channel. `ended`: a refund from here is part of it.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn channel_observed(
        &self,
        channel: &Channel,
        seen: &ChannelOnChain,
        ended: bool,
    ) -> Result<Observed> {
        let now = self.parts.clock.now();
        let is_gone = self.is_gone(channel, seen, now)?;
        let change = Change::of(channel, seen, Known { ended, is_gone }, now)?;
        let changed =
            tx!(self.parts.db, Isolation::ReadCommitted, tx => { change.apply_in(tx, channel, seen, now).await })?;
        Ok(match (changed, change.is_explained) {
            (false, _) => Observed::Changed,
            (true, false) => Observed::Short,
            (true, true) => {
                self.channels.whole(channel.id);
                Observed::Booked
            }
        })
    }

    /// Whether the chain has shown less than is booked for so long that no node can be behind that far.
    fn is_gone(&self, channel: &Channel, seen: &ChannelOnChain, now: Timestamp) -> Result<bool> {
        if micros(&channel.token, seen.balance)? >= channel.balance {
            self.channels.whole(channel.id);
            return Ok(false);
        }
        let since = self.channels.short_since(channel.id, now);
        if since == now {
            let id = id_text(channel.id);
            tracing::warn!(channel = %id, booked = %channel.balance, "the chain shows less in a channel than is booked; nothing is spent from it until that is explained");
        }
        Ok(now >= since.plus(self.parts.settings.claims.gone_after))
    }

    /// Makes the row of a channel that the chain knows and the store does not.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn channel_found(&self, new: &NewChannel, token: &Token, seen: &ChannelOnChain) -> Result<()> {
        let (balance, claimed) = (micros(token, seen.balance)?, micros(token, seen.total_claimed)?);
        let account = new.account();
        let outside = AccountId::outside(&format!("x402:{}", new.network));
        let (amount, now) = (balance.checked_sub(claimed)?, self.parts.clock.now());
        let id = id_text(new.id);
        let first = Beginning { balance, claimed, withdrawal: leaving(token, seen)?, seen_at: now };
        tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            if is_filled_in(tx, &id).await? || !new.put_in(tx, &first, now).await? {
                return Ok(());
            }
            let legs = [(outside.clone(), Micros::ZERO.checked_sub(amount)?), (account.clone(), amount)];
            move_in(tx, &format!("channel:{id}:0"), TransferKind::CryptoDeposit, &legs, now).await
        })
    }

    /// For whom a deposit into the channel is settled or may be, and is not booked.
    pub(super) async fn filler(&self, id: ChannelId) -> Result<Option<PartyId>> {
        let row = self.parts.db.one(FILLING, &[id_text(id).as_str().into()]).await?;
        let account = row.map(|row| row.get::<String>(0)).transpose()?;
        Ok(account.as_deref().and_then(AccountId::parse).and_then(|account| account.party()))
    }
}

/// Deposits into a channel that are settled or may be, and are not booked, whoever's account they are for. The accounts of a
/// channel end in its id, which has 66 letters.
const FILLING: &str = sql!(
    "SELECT deposit_to FROM payment WHERE state = 'earned' AND substr(deposit_to, length(deposit_to) - 65) = $1
     ORDER BY earned_at, id LIMIT 1"
);

/// What the payer withdraws, and since when.
fn leaving(token: &Token, seen: &ChannelOnChain) -> Result<Option<(Micros, i64)>> {
    let Some(Withdrawal { amount, begun_at_s }) = seen.withdrawal else { return Ok(None) };
    Ok(Some((micros(token, amount)?, i64::try_from(begun_at_s).unwrap_or(i64::MAX))))
}

/// What is known beside the look.
#[derive(Clone, Copy)]
struct Known {
    /// A refund from here is part of it.
    ended: bool,
    /// What is missing has been missing for long.
    is_gone: bool,
}

/// What a look at the chain comes to.
struct Change {
    balance: Micros,
    claimed: Micros,
    /// Into the channel's account, or out of it.
    own: Micros,
    /// What was charged and can't be claimed any more; negative: what was lost can be claimed again.
    loss: Micros,
    ended: bool,
    /// Whether balances rise and fall in ways that are known.
    is_explained: bool,
    /// Whether it has fallen in no other way than by vanishing.
    is_lost: bool,
}

impl Change {
    fn of(channel: &Channel, seen: &ChannelOnChain, known: Known, now: Timestamp) -> Result<Self> {
        let Known { ended, is_gone } = known;
        let balance = micros(&channel.token, seen.balance)?;
        let claimed = micros(&channel.token, seen.total_claimed)?.max(channel.claimed);
        let delta = balance.checked_sub(channel.balance)?;
        // Since the last look a withdrawal may have begun and ended, if that is longer ago than one takes.
        let takes = Duration::from_secs(channel.config.withdraw_delay_s);
        let withdrawn = channel.withdrawal_at_s.is_some() || now >= channel.seen_at.plus(takes);
        let is_explained = delta >= Micros::ZERO || ended || withdrawn || is_gone;
        let is_lost = is_gone && delta < Micros::ZERO && !ended && !withdrawn;
        if !is_explained {
            let (balance, none) = (channel.balance, Micros::ZERO);
            return Ok(Self { balance, claimed, own: none, loss: none, ended, is_explained, is_lost });
        }
        let has = channel.balance.checked_sub(channel.charged)?.checked_add(channel.lost)?;
        let again = delta.max(Micros::ZERO).min(channel.lost);
        let own = delta.checked_sub(again)?.max(Micros::ZERO.checked_sub(has)?);
        Ok(Self { balance, claimed, own, loss: own.checked_sub(delta)?, ended, is_explained, is_lost })
    }

    async fn apply_in(&self, tx: &mut Tx, channel: &Channel, seen: &ChannelOnChain, now: Timestamp) -> Result<bool> {
        let (id, account) = (id_text(channel.id), channel.account());
        if self.balance > channel.balance && is_filled_in(tx, &id).await? {
            // A deposit from here is on its way into the book, and would be booked twice.
            return Ok(false);
        }
        const SEEN: &str = sql!(
            "UPDATE channel SET balance = $4, claimed = $5, lost = lost + $6, withdrawal_at = $7, seen_at = $8,
               withdrawal = $11, moves = moves + $9, refund_id = CASE WHEN $10 = 1 THEN NULL ELSE refund_id END,
               refund_units = CASE WHEN $10 = 1 THEN NULL ELSE refund_units END,
               refund_nonce = CASE WHEN $10 = 1 THEN NULL ELSE refund_nonce END,
               owed_since = CASE WHEN $5 >= charged THEN NULL ELSE owed_since END
             WHERE id = $1 AND moves = $2 AND charged = $3"
        );
        let moved = i64::from(self.balance != channel.balance);
        let withdrawal = leaving(&channel.token, seen)?;
        // What can't be explained is looked at again before anything more is spent.
        let stale = channel.seen_at.min(now.minus(good_for(&channel.config)));
        let seen_at = if self.is_explained { now } else { stale };
        let params = [
            id.as_str().into(),
            channel.moves.into(),
            channel.charged.into(),
            self.balance.into(),
            self.claimed.into(),
            self.loss.into(),
            withdrawal.map(|(_, begun_at_s)| begun_at_s).into(),
            seen_at.into(),
            moved.into(),
            self.ended.into(),
            withdrawal.map(|(amount, _)| amount).into(),
        ];
        if tx.execute(SEEN, &params).await? == 0 {
            return Ok(false);
        }
        let kind = match () {
            () if !self.loss.is_zero() => TransferKind::ChannelLoss,
            () if self.own < Micros::ZERO => TransferKind::ChannelRefund,
            () => TransferKind::CryptoDeposit,
        };
        let legs = [
            (account, self.own),
            (AccountId::fees(), Micros::ZERO.checked_sub(self.loss)?),
            (channel.outside(), self.loss.checked_sub(self.own)?),
        ];
        move_in(tx, &format!("channel:{id}:{}", channel.moves), kind, &legs, now).await?;
        self.told(channel);
        Ok(true)
    }
}

impl Change {
    fn told(&self, channel: &Channel) {
        let id = id_text(channel.id);
        if self.loss > Micros::ZERO {
            tracing::error!(channel = %id, loss = %self.loss, "a channel was emptied before its vouchers were claimed");
        } else if self.is_lost {
            tracing::error!(channel = %id, missing = %self.own, "what was deposited into a channel is no longer on its chain");
        }
    }
}

/// Moves money between the legs that are not zero; nothing where none is.
async fn move_in(
    tx: &mut Tx,
    id: &str,
    kind: TransferKind,
    legs: &[(AccountId, Micros)],
    now: Timestamp,
) -> Result<()> {
    let legs: Vec<Leg> = legs
        .iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(account, amount)| Leg { account: account.clone(), amount: *amount })
        .collect();
    if legs.is_empty() {
        return Ok(());
    }
    let memo = if kind == TransferKind::CryptoDeposit { "Into a payment channel" } else { "Out of a payment channel" };
    let movement = Transfer { id: id.to_owned(), kind, legs, listing: None, memo: memo.to_owned() };
    match transfer_in(tx, &movement, now).await? {
        Outcome::Created => Ok(()),
        other => Err(Error::internal(format!("transfer {id} can't be made: {other:?}"))),
    }
}

async fn is_filled_in(tx: &mut Tx, id: &str) -> Result<bool> {
    Ok(tx.one(FILLING, &[id.into()]).await?.is_some())
}

/// An amount on the chain in whole micros; what is finer stays the payer's.
pub(super) fn micros(token: &Token, units: u128) -> Result<Micros> {
    token
        .decimals()
        .whole_micros(U256::from(units))
        .map_err(|error| Error::internal(format!("an amount in a channel {error}")))
}
