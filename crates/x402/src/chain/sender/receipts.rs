//! What receipts say: in a block, deep enough, gone again.
//!
//! Invariant: waiters are told only after the end is in the journal.

use super::flight::{Flight, Stage};
use super::journal::{self, Progress};
use super::{Core, SendError, SendOutcome};
use crate::chain::abi::revert_reason;
use crate::chain::rpc::{CallAt, Head, Receipt, RpcError};
use crate::chain::transaction::Transaction;
use alloy_primitives::B256;
use farebox_base::Timestamp;
use farebox_db::{Isolation, tx};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// What the node said of each hash; absent where it could not tell.
type Told = HashMap<B256, Option<Receipt>>;

/// The chain as it is seen at the beginning of a round.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub head: Head,
    /// The wallet's next nonce; what has a higher one can be in no block.
    pub next_nonce: u64,
    /// The chain did not grow since the last round, but changed: what was in a block may be in none.
    pub went_back: bool,
}

/// What one round came to.
#[derive(Default)]
struct Round {
    ends: Vec<(Uuid, Receipt)>,
    progress: Vec<Progress>,
}

impl Core {
    /// Asks for the receipts of everything that may have news and acts on them.
    pub(super) async fn receipts(&self, view: View) -> Result<(), SendError> {
        let asked =
            self.board.collect(|flight| self.may_have_news(flight, view).then(|| flight.hashes().collect::<Vec<_>>()));
        let hashes = asked.concat();
        let answers = self.rpc.receipts(&hashes).await?;
        let told: Told =
            hashes.into_iter().zip(answers).filter_map(|(hash, answer)| Some((hash, answer.ok()?))).collect();
        let mut round = Round::default();
        self.board.collect(|flight| {
            self.judge(flight, view.head, &told, &mut round);
            None::<()>
        });
        let mut finished = Vec::with_capacity(round.ends.len());
        for (id, receipt) in round.ends {
            let revert = if receipt.succeeded { None } else { Some(self.revert(id, &receipt).await) };
            let Some(outcome) = self.board.change(id, |flight| flight.outcome(&receipt, revert)) else { continue };
            round.progress.push(end(id, &receipt, &outcome));
            finished.push((id, outcome));
        }
        if !round.progress.is_empty() {
            let now = self.clock.now();
            tx!(self.db, Isolation::ReadCommitted, tx => { journal::progress_in(tx, &round.progress, now).await })?;
        }
        for (id, outcome) in &finished {
            self.board.change(*id, |flight| match flight.counted {
                None => self.spans.add(self.since(flight.begun_at())),
                Some(counted) => self.tell_of_second_end(counted, flight, outcome),
            });
            self.board.finish(*id, outcome);
        }
        Ok(())
    }

    fn since(&self, at: Timestamp) -> Duration {
        let micros = self.clock.now().micros().saturating_sub(at.micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    }

    /// What is in a block is looked at again when that is deep enough, or when the chain went back.
    fn may_have_news(&self, flight: &Flight, view: View) -> bool {
        match flight.block {
            Some((block, _)) => view.went_back || self.is_deep(view.head, block),
            None => flight.lowest_nonce < view.next_nonce || flight.stage == Stage::Included,
        }
    }

    fn is_deep(&self, head: Head, block: u64) -> bool {
        head.number.saturating_sub(block).saturating_add(1) >= self.settings.confirmations
    }

    fn judge(&self, flight: &mut Flight, head: Head, told: &Told, round: &mut Round) {
        let mined = flight.hashes().filter_map(|hash| told.get(&hash).cloned().flatten()).collect();
        let Some(receipt) = flight.telling(mined) else {
            let is_certain = flight.hashes().all(|hash| told.contains_key(&hash));
            if is_certain && flight.stage == Stage::Included {
                tracing::warn!(id = %flight.id, nonce = flight.nonce, "a mined transaction is in no block any more; sending it again");
                (flight.stage, flight.block) = (Stage::Broadcast, None);
                self.broadcaster.push(flight.id);
                flight.noted = false;
            }
            if flight.stage == Stage::Broadcast && !flight.noted {
                flight.noted = true;
                round.progress.push(under_way(flight, None));
            }
            return;
        };
        flight.suspect_since = None;
        let block = (receipt.block, receipt.block_hash);
        if self.is_deep(head, receipt.block) {
            round.ends.push((flight.id, receipt));
        } else if flight.block != Some(block) {
            (flight.stage, flight.block) = (Stage::Included, Some(block));
            round.progress.push(under_way(flight, Some(&receipt)));
        }
    }

    /// Why a transaction reverted: what the same call says in the state after its block, or else before it.
    async fn revert(&self, id: Uuid, receipt: &Receipt) -> String {
        let read = |flight: &mut Flight| {
            let form = flight.forms().find(|form| form.hash == receipt.hash);
            form.and_then(|form| Transaction::read(&form.raw))
        };
        let Some(Some(sent)) = self.board.change(id, read) else { return "reverted".to_owned() };
        if receipt.gas_used == sent.gas_limit {
            return "out of gas".to_owned();
        }
        for block in [receipt.block, receipt.block.saturating_sub(1)] {
            let call = self.rpc.eth_call(Some(self.key.address()), sent.to, &sent.data, CallAt::Block(block)).await;
            match call {
                Err(RpcError::Refused { data: Some(data), .. }) if !data.is_empty() => return revert_reason(&data),
                Err(RpcError::Refused { message, .. }) => return message,
                Ok(_) | Err(_) => {}
            }
        }
        "reverted; the reason can't be found any more".to_owned()
    }
}

fn under_way(flight: &Flight, receipt: Option<&Receipt>) -> Progress {
    Progress {
        id: flight.id,
        state: if receipt.is_some() { "included" } else { "broadcast" },
        hash: flight.newest.hash,
        block: receipt.map(|receipt| receipt.block),
        block_hash: receipt.map(|receipt| receipt.block_hash),
        gas_used: None,
        reason: None,
    }
}

fn end(id: Uuid, receipt: &Receipt, outcome: &SendOutcome) -> Progress {
    let reason = match outcome {
        SendOutcome::Failed { reason, .. } => Some(reason.clone()),
        SendOutcome::Mined(_) | SendOutcome::Pending { .. } => None,
    };
    Progress {
        id,
        state: if reason.is_some() { "failed" } else { "mined" },
        hash: receipt.hash,
        block: Some(receipt.block),
        block_hash: Some(receipt.block_hash),
        gas_used: Some(receipt.gas_used),
        reason,
    }
}
