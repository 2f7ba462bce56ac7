//! Broadcasts: what is due goes out in batches, in the order of its nonces; what nodes say is noted on the flights.
//!
//! The same bytes may be broadcast any number of times. A batch that hangs does not hold back the next one for long.

use super::Core;
use super::flight::{Flight, Need, Stage};
use super::refusal::Refusal;
use crate::chain::rpc::{Call, RpcError};
use alloy_primitives::{B256, Bytes};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// After this the next batch goes without waiting for the one before.
const HANGS_AFTER: Duration = Duration::from_millis(500);
/// A transaction refused so often, in words we do not know, is given up.
const UNCLEAR_TRIES_MAX: u32 = 10;

/// The way to the task that broadcasts.
pub(super) struct Broadcaster {
    queue: mpsc::UnboundedSender<Uuid>,
}

impl Broadcaster {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Uuid>) {
        let (queue, received) = mpsc::unbounded_channel();
        (Self { queue }, received)
    }

    /// Has the newest form of a flight broadcast.
    pub(super) fn push(&self, id: Uuid) {
        let _ = self.queue.send(id);
    }
}

/// One form on its way to a node.
struct Parcel {
    id: Uuid,
    nonce: u64,
    hash: B256,
    raw: Bytes,
}

pub(super) async fn run(core: Arc<Core>, mut queue: mpsc::UnboundedReceiver<Uuid>) {
    let mut ids = Vec::new();
    while queue.recv_many(&mut ids, core.settings.batch_max.max(1)).await > 0 {
        let mut parcels = core.parcels(ids.drain(..));
        if parcels.is_empty() {
            continue;
        }
        parcels.sort_by_key(|parcel| parcel.nonce);
        let core = core.clone();
        let batch = tokio::spawn(async move { core.broadcast(parcels).await });
        let _ = tokio::time::timeout(HANGS_AFTER, batch).await;
    }
}

impl Core {
    /// Watches a flight from the journal and broadcasts it again; `false` where it is watched already.
    pub(super) fn adopt(&self, flight: Flight) -> bool {
        let id = flight.id;
        let new = self.board.add(flight);
        if new {
            self.broadcaster.push(id);
        }
        new
    }

    fn parcels(&self, ids: impl Iterator<Item = Uuid>) -> Vec<Parcel> {
        let now = self.clock.now();
        let parcel = |flight: &mut Flight| {
            if flight.owes_filler().is_some() {
                return None;
            }
            flight.sent_at = Some(now);
            let (hash, raw) = (flight.newest.hash, flight.newest.raw.clone());
            Some(Parcel { id: flight.id, nonce: flight.nonce, hash, raw })
        };
        let parcel = |id| self.board.change(id, parcel).flatten();
        ids.filter_map(parcel).collect()
    }

    async fn broadcast(&self, parcels: Vec<Parcel>) {
        let calls: Vec<Call> = parcels.iter().map(|parcel| Call::send_raw(&parcel.raw)).collect();
        let answers = self.rpc.batch_changing(&calls).await;
        for (parcel, answer) in parcels.iter().zip(answers) {
            let note = |flight: &mut Flight| {
                if flight.newest.hash == parcel.hash {
                    self.note(flight, answer.map(|_| ()));
                }
            };
            self.board.change(parcel.id, note);
        }
        self.news.notify_one();
    }

    fn note(&self, flight: &mut Flight, answer: Result<(), RpcError>) {
        let refusal = match &answer {
            Ok(()) => Refusal::Known,
            Err(RpcError::Refused { message, .. }) => Refusal::of(message),
            Err(RpcError::NotSent(_) | RpcError::Unknown(_)) => Refusal::Later,
        };
        if refusal == Refusal::Known {
            flight.tries = 0;
            if flight.stage == Stage::New {
                flight.stage = Stage::Broadcast;
            }
            return;
        }
        flight.tries = flight.tries.saturating_add(1);
        let reason = answer.err().map(|error| error.to_string()).unwrap_or_default();
        tracing::debug!(id = %flight.id, nonce = flight.nonce, ?refusal, reason, "a broadcast did not go through");
        match refusal {
            Refusal::NonceUsed => flight.need = Need::NonceCheck,
            Refusal::FeeTooLow => flight.need = Need::Bump,
            Refusal::NoFunds => self.gas.exhausted(),
            // What one node has taken may be mined, whatever another one says.
            _ if flight.stage != Stage::New => {}
            Refusal::Never => flight.need = Need::Filler(reason),
            Refusal::Unclear if flight.tries >= UNCLEAR_TRIES_MAX => flight.need = Need::Filler(reason),
            Refusal::Known | Refusal::Later | Refusal::Unclear => {}
        }
    }
}
