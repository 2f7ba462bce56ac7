//! The rows of channels.

use super::stand::{good_for, looked_at_soon};
use super::{Channel, Kept, Refunding, id_text};
use alloy_primitives::U256;
use farebox_base::{Error, Micros, PartyId, Result, Timestamp};
use farebox_db::{Db, Row, Tx, sql};
use farebox_ledger::AccountId;
use farebox_x402::evm::{ChannelConfig, ChannelId, Signature, address};
use farebox_x402::network::Networks;
use std::sync::Arc;

/// A channel that a row is made for.
#[derive(Clone, Debug)]
pub(crate) struct NewChannel {
    pub id: ChannelId,
    /// CAIP-2.
    pub network: String,
    pub config: ChannelConfig,
    pub party: PartyId,
}

/// What a row begins with, as the chain has it: `claimed` is where vouchers go on from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    pub balance: Micros,
    pub claimed: Micros,
    /// What the payer withdraws, and since when in Unix seconds.
    pub withdrawal: Option<(Micros, i64)>,
    /// When the chain was looked at.
    pub seen_at: Timestamp,
}

impl NewChannel {
    pub(crate) fn account(&self) -> AccountId {
        AccountId::channel(self.party, &id_text(self.id))
    }

    /// Adds a deposit, to a new row where there is none; answers who spends the channel. The chain was looked at before
    /// the deposit was begun, and is looked at soon after, as a reorganisation may take the deposit away.
    pub(crate) async fn deposit_in(
        &self,
        tx: &mut Tx,
        amount: Micros,
        begun_at: Timestamp,
        now: Timestamp,
    ) -> Result<PartyId> {
        const ADD: &str = sql!(
            "UPDATE channel SET balance = balance + $2, moves = moves + 1, seen_at = CASE WHEN seen_at > $3 THEN $3 ELSE seen_at END
             WHERE id = $1 RETURNING party_id"
        );
        let (balance, claimed) = (Micros::ZERO, Micros::ZERO);
        self.put_in(tx, &Beginning { balance, claimed, withdrawal: None, seen_at: begun_at.min(now) }, now).await?;
        let soon = looked_at_soon(&self.config, now);
        let row = tx.one(ADD, &[id_text(self.id).as_str().into(), amount.into(), soon.into()]).await?;
        row.map_or(Ok(self.party), |row| Ok(row.get(0)?))
    }

    /// Makes the row; `false`: there is one, which stays as it is.
    pub(super) async fn put_in(&self, tx: &mut Tx, first: &Beginning, now: Timestamp) -> Result<bool> {
        const PUT: &str = sql!(
            "INSERT INTO channel (id, network, token, payer, payer_authorizer, receiver, receiver_authorizer, withdraw_delay_s,
               salt, party_id, balance, charged, claimed, lost, moves, withdrawal, withdrawal_at, seen_at, used_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 0, 1, $13, $14, $15, $16, $16)
             ON CONFLICT (id) DO NOTHING"
        );
        let config = &self.config;
        let hex = |address: alloy_primitives::Address| format!("{address:#x}");
        let delay = i64::try_from(config.withdraw_delay_s).unwrap_or(i64::MAX);
        let made = tx
            .execute(
                PUT,
                &[
                    id_text(self.id).as_str().into(),
                    self.network.as_str().into(),
                    hex(config.token).as_str().into(),
                    hex(config.payer).as_str().into(),
                    hex(config.payer_authorizer).as_str().into(),
                    hex(config.receiver).as_str().into(),
                    hex(config.receiver_authorizer).as_str().into(),
                    delay.into(),
                    format!("{:#x}", config.salt).as_str().into(),
                    self.party.to_string().as_str().into(),
                    first.balance.into(),
                    first.claimed.into(),
                    first.withdrawal.map(|(amount, _)| amount).into(),
                    first.withdrawal.map(|(_, begun_at_s)| begun_at_s).into(),
                    first.seen_at.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(made > 0)
    }

    /// Has the chain looked at before the channel is spent again.
    pub(crate) async fn look_again_in(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        const LOOK: &str = sql!("UPDATE channel SET seen_at = $2 WHERE id = $1 AND seen_at > $2");
        let stale = now.minus(good_for(&self.config));
        tx.execute(LOOK, &[id_text(self.id).as_str().into(), stale.into()]).await?;
        Ok(())
    }
}

/// Reads a channel; `None` where there is no row, or its network is no longer served.
pub(super) async fn load(db: &Db, networks: &Networks, id: ChannelId) -> Result<Option<Channel>> {
    const LOAD: &str = sql!(
        "SELECT id, network, token, payer, payer_authorizer, receiver, receiver_authorizer, withdraw_delay_s, salt, party_id,
           balance, charged, claimed, lost, signed, signature, withdrawal_at, moves, refund_id, refund_units, seen_at, withdrawal,
           refund_nonce
         FROM channel WHERE id = $1"
    );
    let row = db.one(LOAD, &[id_text(id).as_str().into()]).await?;
    row.map_or(Ok(None), |row| read(&row, networks))
}

fn read(row: &Row, networks: &Networks) -> Result<Option<Channel>> {
    let text: String = row.get(0)?;
    let bad = |what: &str| Error::internal(format!("channel {text} has a bad {what}"));
    let place = |at: usize, what: &str| address::parse(row.get::<&str>(at)?).ok_or_else(|| bad(what));
    let Some(network) = networks.by_name(row.get(1)?) else { return Ok(None) };
    let token_at = place(2, "token")?;
    let Some(token) = network.token(token_at) else { return Ok(None) };
    let config = ChannelConfig {
        payer: place(3, "payer")?,
        payer_authorizer: place(4, "payer's authorizer")?,
        receiver: place(5, "receiver")?,
        receiver_authorizer: place(6, "receiver's authorizer")?,
        token: token_at,
        withdraw_delay_s: u64::try_from(row.get::<i64>(7)?).map_err(|_| bad("delay"))?,
        salt: row.get::<&str>(8)?.parse().map_err(|_| bad("salt"))?,
    };
    let (balance, withdrawal): (Micros, Option<Micros>) = (row.get(10)?, row.get(21)?);
    let ceiling = withdrawal.map(|amount| balance.checked_sub(amount.min(balance))).transpose()?;
    Ok(Some(Channel {
        id: ChannelId::new(text.parse().map_err(|_| bad("id"))?),
        network: Arc::clone(network),
        token: Arc::clone(token),
        config,
        party: row.get(9)?,
        balance,
        charged: row.get(11)?,
        claimed: row.get(12)?,
        lost: row.get(13)?,
        last: kept(row.get(14)?, row.get(15)?).ok_or_else(|| bad("voucher"))?,
        withdrawal_at_s: row.get::<Option<i64>>(16)?,
        moves: row.get(17)?,
        refund: refund(row.get(18)?, row.get(19)?, row.get(22)?).ok_or_else(|| bad("refund"))?,
        seen_at: row.get(20)?,
        ceiling,
    }))
}

/// The outer `None`: it can't be read.
fn kept(signed: Option<String>, signature: Option<String>) -> Option<Option<Kept>> {
    let (Some(signed), Some(signature)) = (signed, signature) else { return Some(None) };
    let Ok(Signature::Ecdsa(signature)) = Signature::parse(&signature) else { return None };
    Some(Some(Kept { signed: signed.parse().ok()?, signature }))
}

/// As `kept`.
fn refund(id: Option<String>, units: Option<String>, nonce: Option<String>) -> Option<Option<Refunding>> {
    let (Some(id), Some(units)) = (id, units) else { return Some(None) };
    let nonce = nonce.map(|nonce| nonce.parse::<U256>()).transpose().ok()?;
    Some(Some(Refunding { id: id.parse().ok()?, units: units.parse().ok()?, nonce }))
}
