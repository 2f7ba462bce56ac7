//! Replies of settled payments: kept until their request has come for them, and a while longer.
//!
//! Invariant: a reply goes to one request, and once more to the same request where the process died while it may have
//! been on its way. The row says whose it is: nobody's (0), of the request that brought the payment (its number, see
//! `handover`) or of one that came again (2); nobody's any more (1).

use super::handover::Holder;
use super::{SignedPayment, refused, spent};
use crate::{Answer, Calls};
use farebox_base::{Error, Micros, Result, Timestamp};
use farebox_db::{Db, Isolation, Param, Row, Tx, sql, tx};
use farebox_x402::evm::address;
use farebox_x402::offer::Scheme;
use farebox_x402::verify::NonceKey;
use farebox_x402::wire::{SettlementResponse, Uint, offer_of_v2, v2};
use std::time::Duration;

/// How long after a payment was settled a reply that was handed over is kept, in case that it gets lost with the process.
const LINGER: Duration = Duration::from_secs(60);
/// How long a request may have what it paid for before its work: longer than a call takes by default.
const HELD_MAX: Duration = Duration::from_mins(20);

impl Calls {
    /// Hands the reply of a settled payment to one request, whichever of its copies asks first.
    ///
    /// # Errors
    /// That of a spent payment, for the others.
    pub(super) async fn handed_over(&self, answer: Answer, signed: &SignedPayment) -> Result<Answer> {
        const DELIVERED: &str =
            sql!("UPDATE payment SET delivered = 2 WHERE id = $1 AND state IN ('earned', 'settled') AND delivered = 0");
        let id = answer.receipt.call_id.text();
        self.handed_over_where(DELIVERED, &[(&id).into()], answer, signed).await
    }

    /// The same where the payment was a deposit that this very request brought.
    ///
    /// # Errors
    /// As `handed_over`.
    pub(super) async fn deposits_reply_handed_over(
        &self,
        answer: Answer,
        signed: &SignedPayment,
        fingerprint: [u8; 32],
    ) -> Result<Answer> {
        const SENDER: &str =
            sql!("SELECT sender FROM payment WHERE nonce_key = $1 AND fingerprint = $2 AND state = 'settled'");
        const DELIVERED: &str = sql!(
            "UPDATE payment SET delivered = 2
             WHERE nonce_key = $1 AND fingerprint = $2 AND state = 'settled' AND delivered = 0"
        );
        let params = [signed.verified.nonce.as_str().into(), fingerprint.as_slice().into()];
        let row = self.parts.db.one(SENDER, &params).await?;
        let sender: Option<String> = row.map_or(Ok(None), |row| row.get(0))?;
        if !signed.sender.may_have(signed.verified.nonce.as_str(), sender.as_deref()) {
            return Err(refused(&spent::elsewhere(signed)));
        }
        self.handed_over_where(DELIVERED, &params, answer, signed).await
    }

    async fn handed_over_where(
        &self,
        delivered: &'static str,
        params: &[Param<'_>],
        answer: Answer,
        signed: &SignedPayment,
    ) -> Result<Answer> {
        let changed = tx!(self.parts.db, Isolation::ReadCommitted, tx => { Ok(tx.execute(delivered, params).await?) })?;
        if changed == 1 { Ok(answer) } else { Err(refused(&spent::used(signed))) }
    }

    /// A saved answer with the receipt of the payment that it was given for, as the first one may have got lost.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn with_first_receipt(&self, answer: Answer, signed: &SignedPayment) -> Result<Answer> {
        const OF_CALL: &str =
            sql!("SELECT id, payer, network, tx_hash, amount, terms FROM payment WHERE id = $1 AND state = 'settled'");
        let id = answer.receipt.call_id.text();
        let row = self.parts.db.one(OF_CALL, &[(&id).into()]).await?;
        self.with_receipt(answer, signed, row.as_ref())
    }

    /// The same where the payment was a deposit that this very request brought; of another one nothing is told.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn with_deposits_receipt(
        &self,
        answer: Answer,
        signed: &SignedPayment,
        fingerprint: [u8; 32],
    ) -> Result<Answer> {
        const OF_REQUEST: &str = sql!(
            "SELECT id, payer, network, tx_hash, amount, terms FROM payment
             WHERE nonce_key = $1 AND fingerprint = $2 AND state = 'settled'"
        );
        let params = [signed.verified.nonce.as_str().into(), fingerprint.as_slice().into()];
        let row = self.parts.db.one(OF_REQUEST, &params).await?;
        self.with_receipt(answer, signed, row.as_ref())
    }

    fn with_receipt(&self, answer: Answer, signed: &SignedPayment, row: Option<&Row>) -> Result<Answer> {
        let Some(row) = row else { return Ok(answer) };
        let (id, payer, network, amount): (String, String, String, Micros) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(4)?);
        let terms: v2::Requirements = serde_json::from_str(row.get::<&str>(5)?)
            .map_err(|error| Error::internal(format!("the terms of payment {id}: {error}")))?;
        // The network may have been taken out of the configuration since.
        let offer = offer_of_v2(&terms, &self.parts.payments.networks).ok();
        let upto = offer.filter(|offer| offer.scheme() == Scheme::Upto);
        let is_same_network = signed.offer.network().caip2().as_str() == network;
        let receipt = SettlementResponse {
            success: true,
            transaction: row.get::<Option<String>>(3)?.unwrap_or_default(),
            network: if is_same_network { signed.network_name().to_owned() } else { network },
            payer: address::parse(&payer).map(address::checksummed),
            amount: upto.and_then(|offer| offer.token().decimals().to_units(amount).ok()).map(Uint),
            ..SettlementResponse::default()
        };
        Ok(Answer { payment: Some(Box::new(receipt)), ..answer })
    }
}

/// A request that has left leaves its reply to who comes again.
pub(super) async fn replies_wait_again(db: &Db, nonce: &NonceKey, holder: Holder) -> Result<()> {
    const WAIT: &str = sql!("UPDATE payment SET delivered = 0 WHERE nonce_key = $1 AND delivered = $2");
    tx!(db, Isolation::ReadCommitted, tx => {
        tx.execute(WAIT, &[nonce.as_str().into(), holder.number().into()]).await?;
        Ok(())
    })
}

/// Lets requests come again for the replies that may have got lost with an earlier process, at the start of one that is
/// alone on its database.
///
/// # Errors
/// Those of the database.
pub async fn replies_offer_again(db: &Db) -> Result<u64> {
    const AGAIN: &str = sql!("UPDATE payment SET delivered = 0 WHERE delivered > 1 AND state = 'settled'");
    tx!(db, Isolation::ReadCommitted, tx => { Ok(tx.execute(AGAIN, &[]).await?) })
}

/// What was handed over has arrived, at the orderly end of a process that is alone on its database.
///
/// # Errors
/// Those of the database.
pub async fn replies_had(db: &Db) -> Result<u64> {
    const HAD: &str = sql!("UPDATE payment SET delivered = 1 WHERE delivered > 1");
    tx!(db, Isolation::ReadCommitted, tx => { Ok(tx.execute(HAD, &[]).await?) })
}

/// Forgets replies that were handed over a while ago, and those that nobody came for within `patience`.
pub(crate) async fn replies_forget_in(tx: &mut Tx, now: Timestamp, patience: Duration) -> Result<u64> {
    const HAD: &str = sql!("UPDATE payment SET delivered = 1 WHERE delivered > 1 AND ended_at <= $1");
    const FORGET: &str = sql!(
        "UPDATE payment SET reply_status = NULL, reply_headers = NULL, reply_body = NULL
         WHERE state = 'settled' AND reply_status IS NOT NULL
           AND ((delivered <> 0 AND ended_at <= $1) OR (delivered = 0 AND ended_at <= $2))"
    );
    tx.execute(HAD, &[now.minus(HELD_MAX).into()]).await?;
    Ok(tx.execute(FORGET, &[now.minus(LINGER).into(), now.minus(patience).into()]).await?)
}
