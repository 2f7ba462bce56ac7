//! Payments that were begun and whose end nobody has written: by a process that died, or because a chain took its time.
//!
//! Takes no input but the time; running it twice changes nothing more. Several are taken up at a time, the oldest first, so
//! that one slow chain does not hold up the rest.

use super::deposit::{Credit, channel_of};
use super::row::Fate;
use super::{Paid, Receiver, settle_taken, units_taken};
use crate::Calls;
use crate::idempotency::{Claim, SavedReply};
use crate::running::{End, Ending, Running};
use farebox_base::{CallId, Error, Micros, Result, Timestamp};
use farebox_db::{Row, sql};
use farebox_ledger::AccountId;
use farebox_x402::Reason;
use farebox_x402::facilitator::{Settle, Settlement};
use farebox_x402::network::Networks;
use farebox_x402::offer::{Offer, Scheme};
use farebox_x402::payment::Payment;
use farebox_x402::wire::{Object, PaymentHeader, offer_of_v2, payment_of, v2};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use std::time::Duration;

/// How long the request that brought a payment is left to end it.
const LEFT_ALONE: Duration = Duration::from_secs(45);
/// How many payments one round takes up.
const ROUND: i64 = 100;
/// How many of them wait for their chains at one time.
const AT_ONCE: usize = 16;

/// A payment read back from its row.
struct Begun {
    id: CallId,
    offer: Offer,
    payment: Payment,
    header: PaymentHeader,
    paid: Paid,
    amount: Micros,
    /// What the call has come to.
    charged: Micros,
    /// `None`: a deposit.
    call: Option<Box<Running>>,
    reply_status: Option<u16>,
    valid_before: Option<Timestamp>,
}

impl Calls {
    /// Takes up what the requests have left for longer than they need; answers how many payments have ended.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn payments_resume(&self) -> Result<u64> {
        self.resume_since(self.parts.clock.now().minus(LEFT_ALONE)).await
    }

    /// As [`Calls::payments_resume`], for a process that is alone: it also takes up what was begun before it `started`,
    /// because the requests of that time are gone.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn payments_resume_alone(&self, started: Timestamp) -> Result<u64> {
        self.resume_since(started.max(self.parts.clock.now().minus(LEFT_ALONE))).await
    }

    async fn resume_since(&self, until: Timestamp) -> Result<u64> {
        if self.parts.payments.facilitators.networks().next().is_none() {
            return Ok(0);
        }
        const BEGUN: &str = sql!(
            "SELECT p.id, p.nonce_key, p.network, p.token, p.payer, p.pay_to, p.receiver, p.amount, p.fee_basis_points,
               p.fingerprint, p.terms, p.payload, p.deposit_to, p.reply_status, c.buyer_party_id, c.seller_party_id,
               c.listing_id, l.name, c.key_id, c.method, c.path, c.request_id, c.created_at, c.expires_at, p.valid_before,
               p.charged
             FROM payment p LEFT JOIN call c ON c.id = p.id LEFT JOIN listing l ON l.id = c.listing_id
             WHERE p.state = 'earned' AND p.earned_at <= $1 ORDER BY p.earned_at LIMIT $2"
        );
        let rows = self.parts.db.query(BEGUN, &[until.into(), ROUND.into()]).await?;
        let mut readable = Vec::with_capacity(rows.len());
        for row in &rows {
            match read(row, &self.parts.payments.networks) {
                Ok(begun) => readable.push(begun),
                Err(error) => {
                    let id: String = row.get(0)?;
                    tracing::error!(%id, internal = ?error.internal, "a payment that was begun can't be read; look at its row");
                }
            }
        }
        self.resume_all(readable).await
    }

    /// Begins them in their order, each as soon as there is room; the first error is told once all have been tried.
    async fn resume_all(&self, begun: Vec<Begun>) -> Result<u64> {
        let (mut ended, mut failure) = (0, None);
        let mut running = stream::iter(begun).map(|one| self.resume(one)).buffer_unordered(AT_ONCE);
        while let Some(resumed) = running.next().await {
            match resumed {
                Ok(has_ended) => ended += u64::from(has_ended),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(ended), Err)
    }

    /// `true`: it has ended.
    async fn resume(&self, begun: Begun) -> Result<bool> {
        let facilitators = &self.parts.payments.facilitators;
        if facilitators.of(begun.offer.network().caip2()).is_none() {
            return Ok(false);
        }
        let settle = Settle {
            id: begun.id.uuid(),
            offer: &begun.offer,
            payment: &begun.payment,
            header: &begun.header,
            amount: units_taken(&begun.offer, &begun.payment, begun.amount)?.0,
        };
        let settlement = settle_taken(facilitators, settle).await;
        let Some(call) = begun.call else {
            let to = begun.paid.deposit_to.clone();
            let to = to.ok_or_else(|| Error::internal(format!("payment {} is for nothing", begun.id)))?;
            let (from, memo) = (begun.paid.outside(), "Deposit".to_owned());
            let channel = channel_of(&begun.offer, &begun.payment, &to);
            let credit = Credit { id: begun.id, from, to, amount: begun.amount, memo, channel };
            let pending = matches!(settlement, Settlement::Pending { .. });
            let _ = self.end_deposit(&credit, settlement, None).await?;
            return Ok(!pending);
        };
        let (fate, ending) = match settlement {
            Settlement::Pending { .. } => return Ok(false),
            Settlement::Settled { transaction } => {
                (Fate::Settled { transaction, holder: None }, Ending::Served { amount: begun.charged })
            }
            // The chain could not be asked; as long as the signature is good it may still be.
            Settlement::NotTaken(refusal)
                if refusal.reason == Reason::UnexpectedSettleError
                    && begun.valid_before > Some(self.parts.clock.now()) =>
            {
                return Ok(false);
            }
            Settlement::NotTaken(refusal) => (Fate::Refused { reason: refusal.reason.code() }, Ending::Failed),
        };
        let paid = Some(Box::new(Paid { fate, ..begun.paid }));
        let (claim, reply) = self.kept_for(begun.id).await?;
        let end = End {
            call: Box::new(Running { paid, claim, ..*call }),
            ending,
            status: begun.reply_status,
            latency_ms: 0,
            reply,
            finished_at: self.parts.clock.now(),
            slot: None,
        };
        self.writer.close(Box::new(end)).await?;
        Ok(true)
    }

    /// The key that the request came with, and the reply that it stands for from now on; `None` each where there is none.
    async fn kept_for(&self, id: CallId) -> Result<(Option<Claim>, Option<SavedReply>)> {
        const KEPT: &str = sql!(
            "SELECT i.scope, i.key, i.digest, p.reply_status, p.reply_headers, p.reply_body
             FROM payment p JOIN idempotency i ON i.call_id = p.id WHERE p.id = $1 AND i.state = 'running'"
        );
        let Some(row) = self.parts.db.one(KEPT, &[(&id.to_string()).into()]).await? else { return Ok((None, None)) };
        let digest: Vec<u8> = row.get(2)?;
        let digest = digest.try_into().map_err(|_| Error::internal("a digest of another length"))?;
        let claim = Claim { scope: row.get(0)?, key: row.get(1)?, digest };
        let (status, headers, body): (Option<i64>, Option<String>, Option<Vec<u8>>) =
            (row.get(3)?, row.get(4)?, row.get(5)?);
        let reply =
            status.map(|status| SavedReply::of_row(status, &headers.unwrap_or_default(), body.unwrap_or_default()));
        Ok((Some(claim), reply.transpose()?))
    }
}

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
    Ok(Begun { id, offer, payment, header, paid, amount, charged, call, reply_status, valid_before })
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
