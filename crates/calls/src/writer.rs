//! What is written in groups: openings and closings of calls, and who is told when they are.
//!
//! Invariant: an answer is sent only after the commit that contains its effect.

use crate::answers::{Answers, Waiting};
use crate::apply::{self, Group, Outcome};
use crate::close::Closed;
use crate::idempotency::Claimed;
use crate::open::Opened;
use crate::payment::Spent;
use crate::reserve::Reservations;
use crate::running::{End, Running};
use crate::settings::CallsParts;
use crate::ticket::{Ticket, TicketSeed};
use farebox_base::{Error, Kind, Micros, PaymentNeed, Result};
use farebox_db::{GroupCommit, GroupLimits, GroupWriter, Tx};
use farebox_ledger::{AccountId, ChainId};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::oneshot;

/// One thing to write.
pub(crate) enum Work {
    Open { call: Box<Running>, seed: Box<TicketSeed>, to: oneshot::Sender<Result<OpenAnswer>> },
    Close { end: Box<End>, to: Option<Waiting> },
}

impl Work {
    pub(crate) fn call(&self) -> &Running {
        match self {
            Work::Open { call, .. } => call,
            Work::Close { end, .. } => &end.call,
        }
    }
}

/// What became of an opening, for the caller.
pub(crate) enum OpenAnswer {
    /// Committed. Dropping the ticket closes the call.
    Open(Box<Ticket>),
    Insufficient(PaymentNeed),
    /// The idempotency key is taken.
    Known(Claimed),
    /// The payment is.
    Spent(Box<Spent>),
}

/// The way to the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: GroupWriter<Work>,
    pub(crate) reservations: Arc<Reservations>,
}

/// Where the writer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a thread of its own.
    Thread,
    /// Among the tasks of the current runtime.
    #[cfg(feature = "sim")]
    Task,
}

impl Writer {
    pub(crate) async fn start(parts: Arc<CallsParts>, place: Place) -> Result<Self> {
        let settings = &parts.settings;
        let reservations = Arc::new(Reservations::new(settings.unsecured_max, settings.balance_fresh));
        let chain = ChainId::begin(&parts.db).await?;
        let limits = GroupLimits { group_max: settings.group_commit_max, window: settings.group_window() };
        let db = parts.db.clone();
        let group = CallGroup { parts, chain, reservations: reservations.clone(), available: Mutex::default() };
        let queue = match place {
            Place::Thread => GroupWriter::start("call-writer", db, Arc::new(group), limits)?,
            #[cfg(feature = "sim")]
            Place::Task => GroupWriter::start_task(db, Arc::new(group), limits),
        };
        Ok(Self { queue, reservations })
    }

    pub(crate) async fn open(&self, call: Box<Running>, seed: TicketSeed) -> Result<OpenAnswer> {
        let (to, answered) = oneshot::channel();
        self.queue.send(Work::Open { call, seed: Box::new(seed), to }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Queues the closing at once; the future only waits for its commit.
    pub(crate) fn close(&self, end: Box<End>) -> impl Future<Output = Result<Closed>> + Send + use<> {
        let (waiting, answered) = Waiting::new();
        let sent = self.queue.send(Work::Close { end, to: Some(waiting) }).map_err(|_| stopped());
        async move {
            sent?;
            answered.await.map_err(|_| stopped())?
        }
    }

    /// Queues a closing that nobody waits for.
    pub(crate) fn close_unattended(&self, end: Box<End>) {
        if self.queue.send(Work::Close { end, to: None }).is_err() {
            tracing::warn!("a call ended after the writer had stopped; its hold will expire");
        }
    }

    pub(crate) async fn stop(&self) {
        self.queue.stop().await;
    }
}

fn stopped() -> Error {
    Error::unavailable("The server is shutting down; try again")
}

struct CallGroup {
    parts: Arc<CallsParts>,
    chain: ChainId,
    reservations: Arc<Reservations>,
    /// What the accounts of the last group had after it.
    available: Mutex<Vec<(AccountId, Micros)>>,
}

impl GroupCommit for CallGroup {
    type Work = Work;
    type Done = Outcome;

    fn prepare(&self, batch: &[Work]) {
        self.reservations.change(|change| {
            for call in batch.iter().filter(|work| matches!(work, Work::Open { .. })).map(Work::call) {
                call.reservation.iter().for_each(|reservation| change.release(reservation));
                change.pend(&call.sources, call.quoted);
            }
        });
    }

    fn is_patient(&self, work: &Work) -> bool {
        matches!(work, Work::Close { to: None, .. })
    }

    async fn apply_in(&self, tx: &mut Tx, batch: &[Work], again: bool) -> Result<Vec<Outcome>> {
        let now = self.parts.clock.now();
        let group = Group { chain: self.chain, reservations: &self.reservations, now, again };
        let (outcomes, available) = apply::apply_in(tx, &group, batch).await?;
        *self.available.lock() = available;
        Ok(outcomes)
    }

    fn committed(&self, batch: Vec<Work>, done: Vec<Outcome>) {
        let available = std::mem::take(&mut *self.available.lock());
        self.settled(&batch, available);
        let mut answers = Answers::default();
        for (work, outcome) in batch.into_iter().zip(done) {
            match (work, outcome) {
                (Work::Open { call, seed, to }, Outcome::Opened(opened)) => {
                    let _ = to.send(Ok(open_answer(call, *seed, opened)));
                }
                (Work::Close { to: Some(waiting), .. }, Outcome::Closed(closed)) => answers.add(waiting, closed),
                (Work::Close { end, to: None }, Outcome::Closed(Closed::Refused(_))) => {
                    let call_id = end.call.call_id;
                    tracing::error!(%call_id, "a call that was answered could not be charged: its money was spent elsewhere");
                }
                _ => {}
            }
        }
        answers.send();
    }

    /// An opening is refused and nothing of it stays. A closing that somebody waits for ends free of charge, because the
    /// answer is then withheld; one that nobody waits for keeps its ending. Both are written when that is possible again.
    fn refused(&self, work: Work, error: Error) -> Option<Work> {
        let is_for_later = error.kind == Kind::Unavailable;
        match work {
            Work::Close { end, to: None } if is_for_later => Some(Work::Close { end, to: None }),
            work => {
                self.settled(std::slice::from_ref(&work), Vec::new());
                match work {
                    Work::Open { to, .. } => drop(to.send(Err(error))),
                    Work::Close { mut end, to: Some(waiting) } => {
                        waiting.answer(Err(error));
                        (end.ending, end.reply, end.call.reservation) = (end.ending.unanswered(), None, None);
                        return is_for_later.then_some(Work::Close { end, to: None });
                    }
                    Work::Close { end, to: None } => {
                        let call_id = end.call.call_id;
                        tracing::error!(%call_id, internal = ?error.internal, "a call could not be closed; it is free of charge");
                    }
                }
                None
            }
        }
    }
}

impl CallGroup {
    /// Memory follows what the store has, or has not.
    fn settled(&self, batch: &[Work], available: Vec<(AccountId, Micros)>) {
        let now = self.parts.clock.ticks();
        self.reservations.change(|change| {
            change.learn(available, now);
            for work in batch {
                match work {
                    Work::Open { call, .. } => change.unpend(&call.sources, call.quoted),
                    Work::Close { end, .. } => {
                        end.call.reservation.iter().for_each(|reservation| change.release(reservation));
                    }
                }
            }
        });
    }
}

/// The ticket is made here, so that it exists also where nobody waits for it any more.
fn open_answer(call: Box<Running>, seed: TicketSeed, opened: Opened) -> OpenAnswer {
    match opened {
        Opened::Open { held, free_tier } => {
            let mut call = call;
            (call.held, call.free_tier, call.stored, call.reservation) = (held, free_tier, true, None);
            OpenAnswer::Open(Box::new(seed.ticket(call)))
        }
        Opened::Insufficient(need) => OpenAnswer::Insufficient(need),
        Opened::Known(claimed) => OpenAnswer::Known(*claimed),
        Opened::Spent(spent) => OpenAnswer::Spent(spent),
    }
}
