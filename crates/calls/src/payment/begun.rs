//! Payments that were begun, read back from their rows.

use super::row::Fate;
use super::{Paid, Receiver};
use crate::Calls;
use crate::running::Running;
use farebox_base::{CallId, Error, Micros, Result, Timestamp};
use farebox_db::{Isolation, Row, sql, tx};
use farebox_ledger::AccountId;
use farebox_x402::Reason;
use farebox_x402::network::Networks;
use farebox_x402::offer::{Offer, Scheme};
use farebox_x402::payment::Payment;
use farebox_x402::wire::{Object, PaymentHeader, offer_of_v2, payment_of, v2};
use serde_json::Value;

/// A payment read back from its row.
pub(super) struct Begun {
    pub id: CallId,
    pub offer: Offer,
    pub payment: Payment,
    pub header: PaymentHeader,
    pub paid: Paid,
    pub amount: Micros,
    /// What the call has come to.
    pub charged: Micros,
    /// `None`: a deposit.
    pub call: Option<Box<Running>>,
    pub reply_status: Option<u16>,
    pub valid_before: Option<Timestamp>,
    /// An answer to an earlier attempt has left it in doubt.
    pub is_doubted: bool,
}

impl Calls {
    /// `None` where it has ended, or its row can't be read.
    pub(super) async fn begun(&self, id: CallId) -> Result<Option<Begun>> {
        const BEGUN: &str = sql!(
            "SELECT p.id, p.nonce_key, p.network, p.token, p.payer, p.pay_to, p.receiver, p.amount, p.fee_basis_points,
               p.fingerprint, p.terms, p.payload, p.deposit_to, p.reply_status, c.buyer_party_id, c.seller_party_id,
               c.listing_id, l.name, c.key_id, c.method, c.path, c.request_id, c.created_at, c.expires_at, p.valid_before,
               p.charged, p.reason
             FROM payment p LEFT JOIN call c ON c.id = p.id LEFT JOIN listing l ON l.id = c.listing_id
             WHERE p.id = $1 AND p.state = 'earned'"
        );
        let Some(row) = self.parts.db.one(BEGUN, &[(&id.text()).into()]).await? else { return Ok(None) };
        match read(&row, &self.parts.payments.networks) {
            Ok(begun) => Ok(Some(begun)),
            Err(error) => {
                tracing::error!(%id, internal = ?error.internal, "a payment that was begun can't be read; look at its row");
                Ok(None)
            }
        }
    }

    /// Remembers what leaves a payment in doubt, for every process that asks for it again.
    pub(super) async fn doubted(&self, begun: &Begun, doubt: Reason) -> Result<()> {
        const DOUBTED: &str =
            sql!("UPDATE payment SET reason = $2 WHERE id = $1 AND state = 'earned' AND reason IS NULL");
        let changed = tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            Ok(tx.execute(DOUBTED, &[(&begun.id.text()).into(), doubt.code().into()]).await?)
        })?;
        if changed == 1 {
            let Begun { id, paid: Paid { network, payer, .. }, .. } = begun;
            tracing::error!(%id, %network, %payer, doubt = doubt.code(), "a payment may have been taken and its facilitator does not say; it stays open until its chain is asked: set rpc_urls for the network");
        }
        Ok(())
    }
}

/// In the order of `BEGUN`.
fn read(row: &Row, networks: &Networks) -> Result<Begun> {
    let unreadable = |what: &str, why: String| Error::internal(format!("{what}: {why}"));
    let terms: v2::Requirements =
        serde_json::from_str(row.get::<&str>(10)?).map_err(|e| unreadable("terms", e.to_string()))?;
    let offer = offer_of_v2(&terms, networks).map_err(|refusal| unreadable("terms", refusal.to_string()))?;
    let payload: Value =
        serde_json::from_str(row.get::<&str>(11)?).map_err(|e| unreadable("payload", e.to_string()))?;
    let object = payload.get("payload").and_then(Value::as_object).cloned().unwrap_or_else(Object::new);
    let payment = payment_of(offer.scheme(), &object).map_err(|refusal| unreadable("payload", refusal.to_string()))?;
    let header = PaymentHeader::from_json(payload).map_err(|refusal| unreadable("payload", refusal.to_string()))?;
    let id: String = row.get(0)?;
    let id = CallId::parse(&id).ok_or_else(|| unreadable("id", id.clone()))?;
    let (amount, fee_basis_points): (Micros, i64) = (row.get(7)?, row.get(8)?);
    let status: Option<i64> = row.get(13)?;
    let paid = paid(row, offer.scheme() != Scheme::Upto)?;
    let call = match &paid.deposit_to {
        Some(_) => None,
        None => Some(Box::new(call(row, id, amount, fee_basis_points)?)),
    };
    let reply_status = status.and_then(|status| u16::try_from(status).ok());
    let valid_before = row.get(24)?;
    let charged = row.get::<Option<Micros>>(25)?.unwrap_or(amount);
    let is_doubted = row.get::<Option<String>>(26)?.is_some();
    Ok(Begun { id, offer, payment, header, paid, amount, charged, call, reply_status, valid_before, is_doubted })
}

fn paid(row: &Row, is_whole: bool) -> Result<Paid> {
    let receiver: String = row.get(6)?;
    let fingerprint: Vec<u8> = row.get(9)?;
    let deposit_to: Option<String> = row.get(12)?;
    Ok(Paid {
        nonce_key: row.get(1)?,
        network: row.get(2)?,
        token: row.get(3)?,
        payer: row.get(4)?,
        pay_to: row.get(5)?,
        receiver: Receiver::parse(&receiver).ok_or_else(|| Error::internal(format!("receiver {receiver}")))?,
        fingerprint: fingerprint.try_into().map_err(|_| Error::internal("a fingerprint of another length"))?,
        terms: row.get(10)?,
        payload: row.get(11)?,
        valid_before: None,
        is_whole,
        deposit_to: deposit_to.as_deref().and_then(AccountId::parse),
        fate: Fate::Reserved,
        sender: None,
    })
}

fn call(row: &Row, call_id: CallId, quoted: Micros, fee_basis_points: i64) -> Result<Running> {
    let created_at: Timestamp = row.get(22)?;
    Ok(Running {
        call_id,
        buyer: row.get(14)?,
        seller: row.get(15)?,
        listing: row.get(16)?,
        listing_name: row.get::<Option<String>>(17)?.unwrap_or_default(),
        fee_basis_points,
        key_id: row.get(18)?,
        door: "",
        method: row.get(19)?,
        path: row.get(20)?,
        quoted,
        free_tier_calls: 0,
        request_id: row.get(21)?,
        created_at,
        expires_at: row.get(23)?,
        claim: None,
        claim_expires_at: created_at,
        sources: Vec::new(),
        held: Micros::ZERO,
        free_tier: false,
        stored: true,
        paid: None,
        charge: None,
        reservation: None,
    })
}
