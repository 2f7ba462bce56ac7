//! Group commit: all openings and closings of a moment share one transaction, made on a thread of its own so that
//! the disk's wait blocks no other request.
//!
//! Invariant: an answer is sent only after the commit that contains its effect. One entry that fails does not
//! fail its neighbours: the group is then made again, one by one.

use crate::close::{Closed, End, close_in};
use crate::idempotency::Claimed;
use crate::kept::Kept;
use crate::open::{Opened, Start, open_in};
use crate::settings::CallsParts;
use crate::ticket::{Ticket, TicketSeed};
use farebox_base::{Error, Kind, PaymentNeed, Result};
use farebox_db::{COMMIT_UNKNOWN, DB_FULL, Isolation, Tx, tx};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How often a commit whose fate is unknown, or that the database could not take, is tried again.
const TRIES_MAX: u32 = 6;

pub(crate) enum Work {
    Open(Box<Start>, Box<TicketSeed>, oneshot::Sender<Result<OpenAnswer>>),
    Close(Box<End>, Option<oneshot::Sender<Result<Closed>>>),
    Stop(oneshot::Sender<()>),
}

enum Done {
    Opened(Opened),
    Closed(Closed),
}

/// What became of an opening, for the caller.
pub(crate) enum OpenAnswer {
    /// Committed. Dropping the ticket closes the call.
    Open(Box<Ticket>),
    Insufficient(PaymentNeed),
    /// The idempotency key is taken.
    Known(Claimed),
}

/// The way to the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::UnboundedSender<Work>,
}

impl Writer {
    pub(crate) fn start(parts: Arc<CallsParts>) -> Result<Self> {
        let (queue, work) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("call-writer".to_owned())
            .spawn(move || runtime.block_on(run(parts, work)))
            .map_err(|e| Error::internal(format!("can't start the writer's thread: {e}")))?;
        Ok(Self { queue })
    }

    pub(crate) async fn open(&self, start: Start, seed: TicketSeed) -> Result<OpenAnswer> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Work::Open(Box::new(start), Box::new(seed), answer)).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Queues the closing at once; the future only waits for its commit.
    pub(crate) fn close(&self, end: End) -> impl Future<Output = Result<Closed>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let sent = self.queue.send(Work::Close(Box::new(end), Some(answer))).map_err(|_| stopped());
        async move {
            sent?;
            answered.await.map_err(|_| stopped())?
        }
    }

    /// Queues a closing that nobody waits for.
    pub(crate) fn close_unattended(&self, end: End) {
        if self.queue.send(Work::Close(Box::new(end), None)).is_err() {
            tracing::warn!("a call ended after the writer had stopped; its hold will expire");
        }
    }

    pub(crate) async fn stop(&self) {
        let (answer, answered) = oneshot::channel();
        if self.queue.send(Work::Stop(answer)).is_ok() {
            let _ = answered.await;
        }
    }
}

fn stopped() -> Error {
    Error::unavailable("The server is shutting down; try again")
}

async fn run(parts: Arc<CallsParts>, mut work: mpsc::UnboundedReceiver<Work>) {
    let (mut group, mut kept) = (Vec::new(), Kept::default());
    while kept.receive(&mut work, &mut group, parts.settings.group_commit_max.max(1)).await {
        let mut stop = None;
        let mut batch = kept.take();
        for item in group.drain(..) {
            match item {
                Work::Stop(answer) => stop = Some(answer),
                other => batch.push(other),
            }
        }
        settle(&parts, batch, &mut kept).await;
        if let Some(answer) = stop {
            finish(&parts, &mut work, &mut kept).await;
            let _ = answer.send(());
            return;
        }
    }
}

/// Settles what is queued, and what that leads to, until nothing comes any more.
async fn finish(parts: &CallsParts, work: &mut mpsc::UnboundedReceiver<Work>, kept: &mut Kept) {
    loop {
        let mut rest = Vec::new();
        while let Ok(item) = work.try_recv() {
            rest.push(item);
        }
        if rest.is_empty() {
            break;
        }
        settle(parts, rest, kept).await;
    }
    work.close();
}

/// Commits a group and answers everyone in it.
async fn settle(parts: &CallsParts, batch: Vec<Work>, kept: &mut Kept) {
    if batch.is_empty() {
        return;
    }
    match commit(parts, &batch, false).await {
        Ok(done) => batch.into_iter().zip(done).for_each(|(work, done)| answer(work, Ok(done))),
        Err(error) if error.code == DB_FULL => batch.into_iter().for_each(|work| kept.refuse(work, &error)),
        Err(error) if batch.len() == 1 => batch.into_iter().for_each(|work| answer(work, Err(error.clone()))),
        Err(_) => {
            for work in batch {
                let alone = std::slice::from_ref(&work);
                // What failed may have been the answer to a commit that happened.
                let result = commit(parts, alone, true).await;
                match result {
                    Ok(mut done) => {
                        if let Some(done) = done.pop() {
                            answer(work, Ok(done));
                        }
                    }
                    Err(error) if error.code == DB_FULL => kept.refuse(work, &error),
                    Err(error) => answer(work, Err(error)),
                }
            }
        }
    }
}

fn answer(work: Work, result: Result<Done>) {
    match (work, result) {
        (Work::Open(_, seed, to), Ok(Done::Opened(opened))) => drop(to.send(Ok(open_answer(*seed, opened)))),
        (Work::Open(_, _, to), Err(error)) => drop(to.send(Err(error))),
        (Work::Close(_, Some(to)), Ok(Done::Closed(closed))) => drop(to.send(Ok(closed))),
        (Work::Close(_, Some(to)), Err(error)) => drop(to.send(Err(error))),
        (Work::Close(end, None), Err(error)) => {
            let call_id = end.opening.call_id;
            tracing::error!(%call_id, internal = ?error.internal, "a call could not be closed; it will expire, free of charge");
        }
        _ => {}
    }
}

/// The ticket is made here, so that it exists also where nobody waits for it any more.
fn open_answer(seed: TicketSeed, opened: Opened) -> OpenAnswer {
    match opened {
        Opened::Open { held, free_tier } => OpenAnswer::Open(Box::new(seed.open(held, free_tier))),
        Opened::Insufficient(need) => OpenAnswer::Insufficient(need),
        Opened::Known(claimed) => OpenAnswer::Known(claimed),
    }
}

/// Makes the group's transaction, again where its fate is unknown: every entry is idempotent by its call's id.
/// `again` says that an earlier attempt may have committed.
async fn commit(parts: &CallsParts, batch: &[Work], again: bool) -> Result<Vec<Done>> {
    let mut tries = 0;
    loop {
        match commit_once(parts, batch, again || tries > 0).await {
            Err(error) if error.kind == Kind::Unavailable && error.code != DB_FULL && tries < TRIES_MAX => {
                let unknown = error.code == COMMIT_UNKNOWN;
                tracing::warn!(tries, unknown, internal = ?error.internal, "a group commit did not go through; trying again");
                tokio::time::sleep(Duration::from_millis(20 << tries)).await;
                tries += 1;
            }
            other => return other,
        }
    }
}

async fn commit_once(parts: &CallsParts, batch: &[Work], again: bool) -> Result<Vec<Done>> {
    let db = &parts.db;
    tx!(db, Isolation::ReadCommitted, tx => { apply_in(tx, batch, again).await })
}

async fn apply_in(tx: &mut Tx, batch: &[Work], again: bool) -> Result<Vec<Done>> {
    let mut done = Vec::with_capacity(batch.len());
    for work in batch {
        match work {
            Work::Open(start, _, _) => done.push(Done::Opened(open_in(tx, start, again).await?)),
            Work::Close(end, _) => done.push(Done::Closed(close_in(tx, end).await?)),
            Work::Stop(_) => {}
        }
    }
    Ok(done)
}
