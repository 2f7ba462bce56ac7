//! One settlement for one nonce, however many ask: reserved in the store, joined in the process.

use super::asked::Asked;
use super::{FacilitatorService, ServiceParts};
use crate::Reason;
use crate::facilitator::record::{Begun, NewSettlement};
use crate::facilitator::{Earlier, Settle, Settlement};
use farebox_base::Result;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How often the end of a settlement is written where the store does not take it; the next one who asks writes it else.
const WRITE_TRIES: u32 = 5;
const WRITE_AGAIN: Duration = Duration::from_millis(200);

type Outcome = watch::Receiver<Option<Settlement>>;

/// The settlements under way in this process.
#[derive(Default)]
pub(super) struct Running(Mutex<HashMap<Uuid, Outcome>>);

impl FacilitatorService {
    /// # Errors
    /// Those of the store, before anything was begun.
    pub(super) async fn settle_asked(&self, asked: &Arc<Asked>) -> Result<Settlement> {
        let known = self.parts.store.find(&asked.nonce).await?;
        if let Some(known) = known {
            if known.fingerprint != asked.fingerprint {
                return Ok(Settlement::NotTaken(asked.spent()));
            }
            match known.end {
                Some(end) if !is_passing(&end) => return Ok(end),
                Some(_) => {}
                None => return Ok(self.join(known.id, Earlier::Maybe, asked).await),
            }
        }
        match self.parts.verify(asked).await {
            // Somebody may have sent the payment itself; whoever settles looks into it.
            Err(refusal) if refusal.reason == asked.spent().reason => {}
            Err(refusal) => return Ok(Settlement::NotTaken(refusal)),
            Ok(()) => {}
        }
        match self.parts.store.begin(&asked.as_new()).await? {
            Begun::Fresh(id) => Ok(self.join(id, Earlier::No, asked).await),
            Begun::Known(known) if known.fingerprint != asked.fingerprint => Ok(Settlement::NotTaken(asked.spent())),
            Begun::Known(known) => match known.end {
                Some(end) => Ok(end),
                None => Ok(self.join(known.id, Earlier::Maybe, asked).await),
            },
        }
    }

    /// Waits for the end of a settlement, which is begun where it does not run.
    async fn join(&self, id: Uuid, earlier: Earlier, asked: &Arc<Asked>) -> Settlement {
        let mut outcome = {
            let mut running = self.running.0.lock();
            running.entry(id).or_insert_with(|| self.begin(id, earlier, Arc::clone(asked))).clone()
        };
        let patience = self.parts.patience;
        let ended = tokio::time::timeout(patience, outcome.wait_for(Option::is_some)).await;
        let ended = ended.ok().and_then(std::result::Result::ok).and_then(|settlement| settlement.clone());
        ended.unwrap_or_else(|| Settlement::pending(""))
    }

    fn begin(&self, id: Uuid, earlier: Earlier, asked: Arc<Asked>) -> Outcome {
        let (tell, outcome) = watch::channel(None);
        let (parts, running) = (Arc::clone(&self.parts), Arc::clone(&self.running));
        tokio::spawn(async move {
            let _left = Left { running, id };
            let settlement = parts.facilitators.settle(asked.as_settle(id, earlier)).await;
            parts.write_end(id, &settlement, &asked).await;
            let _ = tell.send(Some(settlement));
        });
        outcome
    }
}

/// Takes a settlement off the list, however its task ends.
struct Left {
    running: Arc<Running>,
    id: Uuid,
}

impl Drop for Left {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.id);
    }
}

impl ServiceParts {
    async fn write_end(&self, id: Uuid, settlement: &Settlement, asked: &Asked) {
        if matches!(settlement, Settlement::Pending { .. }) {
            return;
        }
        let entry = asked.entry(&self.own).ok().flatten();
        for _ in 0..WRITE_TRIES {
            match self.store.ended(id, settlement, entry.as_ref()).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%id, error = ?error.internal, "the end of a settlement can't be written"),
            }
            tokio::time::sleep(WRITE_AGAIN).await;
        }
    }
}

impl Asked {
    fn as_new(&self) -> NewSettlement {
        NewSettlement {
            nonce: self.nonce.clone(),
            fingerprint: self.fingerprint,
            network: self.offer.network().caip2().to_string(),
            token: self.offer.token().address(),
            payer: self.payment.payer(),
            pay_to: self.offer.pay_to,
            amount: self.amount,
        }
    }

    const fn as_settle(&self, id: Uuid, earlier: Earlier) -> Settle<'_> {
        let (offer, payment, header) = (&self.offer, &self.payment, &self.request.payment);
        Settle { id, offer, payment, header, amount: self.amount, earlier }
    }
}

/// An end after which nothing had begun, so that it may be tried again.
fn is_passing(end: &Settlement) -> bool {
    matches!(end, Settlement::NotTaken(refusal) if refusal.reason == Reason::UnexpectedSettleError)
}
