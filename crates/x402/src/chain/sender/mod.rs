//! The engine that sends transactions from one gas wallet: idempotent by purpose, many in flight, safe to kill.
//!
//! A send is journalled with its nonce and its signed bytes, then broadcast, then watched until its block is deep enough.
//! Sends of one moment share a database transaction and a JSON-RPC batch; one loop asks for all receipts. Several
//! processes may share a wallet and a database.
//!
//! Invariants: nothing is broadcast before its row is committed; a purpose never has two transactions that could both be
//! mined; a send ends in `Mined` or `Failed` only by a receipt, and is sent again where a reorganisation takes that back.

mod allocate;
mod broadcast;
mod ended;
mod error;
mod flight;
mod gas;
mod hindsight;
mod journal;
mod receipts;
mod refusal;
mod repair;
mod spans;
mod upkeep;
mod watch;

pub use error::SendError;
pub use gas::GasState;
pub use hindsight::Reorganised;
pub use journal::{begun, transactions_forget_in};
pub use spans::SpanCounts;

use super::fees::Fees;
use super::rpc::{CallAt, Receipt, Rpc};
use super::settings::ChainSettings;
use super::transaction::intrinsic_gas;
use crate::evm::SigningKey;
use allocate::{Allocator, Order};
use alloy_primitives::{Address, B256, Bytes};
use broadcast::Broadcaster;
use farebox_base::{Clock, Timestamp};
use farebox_db::{Db, GroupLimits, GroupWriter};
use farebox_net::Client;
use flight::Board;
use gas::GasGauge;
use hindsight::Hindsight;
use journal::{Found, Owner};
use parking_lot::Mutex;
use spans::Spans;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Gas limits beyond what a transaction may have (EIP-7825) are refused before anything is signed.
const GAS_LIMIT_MAX: u64 = 1 << 24;
/// Calldata beyond this is refused; nodes take 128 KiB at most.
const DATA_BYTES_MAX: usize = 120 << 10;

/// What to send, and what for.
#[derive(Debug, Clone)]
pub struct Send {
    /// CAIP-2; must be the sender's.
    pub network: String,
    pub to: Address,
    pub data: Bytes,
    pub gas_limit: u64,
    /// Whoever asks again with it gets the outcome of the first one, whatever else the request says. Unique over all
    /// networks and wallets of a database.
    pub purpose_id: Uuid,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// In a block that is deep enough, and not reverted.
    Mined(Receipt),
    /// Final, and without effect: reverted, or never to be sent, its nonce used by something else.
    Failed { hash: B256, reason: String },
    /// Under way; ask [`Sender::outcome`] later. Never send the same thing for another purpose.
    Pending { hash: B256 },
}

/// What a sender is made of.
pub struct SenderParts {
    pub db: Db,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub key: SigningKey,
    pub settings: ChainSettings,
}

/// What the tasks of a sender share.
struct Core {
    db: Db,
    rpc: Arc<Rpc>,
    clock: Arc<dyn Clock>,
    fees: Fees,
    key: SigningKey,
    settings: ChainSettings,
    owner: Owner,
    board: Board,
    gas: GasGauge,
    spans: Spans,
    hindsight: Hindsight,
    broadcaster: Broadcaster,
    /// Something was broadcast: time to look for receipts.
    news: Notify,
    /// When the newest block was first seen.
    block_seen_at: Mutex<Timestamp>,
    /// When rows that nobody watches were last looked for.
    orphans_at: Mutex<Timestamp>,
}

/// Sends from one gas wallet on one network. Clones share it; with the last one its tasks end, whatever is under way.
#[derive(Clone)]
pub struct Sender {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    writer: GroupWriter<Order>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Sender {
    /// Checks the chain, makes the wallet's row and starts the tasks on the current runtime. Call [`Sender::recover`]
    /// next.
    ///
    /// # Errors
    /// `WrongChain`; `Rpc` where no endpoint answers; `Storage`.
    pub async fn start(parts: SenderParts) -> Result<Self, SendError> {
        let SenderParts { db, client, clock, key, settings } = parts;
        let rpc = Arc::new(Rpc::new(client, clock.clone(), &settings));
        let found = rpc.chain_id().await?;
        if found != settings.chain_id {
            return Err(SendError::WrongChain { expected: settings.chain_id, found });
        }
        let owner = Owner::new(&settings.caip2, key.address());
        journal::wallet_ensure(&db, &owner, rpc.nonce(key.address(), CallAt::Pending).await?).await?;
        let (broadcaster, queue) = Broadcaster::new();
        let core = Arc::new(Core {
            fees: Fees::new(rpc.clone(), clock.clone(), &settings),
            gas: GasGauge::new(key.address(), &settings),
            board: Board::default(),
            spans: Spans::default(),
            hindsight: Hindsight::default(),
            news: Notify::new(),
            orphans_at: Mutex::new(clock.now()),
            block_seen_at: Mutex::new(clock.now()),
            db,
            rpc,
            clock,
            key,
            settings,
            owner,
            broadcaster,
        });
        core.gas.refresh(&core.rpc, &*core.clock).await?;
        let limits = GroupLimits { group_max: core.settings.batch_max.max(1), window: Duration::ZERO };
        let writer =
            GroupWriter::start("chain-writer", core.db.clone(), Arc::new(Allocator::new(core.clone())), limits)?;
        let tasks = vec![tokio::spawn(broadcast::run(core.clone(), queue)), tokio::spawn(watch::run(core.clone()))];
        Ok(Self { inner: Arc::new(Inner { core, writer, tasks }) })
    }

    /// Sends, or joins what was sent for this purpose before, and waits for the end no longer than the settings' patience.
    ///
    /// # Errors
    /// Before anything is begun: `WrongNetwork`, `TooLarge`, `TooLittleGas`, `GasLow`, `Fees`. `Storage` may leave it begun.
    pub async fn send(&self, send: Send) -> Result<SendOutcome, SendError> {
        let core = &self.inner.core;
        if send.network != core.settings.caip2 {
            return Err(SendError::WrongNetwork(send.network));
        }
        if send.gas_limit > GAS_LIMIT_MAX || send.data.len() > DATA_BYTES_MAX {
            return Err(SendError::TooLarge);
        }
        let needed = intrinsic_gas(&send.data);
        if send.gas_limit <= needed {
            return Err(SendError::TooLittleGas { needed });
        }
        let id = send.purpose_id;
        if core.board.contains(id) {
            return self.outcome(id).await;
        }
        if core.gas.state().paused {
            core.gas.refresh(&core.rpc, &*core.clock).await?;
        }
        let fees = match core.gas.check() {
            Ok(()) => core.fees.now().await.map_err(SendError::from),
            Err(low) => Err(low),
        };
        let fees = match fees {
            Ok(fees) => fees,
            // What was begun when gas was there still has its outcome.
            Err(error) => return self.outcome(id).await.map_err(|_| error),
        };
        let (to, answered) = oneshot::channel();
        self.inner.writer.send(Order { send, fees, to }).map_err(|_| SendError::Stopped)?;
        match answered.await.map_err(|_| SendError::Stopped)?? {
            Some(end) => self.wait(id, end).await,
            None => self.outcome(id).await,
        }
    }

    /// What became of a purpose; waits no longer than the settings' patience.
    ///
    /// # Errors
    /// `NotFound`; `Storage`; for what ended before, `Rpc` and `ReceiptGone` where the node does not show its receipt.
    pub async fn outcome(&self, purpose_id: Uuid) -> Result<SendOutcome, SendError> {
        let core = &self.inner.core;
        if let Some(end) = core.board.join(purpose_id) {
            return self.wait(purpose_id, end).await;
        }
        match journal::find(&core.db, &core.owner, purpose_id).await?.ok_or(SendError::NotFound)? {
            Found::Failed { hash, reason } => Ok(SendOutcome::Failed { hash, reason }),
            Found::Mined { hash } => {
                core.rpc.receipt(hash).await?.map(SendOutcome::Mined).ok_or(SendError::ReceiptGone(hash))
            }
            Found::Unfinished(mut flight) => {
                let (waiter, end) = oneshot::channel();
                flight.waiters.push(waiter);
                core.adopt(*flight);
                self.wait(purpose_id, end).await
            }
        }
    }

    /// Takes up what was left unfinished: broadcasts the same bytes again and watches them. Answers how many.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn recover(&self) -> Result<usize, SendError> {
        let core = &self.inner.core;
        let left = journal::unfinished(&core.db, &core.owner, core.clock.now().plus(Duration::from_secs(1))).await?;
        Ok(left.into_iter().filter_map(|flight| core.adopt(flight).then_some(())).count())
    }

    /// The gas wallet's balance as of the last reading.
    pub fn gas(&self) -> GasState {
        self.inner.core.gas.state()
    }

    /// Transactions that are not final yet and that this process watches.
    pub fn in_flight(&self) -> usize {
        self.inner.core.board.len()
    }

    /// How long the sends of this process took.
    pub fn spans(&self) -> SpanCounts {
        self.inner.core.spans.counts()
    }

    /// What reorganisations took back after this process, or one before it, had counted it as final.
    pub fn reorganised(&self) -> Reorganised {
        self.inner.core.hindsight.counts()
    }

    /// The gas wallet.
    pub fn wallet(&self) -> Address {
        self.inner.core.key.address()
    }

    /// The network's endpoints, for reads.
    pub fn rpc(&self) -> &Arc<Rpc> {
        &self.inner.core.rpc
    }

    /// Writes what is queued and ends. What is in flight is taken up by the next `recover`.
    pub async fn stop(&self) {
        self.inner.writer.stop().await;
        self.inner.tasks.iter().for_each(JoinHandle::abort);
    }

    async fn wait(&self, id: Uuid, end: oneshot::Receiver<SendOutcome>) -> Result<SendOutcome, SendError> {
        let core = &self.inner.core;
        match tokio::time::timeout(core.settings.patience, end).await {
            Ok(end) => end.map_err(|_| SendError::Stopped),
            Err(_) => match core.board.change(id, |flight| flight.newest.hash) {
                Some(hash) => Ok(SendOutcome::Pending { hash }),
                None => Box::pin(self.outcome(id)).await,
            },
        }
    }
}
