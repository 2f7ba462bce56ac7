//! Closings that found no room in the database: kept in memory until there is some.
//!
//! Owned by the writer's thread. Invariants: an opening that finds no room is refused, nothing of it stays; whoever
//! waits for a closing is told that it failed, and because the answer is then withheld the call ends free of charge; a
//! closing that nobody waits for keeps its ending. A process that ends before there is room leaves these calls open,
//! and they expire, free of charge.

use crate::close::{End, Ending};
use crate::writer::Work;
use farebox_base::Error;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Kept(Vec<End>);

impl Kept {
    /// Waits for work, and no longer than a second where closings are kept; `false` once no more can come.
    pub(crate) async fn receive(&self, work: &mut UnboundedReceiver<Work>, group: &mut Vec<Work>, max: usize) -> bool {
        let received = work.recv_many(group, max);
        if self.0.is_empty() {
            return received.await > 0;
        }
        tokio::time::timeout(TRY_AGAIN_AFTER, received).await.map_or(true, |count| count > 0)
    }

    /// What is kept, to be tried with whatever else is due.
    pub(crate) fn take(&mut self) -> Vec<Work> {
        self.0.drain(..).map(|end| Work::Close(Box::new(end), None)).collect()
    }

    /// Answers whoever waits for work that found no room, and keeps the closings.
    pub(crate) fn refuse(&mut self, work: Work, error: &Error) {
        match work {
            Work::Open(_, _, to) => drop(to.send(Err(error.clone()))),
            Work::Close(end, None) => self.0.push(*end),
            Work::Close(end, Some(to)) => {
                drop(to.send(Err(error.clone())));
                self.0.push(End { ending: unanswered(end.ending), reply: None, ..*end });
            }
            Work::Stop(_) => {}
        }
    }
}

/// How a call ends whose answer was withheld because its end could not be recorded.
fn unanswered(ending: Ending) -> Ending {
    match ending {
        Ending::Served { .. } | Ending::Failed => Ending::Failed,
        Ending::Canceled => Ending::Canceled,
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            tracing::warn!(calls = self.0.len(), "there was no room to close calls; they will expire, free of charge");
        }
    }
}
