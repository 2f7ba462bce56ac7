//! The thread that writes: the lines of a moment share one commit, and who waits for a line is told when it is durable.
//!
//! What cannot be written for the moment is kept in memory, up to a number, and written later; what is beyond that, or was
//! refused for another reason, is lost from the log, and the server's own log says so.

use crate::appended::append_in;
use crate::line::Line;
use farebox_base::{Error, Kind, Result};
use farebox_db::{Db, GroupCommit, GroupLimits, GroupWriter, Tx};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Lines that share one commit at most.
const GROUP_MAX: usize = 256;
/// Lines that are kept while nothing can be written.
const KEPT_MAX: usize = 10_000;
/// How long an answer waits for its line.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of the lines since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub written: u64,
    /// Those whose answer did not wait for them any longer.
    pub late: u64,
    /// Those that will never stand in the log.
    pub lost: u64,
    /// Those that wait until something can be written again.
    pub kept: u64,
}

#[derive(Default)]
struct Counters {
    written: AtomicU64,
    late: AtomicU64,
    lost: AtomicU64,
    kept: Mutex<usize>,
}

#[derive(Clone)]
pub(crate) struct Writer {
    queue: GroupWriter<Work>,
    counters: Arc<Counters>,
}

struct Work {
    line: Line,
    to: Option<oneshot::Sender<()>>,
    is_kept: bool,
}

impl Writer {
    pub(crate) fn start(db: &Db) -> Result<Self> {
        let counters = Arc::new(Counters::default());
        let limits = GroupLimits { group_max: GROUP_MAX, window: Duration::ZERO };
        let group = Arc::new(Lines { counters: counters.clone() });
        Ok(Self { queue: GroupWriter::start("audit-writer", db.clone(), group, limits)?, counters })
    }

    /// Queues the line at once; the future only waits for it.
    pub(crate) fn append(&self, line: Line) -> impl Future<Output = ()> + Send + use<> {
        let (to, written) = oneshot::channel();
        let counters = self.counters.clone();
        if let Err(work) = self.queue.send(Work { line, to: Some(to), is_kept: false }) {
            counters.lose(&work.line, "the writer has stopped");
        }
        async move {
            if !matches!(tokio::time::timeout(PATIENCE, written).await, Ok(Ok(()))) {
                counters.late.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &*self.counters;
        Counts {
            written: read(&counters.written),
            late: read(&counters.late),
            lost: read(&counters.lost),
            kept: u64::try_from(*counters.kept.lock()).unwrap_or(u64::MAX),
        }
    }

    pub(crate) async fn stop(&self) {
        self.queue.stop().await;
    }
}

impl Counters {
    /// The server's own log is all that is left to tell of it.
    fn lose(&self, line: &Line, why: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            id = line.id,
            at = line.at.rfc3339(),
            party = line.party_id,
            actor = line.actor_id,
            action = line.action,
            resource = line.resource_id,
            status = line.status,
            request_id = line.request_id,
            why,
            "a line is missing from the audit log"
        );
    }

    /// Whether one more may be kept.
    fn keep(&self) -> bool {
        let mut kept = self.kept.lock();
        let may = *kept < KEPT_MAX;
        *kept += usize::from(may);
        may
    }

    fn keep_no_longer(&self) {
        let mut kept = self.kept.lock();
        *kept = kept.saturating_sub(1);
    }
}

struct Lines {
    counters: Arc<Counters>,
}

impl GroupCommit for Lines {
    type Work = Work;
    type Done = ();

    async fn apply_in(&self, tx: &mut Tx, batch: &[Work], again: bool) -> Result<Vec<()>> {
        let lines: Vec<&Line> = batch.iter().map(|work| &work.line).collect();
        append_in(tx, &lines, again).await?;
        Ok(vec![(); batch.len()])
    }

    fn committed(&self, batch: Vec<Work>, _: Vec<()>) {
        self.counters.written.fetch_add(batch.len() as u64, Ordering::Relaxed);
        for work in batch {
            if work.is_kept {
                self.counters.keep_no_longer();
            }
            work.to.map(|to| to.send(()));
        }
    }

    fn refused(&self, work: Work, error: Error) -> Option<Work> {
        // Whoever waits learns of it by the sender's end.
        let Work { line, is_kept, .. } = work;
        let is_for_later = error.kind == Kind::Unavailable;
        if is_for_later && (is_kept || self.counters.keep()) {
            if !is_kept {
                tracing::error!(id = line.id, action = line.action, internal = ?error.internal, "a line of the audit log waits until it can be written");
            }
            return Some(Work { line, to: None, is_kept: true });
        }
        if is_kept {
            self.counters.keep_no_longer();
        }
        self.counters.lose(&line, error.internal.as_deref().unwrap_or(&error.message));
        None
    }
}
