//! The way to the chain: tried again and again until it is there, then watched.

use super::{LocalParts, Shared};
use crate::chain::abi::channels::{BATCH_SETTLEMENT, ERC3009_COLLECTOR, PERMIT2_COLLECTOR};
use crate::chain::abi::permit2::{EXACT_PROXY, PERMIT2, UPTO_PROXY};
use crate::chain::rpc::Call;
use crate::chain::{Rpc, RpcError, Sender, SenderParts};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The first wait after a failed attempt; doubled each time.
const AGAIN_FIRST: Duration = Duration::from_millis(250);
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// How often the chain is asked whether it is still there.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Reaches the chain, takes up what was left unfinished, and looks after the network until the task is ended.
pub(super) async fn run(shared: Arc<Shared>) {
    let network = shared.network().caip2().clone();
    let mut wait = AGAIN_FIRST;
    let sender = loop {
        match begin(&shared.parts).await {
            Ok(sender) => break sender,
            Err(error) => tracing::warn!(%network, %error, "the network can't be started; trying again"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(AGAIN_MAX);
    };
    if let Err(error) = shared.look(sender.rpc()).await {
        tracing::warn!(%network, %error, "it can't be told which contracts are deployed; trying again");
        shared.is_reachable.store(matches!(error, RpcError::Refused { .. }), Ordering::Relaxed);
    }
    tracing::info!(%network, wallet = %sender.wallet(), "payments can be settled");
    shared.sender.send_replace(Some(sender.clone()));
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Err(error) = shared.look(sender.rpc()).await {
            tracing::warn!(%network, %error, "the chain can't be reached");
        }
    }
}

async fn begin(parts: &LocalParts) -> Result<Sender, crate::chain::SendError> {
    let LocalParts { db, client, clock, key, settings, .. } = parts.clone();
    let sender = Sender::start(SenderParts { db, client, clock, key, settings }).await?;
    let left = sender.recover().await?;
    if left > 0 {
        tracing::info!(network = %parts.network.caip2(), left, "took up unfinished settlements");
    }
    Ok(sender)
}

impl Shared {
    /// Asks whether the chain is there, and for the contracts that were not seen yet.
    async fn look(&self, rpc: &Rpc) -> Result<(), RpcError> {
        let places = [PERMIT2, EXACT_PROXY, UPTO_PROXY, BATCH_SETTLEMENT, ERC3009_COLLECTOR, PERMIT2_COLLECTOR];
        let answers = rpc.batch(&places.map(Call::code)).await.inspect_err(|error| self.note(error))?;
        let is_there = |at: usize| {
            let code = answers.get(at).and_then(|answer| answer.as_ref().ok()).and_then(serde_json::Value::as_str);
            code.is_some_and(|code| code.len() > "0x".len())
        };
        let own = &self.contracts;
        for (contract, is_seen) in [
            (&own.exact, is_there(0) && is_there(1)),
            (&own.upto, is_there(0) && is_there(2)),
            (&own.channels, is_there(3)),
            (&own.deposit_eip3009, is_there(3) && is_there(4)),
            (&own.deposit_permit2, is_there(3) && is_there(5) && is_there(0)),
        ] {
            contract.fetch_or(is_seen, Ordering::Relaxed);
        }
        self.is_reachable.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Remembers a failure of the chain; a refusal is none.
    pub(super) fn note(&self, error: &RpcError) {
        if !matches!(error, RpcError::Refused { .. }) {
            self.is_reachable.store(false, Ordering::Relaxed);
        }
    }
}
