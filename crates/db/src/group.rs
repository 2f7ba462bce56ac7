//! Group commit: what many callers want written at one moment shares one transaction, on a thread of its own so that
//! the disk's wait blocks no request.
//!
//! Knows nothing of what is written. Invariants: `committed` is called only after the commit that contains the work;
//! each piece of work ends in `committed` or in a last `refused`; one that fails does not fail its neighbours, because
//! the group is then made again, one by one, unless it is the database that takes nothing.

use crate::{COMMIT_UNKNOWN, DB_FULL, Db, Isolation, Tx, tx};
use farebox_base::{Error, Kind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// When work that is kept is tried again.
const KEPT_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How often a commit whose fate is unknown, or that the database could not take, is tried again.
const TRIES_MAX: u32 = 6;

/// What is done in groups. Must be idempotent: work whose commit's answer was lost is applied again.
pub trait GroupCommit: Send + Sync + 'static {
    type Work: Send + Sync + 'static;
    type Done: Send + 'static;

    /// Before a group is applied, once however often it is tried.
    fn prepare(&self, batch: &[Self::Work]) {
        let _ = batch;
    }

    /// Whether nobody waits for this work, so that it may wait for company.
    fn is_patient(&self, work: &Self::Work) -> bool {
        let _ = work;
        false
    }

    /// Writes a group; answers one value for each piece of work, in order. `again`: some of it may be there already.
    fn apply_in(
        &self,
        tx: &mut Tx,
        batch: &[Self::Work],
        again: bool,
    ) -> impl Future<Output = Result<Vec<Self::Done>>> + Send;

    /// The group is in the database for good.
    fn committed(&self, batch: Vec<Self::Work>, done: Vec<Self::Done>);

    /// This piece of work, alone or with others before, could not be written. What is answered is kept, and tried again
    /// until it is written or the writer stops.
    fn refused(&self, work: Self::Work, error: Error) -> Option<Self::Work>;
}

/// Limits of a group.
#[derive(Clone, Copy, Debug)]
pub struct GroupLimits {
    /// Pieces of work that share one commit.
    pub group_max: usize,
    /// How long work that nobody waits for is kept to share a commit with what comes.
    pub window: Duration,
}

enum Message<W> {
    Work(W),
    Stop(oneshot::Sender<()>),
}

/// The way to the writer's thread; clones share it.
pub struct GroupWriter<W> {
    queue: mpsc::UnboundedSender<Message<W>>,
}

impl<W> Clone for GroupWriter<W> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<W: Send + Sync + 'static> GroupWriter<W> {
    /// Starts the thread, on the current runtime's clock and sockets.
    ///
    /// # Errors
    /// `Internal` where the thread cannot be started.
    pub fn start<G: GroupCommit<Work = W>>(name: &str, db: Db, group: Arc<G>, limits: GroupLimits) -> Result<Self> {
        let (queue, messages) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Handle::current();
        let thread = Thread { db, group, limits };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(thread.run(messages)))
            .map_err(|e| Error::internal(format!("can't start the writer's thread: {e}")))?;
        Ok(Self { queue })
    }

    /// As [`GroupWriter::start`], as a task of the current runtime and not on a thread of its own: for simulations, in
    /// which everything happens in an order that the seed decides.
    pub fn start_task<G: GroupCommit<Work = W>>(db: Db, group: Arc<G>, limits: GroupLimits) -> Self {
        let (queue, messages) = mpsc::unbounded_channel();
        tokio::spawn(Thread { db, group, limits }.run(messages));
        Self { queue }
    }

    /// Queues work. It comes back where the writer has stopped.
    ///
    /// # Errors
    /// The work.
    pub fn send(&self, work: W) -> std::result::Result<(), W> {
        self.queue.send(Message::Work(work)).map_err(|unsent| match unsent.0 {
            Message::Work(work) => work,
            Message::Stop(_) => unreachable!("what was sent is work"),
        })
    }

    /// Writes what is queued, and what that leads to, and ends the thread.
    pub async fn stop(&self) {
        let (answer, answered) = oneshot::channel();
        if self.queue.send(Message::Stop(answer)).is_ok() {
            let _ = answered.await;
        }
    }
}

struct Thread<G> {
    db: Db,
    group: Arc<G>,
    limits: GroupLimits,
}

impl<G: GroupCommit> Thread<G> {
    async fn run(self, mut messages: mpsc::UnboundedReceiver<Message<G::Work>>) {
        let max = self.limits.group_max.max(1);
        let (mut received, mut kept) = (Vec::with_capacity(max), Vec::new());
        while receive(&mut messages, &mut received, max, !kept.is_empty()).await {
            let (mut batch, mut stop) = (std::mem::take(&mut kept), None);
            let again = !batch.is_empty();
            sort_out(received.drain(..), &mut batch, &mut stop);
            if stop.is_none() && !self.limits.window.is_zero() && batch.iter().all(|work| self.group.is_patient(work)) {
                tokio::time::sleep(self.limits.window).await;
                while batch.len() < max
                    && stop.is_none()
                    && let Ok(message) = messages.try_recv()
                {
                    sort_out([message], &mut batch, &mut stop);
                }
            }
            kept = self.settle(batch, again).await;
            if let Some(answer) = stop {
                self.finish(&mut messages, kept).await;
                let _ = answer.send(());
                return;
            }
        }
    }

    async fn finish(&self, messages: &mut mpsc::UnboundedReceiver<Message<G::Work>>, kept: Vec<G::Work>) {
        let mut left = self.settle(kept, true).await.len();
        loop {
            let (mut batch, mut stop) = (Vec::new(), None);
            while let Ok(message) = messages.try_recv() {
                sort_out([message], &mut batch, &mut stop);
            }
            if batch.is_empty() {
                break;
            }
            left += self.settle(batch, false).await.len();
        }
        if left > 0 {
            tracing::warn!(left, "what was kept for a better moment could not be written before the end");
        }
        messages.close();
    }

    /// Commits a group, alone where it does not go together, and says what became of each piece; answers what is kept.
    /// `again`: some of it was tried before.
    async fn settle(&self, batch: Vec<G::Work>, again: bool) -> Vec<G::Work> {
        if batch.is_empty() {
            return Vec::new();
        }
        self.group.prepare(&batch);
        match self.commit(&batch, again).await {
            Ok(done) => {
                self.group.committed(batch, done);
                Vec::new()
            }
            // What is true of the database is true for each of them.
            Err(error) if batch.len() == 1 || error.kind == Kind::Unavailable => {
                batch.into_iter().filter_map(|work| self.group.refused(work, error.clone())).collect()
            }
            Err(_) => self.settle_one_by_one(batch).await,
        }
    }

    async fn settle_one_by_one(&self, batch: Vec<G::Work>) -> Vec<G::Work> {
        let mut kept = Vec::new();
        for work in batch {
            match self.commit(std::slice::from_ref(&work), true).await {
                Ok(done) => self.group.committed(vec![work], done),
                Err(error) => kept.extend(self.group.refused(work, error)),
            }
        }
        kept
    }

    /// Makes the transaction, again where its fate is unknown or the database was away for a moment.
    async fn commit(&self, batch: &[G::Work], again: bool) -> Result<Vec<G::Done>> {
        let (runs, mut tries) = (AtomicU32::new(0), 0);
        loop {
            let outcome = tx!(self.db, Isolation::ReadCommitted, tx => {
                let again = again || runs.fetch_add(1, Ordering::Relaxed) > 0;
                self.group.apply_in(tx, batch, again).await
            });
            match outcome {
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
}

/// Waits for messages, and no longer than a moment where there is something to try again; `false` once none can come.
async fn receive<W>(
    messages: &mut mpsc::UnboundedReceiver<Message<W>>,
    received: &mut Vec<Message<W>>,
    max: usize,
    has_kept: bool,
) -> bool {
    let some = messages.recv_many(received, max);
    if !has_kept {
        return some.await > 0;
    }
    tokio::time::timeout(KEPT_AGAIN_AFTER, some).await.map_or(true, |count| count > 0)
}

fn sort_out<W>(
    messages: impl IntoIterator<Item = Message<W>>,
    batch: &mut Vec<W>,
    stop: &mut Option<oneshot::Sender<()>>,
) {
    for message in messages {
        match message {
            Message::Work(work) => batch.push(work),
            Message::Stop(answer) => *stop = Some(answer),
        }
    }
}
