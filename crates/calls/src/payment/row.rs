//! The rows of payments.

use super::handover::Holder;
use super::{Receiver, SignedPayment, Spent};
use crate::idempotency::SavedReply;
use crate::running::Running;
use farebox_base::{CallId, Error, Micros, Result, Timestamp};
use farebox_db::{Db, Tx, sql};
use farebox_ledger::AccountId;
use farebox_x402::offer::Scheme;
use farebox_x402::verify::NonceKey;
use farebox_x402::wire::v2;

/// A payment as its call carries it.
#[derive(Clone, Debug)]
pub(crate) struct Paid {
    pub nonce_key: String,
    /// CAIP-2.
    pub network: String,
    pub token: String,
    pub payer: String,
    pub pay_to: String,
    pub receiver: Receiver,
    /// Of method, path, query and body.
    pub fingerprint: [u8; 32],
    /// JSON: the requirements that it accepts, in version 2.
    pub terms: String,
    /// JSON: the payment as it came.
    pub payload: String,
    pub valid_before: Option<Timestamp>,
    /// It is taken whole, whatever its call costs.
    pub is_whole: bool,
    /// The account that a deposit goes to.
    pub deposit_to: Option<AccountId>,
    pub fate: Fate,
    /// Of whoever brought it.
    pub sender: Option<String>,
}

/// What has become of a payment, as far as its call knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing was begun: it is given back if the call ends now.
    Reserved,
    Settled {
        transaction: String,
        /// Whose the reply is; nobody's: it waits for its request.
        holder: Option<Holder>,
    },
    Refused {
        reason: &'static str,
    },
}

/// What a reservation found.
#[derive(Debug)]
pub(crate) enum Reserved {
    Fresh,
    Spent(Box<Spent>),
}

impl Paid {
    /// # Errors
    /// `Internal` where what was read can't be written.
    pub(crate) fn new(signed: &SignedPayment, fingerprint: [u8; 32]) -> Result<Self> {
        let offer = &signed.offer;
        let terms =
            serde_json::to_string(&v2::Requirements::from(offer)).map_err(|e| Error::internal(e.to_string()))?;
        Ok(Self {
            nonce_key: signed.verified.nonce.as_str().to_owned(),
            network: offer.network().caip2().as_str().to_owned(),
            token: format!("{:#x}", offer.token().address()),
            payer: format!("{:#x}", signed.verified.payer),
            pay_to: format!("{:#x}", offer.pay_to),
            receiver: signed.receiver,
            fingerprint,
            terms,
            payload: signed.came_as()?.json().to_string(),
            is_whole: offer.scheme() != Scheme::Upto,
            valid_before: signed.verified.valid_before_s.map(|s| Timestamp::from_micros(s.saturating_mul(1_000_000))),
            deposit_to: None,
            fate: Fate::Reserved,
            sender: Some(signed.sender.digest(signed.verified.nonce.as_str())),
        })
    }

    /// The account of the world that the money comes from.
    pub(crate) fn outside(&self) -> AccountId {
        AccountId::outside(&format!("x402:{}", self.network))
    }
}

/// The states of a row.
pub(super) mod state {
    pub(in crate::payment) const RESERVED: &str = "reserved";
    pub(in crate::payment) const EARNED: &str = "earned";
    pub(in crate::payment) const SETTLED: &str = "settled";
}

/// Reserves what the payment spends for the call, or says who has it.
pub(crate) async fn reserve_in(tx: &mut Tx, call: &Running, paid: &Paid) -> Result<Reserved> {
    let id = call.call_id.text();
    insert_in(tx, &id, paid, state::RESERVED, call.quoted, call.fee_basis_points, call.created_at).await
}

pub(super) async fn insert_in(
    tx: &mut Tx,
    id: &str,
    paid: &Paid,
    state: &str,
    amount: Micros,
    fee_basis_points: i64,
    now: Timestamp,
) -> Result<Reserved> {
    const RESERVE: &str = sql!(
        "INSERT INTO payment (id, nonce_key, network, token, payer, pay_to, receiver, amount, fee_basis_points, state,
           fingerprint, terms, payload, delivered, valid_before, created_at, deposit_to, earned_at, authorized,
           sender)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14, $15, $16, $17, $8, $18)
         ON CONFLICT (nonce_key) WHERE state <> 'refused' DO NOTHING"
    );
    let written = tx
        .execute(
            RESERVE,
            &[
                id.into(),
                paid.nonce_key.as_str().into(),
                paid.network.as_str().into(),
                paid.token.as_str().into(),
                paid.payer.as_str().into(),
                paid.pay_to.as_str().into(),
                paid.receiver.text().into(),
                amount.into(),
                fee_basis_points.into(),
                state.into(),
                paid.fingerprint.as_slice().into(),
                paid.terms.as_str().into(),
                paid.payload.as_str().into(),
                paid.valid_before.into(),
                now.into(),
                paid.deposit_to.as_ref().map(AccountId::text).into(),
                (state == state::EARNED).then_some(now).into(),
                paid.sender.as_deref().into(),
            ],
        )
        .await?;
    if written == 1 { Ok(Reserved::Fresh) } else { Ok(Reserved::Spent(Box::new(Spent::find_in(tx, paid).await?))) }
}

/// Writes what has become of a call's payment, with the end of the call.
pub(crate) async fn resolve_in(tx: &mut Tx, id: &str, fate: &Fate, now: Timestamp) -> Result<()> {
    match fate {
        Fate::Reserved => release_in(tx, id).await,
        Fate::Settled { transaction, holder } => {
            const SETTLED: &str = sql!(
                "UPDATE payment SET state = 'settled', tx_hash = $2, ended_at = $3,
                   delivered = CASE WHEN delivered = 0 THEN $4 ELSE delivered END
                 WHERE id = $1 AND state IN ('reserved', 'earned')"
            );
            let holder = holder.map_or(0, Holder::number);
            tx.execute(SETTLED, &[id.into(), transaction.as_str().into(), now.into(), holder.into()]).await?;
            Ok(())
        }
        Fate::Refused { reason } => {
            const REFUSED: &str = sql!(
                "UPDATE payment SET state = 'refused', reason = $2, ended_at = $3, reply_status = NULL,
                   reply_headers = NULL, reply_body = NULL WHERE id = $1 AND state IN ('reserved', 'earned')"
            );
            tx.execute(REFUSED, &[id.into(), (*reason).into(), now.into()]).await?;
            Ok(())
        }
    }
}

/// Whether the reply of a settled payment is this request's.
pub(super) async fn is_held_by(db: &Db, nonce: &NonceKey, holder: Holder) -> Result<bool> {
    const HELD: &str = sql!("SELECT 1 FROM payment WHERE nonce_key = $1 AND state = 'settled' AND delivered = $2");
    Ok(db.one(HELD, &[nonce.as_str().into(), holder.number().into()]).await?.is_some())
}

/// Gives a payment back of which nothing was begun.
pub(crate) async fn release_in(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM payment WHERE id = $1 AND state = 'reserved'"), &[id.into()]).await?;
    Ok(())
}

/// The seller has answered, and the call costs this much: from here on the payment is settled, whatever happens to this
/// process. `false`: too late, the call was closed.
pub(super) async fn earned_in(
    tx: &mut Tx,
    call: CallId,
    cost: Micros,
    reply: Option<&SavedReply>,
    now: Timestamp,
) -> Result<bool> {
    let headers = reply.map(SavedReply::headers_text).transpose()?;
    let changed = tx
        .execute(
            sql!(
                "UPDATE payment SET state = 'earned', reply_status = $2, reply_headers = $3, reply_body = $4, earned_at = $5,
                   amount = $6 WHERE id = $1 AND state = 'reserved'"
            ),
            &[
                (&call.to_string()).into(),
                reply.map(|reply| i64::from(reply.status.as_u16())).into(),
                headers.as_deref().into(),
                reply.map(|reply| reply.body.as_slice()).into(),
                now.into(),
                cost.into(),
            ],
        )
        .await?;
    Ok(changed == 1)
}
