//! Gives sends their nonces: all that come in one moment in one transaction, signed and stored before it commits.

use super::flight::{Flight, Form, Stage};
use super::{Core, Send, SendError, SendOutcome, journal};
use crate::chain::fees::GasFees;
use crate::chain::transaction::Transaction;
use alloy_primitives::U256;
use farebox_base::{Error, Kind, Result};
use farebox_db::{GroupCommit, LOST_RACE, Tx};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a placed order waits for: the end, or `None` where the purpose was known before.
pub(super) type Placed = std::result::Result<Option<oneshot::Receiver<SendOutcome>>, SendError>;

/// A send that wants a nonce.
pub(super) struct Order {
    pub send: Send,
    pub fees: GasFees,
    pub to: oneshot::Sender<Placed>,
}

/// Writes orders in groups.
pub(super) struct Allocator {
    core: Arc<Core>,
}

impl Allocator {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

impl GroupCommit for Allocator {
    type Work = Order;
    /// The nonce and the signed form; `None` where the purpose was known before.
    type Done = Option<(u64, Form)>;

    async fn apply_in(&self, tx: &mut Tx, batch: &[Order], _again: bool) -> Result<Vec<Self::Done>> {
        let ids: Vec<String> = batch.iter().map(|order| order.send.purpose_id.to_string()).collect();
        let mut taken: HashSet<String> = journal::known_in(tx, &ids).await?.into_iter().collect();
        let new: Vec<bool> = ids.iter().map(|id| taken.insert(id.clone())).collect();
        let count = new.iter().filter(|new| **new).count();
        if count == 0 {
            return Ok(batch.iter().map(|_| None).collect());
        }
        let mut nonce = journal::nonces_take_in(tx, &self.core.owner, count).await?;
        let mut done = Vec::with_capacity(batch.len());
        for (order, new) in batch.iter().zip(new) {
            done.push(new.then(|| (nonce, self.core.sign(order, nonce))));
            nonce += u64::from(new);
        }
        let placed = ids.into_iter().zip(&done);
        let rows: Vec<_> =
            placed.filter_map(|(id, done)| done.clone().map(|(nonce, form)| (id, nonce, form))).collect();
        let stored = journal::insert_in(tx, &self.core.owner, &rows).await?;
        if usize::try_from(stored).is_ok_and(|stored| stored == count) {
            return Ok(done);
        }
        // Another process was first with one of the purposes; the next run sees its row.
        Err(Error::new(Kind::Unavailable, LOST_RACE, "Sent by somebody else in the same moment; try again"))
    }

    fn committed(&self, batch: Vec<Order>, done: Vec<Self::Done>) {
        for (order, done) in batch.into_iter().zip(done) {
            let Some((nonce, form)) = done else {
                let _ = order.to.send(Ok(None));
                continue;
            };
            let id = order.send.purpose_id;
            let mut flight = Flight::new(id, nonce, Stage::New, form);
            let (waiter, end) = oneshot::channel();
            flight.waiters.push(waiter);
            self.core.adopt(flight);
            let _ = order.to.send(Ok(Some(end)));
        }
    }

    fn refused(&self, order: Order, error: Error) -> Option<Order> {
        let _ = order.to.send(Err(SendError::Storage(error)));
        None
    }
}

impl Core {
    fn sign(&self, order: &Order, nonce: u64) -> Form {
        let Order { send, fees, .. } = order;
        self.form(&Transaction {
            chain_id: self.settings.chain_id,
            nonce,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            max_fee_per_gas: fees.max_fee_per_gas,
            gas_limit: send.gas_limit,
            to: send.to,
            value: U256::ZERO,
            data: send.data.clone(),
        })
    }

    pub(super) fn form(&self, transaction: &Transaction) -> Form {
        let signed = transaction.sign(&self.key);
        Form { hash: signed.hash, raw: signed.raw, signed_at: self.clock.now() }
    }
}
