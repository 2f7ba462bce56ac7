//! Payments that were begun and whose end nobody has written: by a process that died, or because a chain took its time.
//!
//! Takes no input but the time; running it twice changes nothing more. Each network has rounds of its own, several payments
//! are taken up at a time, and none keeps a later one waiting for ever (`rounds`).

use super::begun::Begun;
use super::deposit::{Credit, channel_of};
use super::row::Fate;
use super::{Paid, settle_taken, units_taken};
use crate::Calls;
use crate::idempotency::{Claim, SavedReply};
use crate::running::{End, Ending, Running};
use farebox_base::{CallId, Error, Result, Timestamp};
use farebox_db::sql;
use farebox_x402::Reason;
use farebox_x402::facilitator::{Earlier, Settle, Settlement};
use farebox_x402::network::Caip2;
use futures_util::{StreamExt as _, future, stream};
use std::time::Duration;

/// How long the request that brought a payment is left to end it.
const LEFT_ALONE: Duration = Duration::from_secs(45);
/// How many payments of one network wait for their chain at one time.
const AT_ONCE: usize = 16;

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

    /// The same for one network, so that others do not wait for it; `started` where this process is alone.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn payments_resume_on(&self, network: &Caip2, started: Option<Timestamp>) -> Result<u64> {
        let left = self.parts.clock.now().minus(LEFT_ALONE);
        self.resume_on(network, started.map_or(left, |started| started.max(left))).await
    }

    async fn resume_since(&self, until: Timestamp) -> Result<u64> {
        let networks: Vec<Caip2> = self.parts.payments.facilitators.networks().cloned().collect();
        let rounds = networks.iter().map(|network| self.resume_on(network, until));
        sum(future::join_all(rounds).await)
    }

    /// One round. Begins them in their order, each as soon as there is room; the first error is told once all have been
    /// tried.
    async fn resume_on(&self, network: &Caip2, until: Timestamp) -> Result<u64> {
        let mut begun = Vec::new();
        for id in self.due_on(network, until).await? {
            match self.begun(id).await? {
                Some(one) => begun.push(one),
                None => self.rounds.asked(id, self.parts.clock.ticks()),
            }
        }
        let resumed = stream::iter(begun).map(|one| self.resume_noted(one)).buffer_unordered(AT_ONCE);
        sum(resumed.collect::<Vec<_>>().await)
    }

    async fn resume_noted(&self, begun: Begun) -> Result<u64> {
        let id = begun.id;
        let resumed = Box::pin(self.resume(begun)).await;
        if let Ok(true) = resumed {
            self.rounds.ended(id);
        } else {
            self.rounds.asked(id, self.parts.clock.ticks());
        }
        resumed.map(u64::from)
    }

    /// `true`: it has ended.
    async fn resume(&self, begun: Begun) -> Result<bool> {
        let facilitators = &self.parts.payments.facilitators;
        let settle = Settle {
            id: begun.id.uuid(),
            offer: &begun.offer,
            payment: &begun.payment,
            header: &begun.header,
            amount: units_taken(&begun.offer, &begun.payment, begun.amount)?.0,
            // Whoever began it may have sent it, and may be gone with the answer.
            earlier: if begun.is_doubted { Earlier::Doubted } else { Earlier::Maybe },
        };
        let settlement = settle_taken(facilitators, settle).await;
        if let Settlement::Pending { doubt: Some(doubt), .. } = settlement {
            self.doubted(&begun, doubt).await?;
        }
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

fn sum(rounds: Vec<Result<u64>>) -> Result<u64> {
    let (mut ended, mut failure) = (0, None);
    for round in rounds {
        match round {
            Ok(some) => ended += some,
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(ended), Err)
}
