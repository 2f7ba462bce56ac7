//! What is answered to a payment that is known already.

use super::row::{Paid, state};
use super::{SignedPayment, refused};
use crate::idempotency::{SavedReply, replay_receipt};
use crate::{Answer, Calls};
use farebox_base::{CallId, Error, Micros, Result};
use farebox_db::{Tx, sql};
use farebox_x402::network::Method;
use farebox_x402::verify::NonceKey;
use farebox_x402::{Reason, Refusal};

/// The row of a payment that came again.
#[derive(Debug)]
pub(crate) struct Spent {
    pub id: String,
    state: String,
    /// With the request that it was first sent with.
    is_same: bool,
    delivered: bool,
    sender: Option<String>,
    transaction: Option<String>,
    /// What was taken, or is to be.
    amount: Micros,
    reply: Option<SavedReply>,
}

impl Calls {
    /// Whether a request has come with this payment before, and it was not refused.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn payment_is_known(&self, nonce: &NonceKey) -> Result<bool> {
        const KNOWN: &str = sql!("SELECT 1 FROM payment WHERE nonce_key = $1 AND state <> 'refused'");
        Ok(self.parts.db.one(KNOWN, &[nonce.as_str().into()]).await?.is_some())
    }
}

impl Spent {
    pub(super) async fn find_in(tx: &mut Tx, paid: &Paid) -> Result<Self> {
        const FIND: &str = sql!(
            "SELECT id, state, fingerprint, delivered, tx_hash, reply_status, reply_headers, reply_body, amount, sender
             FROM payment
             WHERE nonce_key = $1 AND state <> 'refused'"
        );
        let row = tx.one(FIND, &[paid.nonce_key.as_str().into()]).await?;
        let Some(row) = row else { return Ok(Self::vanished()) };
        let (status, headers, body): (Option<i64>, Option<String>, Option<Vec<u8>>) =
            (row.get(5)?, row.get(6)?, row.get(7)?);
        let reply = match status {
            Some(status) => Some(SavedReply::of_row(status, &headers.unwrap_or_default(), body.unwrap_or_default())?),
            None => None,
        };
        let fingerprint: Vec<u8> = row.get(2)?;
        Ok(Self {
            id: row.get(0)?,
            state: row.get(1)?,
            is_same: fingerprint == paid.fingerprint,
            delivered: row.get::<i64>(3)? != 0,
            transaction: row.get(4)?,
            amount: row.get(8)?,
            sender: row.get(9)?,
            reply,
        })
    }

    /// It was there and is gone: given back in this very moment.
    fn vanished() -> Self {
        let state = state::RESERVED.to_owned();
        let (id, amount) = (String::new(), Micros::ZERO);
        Self { id, state, is_same: true, delivered: false, sender: None, transaction: None, amount, reply: None }
    }

    fn is_settled(&self) -> bool {
        self.state == state::SETTLED
    }

    pub(super) fn is_same(&self) -> bool {
        self.is_same
    }

    /// Whether it comes with the request that it was first sent with, from whoever sent that.
    pub(super) fn is_of(&self, signed: &SignedPayment) -> bool {
        self.is_same && signed.sender.may_have(signed.verified.nonce.as_str(), self.sender.as_deref())
    }

    pub(super) fn transaction_if_settled(self) -> Option<String> {
        if self.is_settled() { Some(self.transaction.unwrap_or_default()) } else { None }
    }

    /// The saved reply where this request paid for it and did not get it; else why it gets none.
    ///
    /// # Errors
    /// `Conflict` while the payment is under way, `PaymentRequired` once it is spent.
    pub(crate) fn answer(self, signed: &SignedPayment) -> Result<Answer> {
        if !self.is_settled() {
            let message = "This payment is under way for a request that came before; send it again in a moment, and \
                           do not sign another one for the same request";
            return Err(Error::conflict("payment_in_progress", message).with_retry_after(1));
        }
        let call_id = CallId::parse(&self.id).ok_or_else(|| Error::internal(format!("bad payment id {}", self.id)))?;
        if self.is_same && !self.delivered && !self.is_of(signed) {
            return Err(refused(&elsewhere(signed)));
        }
        match self.reply.filter(|_| self.is_same && !self.delivered) {
            Some(reply) => Ok(Answer {
                reply: Ok(crate::admit::replayed(reply)),
                receipt: replay_receipt(call_id, false, 0),
                payment: Some(Box::new(signed.settled_for(&self.transaction.unwrap_or_default(), self.amount))),
            }),
            None => Err(refused(&used(signed))),
        }
    }
}

/// The reason for a payment whose nonce is spent.
pub(super) fn used(signed: &SignedPayment) -> Refusal {
    spent(signed, "this payment was used for a request that was served; sign a new one for a new request")
}

/// As `used`, where the reply waits for somebody else.
pub(super) fn elsewhere(signed: &SignedPayment) -> Refusal {
    spent(
        signed,
        "this payment was used, and its reply waits for who brought it: ask from the same network address, or add a \
         SIGN-IN-WITH-X proof of the wallet",
    )
}

fn spent(signed: &SignedPayment, message: &str) -> Refusal {
    let reason = match signed.offer.method() {
        Method::Eip3009 => Reason::ExactNonceUsed,
        Method::Permit2 => Reason::Permit2InvalidNonce,
    };
    Refusal::new(reason, message).of(signed.verified.payer)
}
