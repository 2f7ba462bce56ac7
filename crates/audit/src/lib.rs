//! The audit log: who did or tried what, in lines that are chained by hash.
//!
//! Owns the tables `audit_line`, `audit_head` and `audit_mark`. Does not decide what is recorded, and knows no door and no
//! operation. Invariants:
//! - lines are appended and never changed or removed, by this code and by triggers on both engines;
//! - one chain for the whole database, whichever process appends: the hash of a line covers the hash before and every
//!   field of its own;
//! - lines are numbered without a gap, and their times never go back;
//! - an action has one resource type, and a resource type one category: a list that is asked for with several of them is
//!   the list of the narrowest, or empty.

mod appended;
mod check;
mod filter;
mod line;
mod list;
mod marks;
mod rows;
mod seal;
mod writer;

pub use check::{AuditFinding, Checked, check_deep};
pub use filter::Filter;
pub use line::{Actor, ActorType, Line, NewLine, Status};
pub use list::{Listed, Page};
pub use writer::Counts;

use farebox_base::{Clock, PartyId, Result, Rng};
use farebox_db::Db;
use std::sync::Arc;
use uuid::Uuid;
use writer::Writer;

/// What the log is made of.
pub struct AuditParts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
}

/// The service; a clone shares everything.
#[derive(Clone)]
pub struct AuditLog {
    parts: Arc<AuditParts>,
    writer: Writer,
}

impl AuditLog {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// `Internal` where the thread cannot be started.
    pub fn start(parts: AuditParts) -> Result<Self> {
        let writer = Writer::start(&parts.db)?;
        Ok(Self { parts: Arc::new(parts), writer })
    }

    /// Records a line. It is queued before this returns; the future ends when the line is durable, or when that takes too
    /// long or cannot be done, which is logged and counted: what the line tells of has happened all the same.
    pub fn record(&self, line: NewLine) -> impl Future<Output = ()> + Send + use<> {
        let id = farebox_base::uuid_v7(&*self.parts.clock, &*self.parts.rng);
        self.writer.append(line.into_line(id, self.parts.clock.now()))
    }

    /// A page of an organisation's lines, newest first, and how many there are. Takes the same time whatever is asked for
    /// and however long the log is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, party: PartyId, filter: &Filter, page: Page) -> Result<Listed> {
        list::list(&self.parts.db, party, filter, page).await
    }

    /// One line of an organisation.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn line(&self, party: PartyId, id: Uuid) -> Result<Option<Line>> {
        list::line(&self.parts.db, party, id).await
    }

    /// What became of the lines since the start.
    pub fn counts(&self) -> Counts {
        self.writer.counts()
    }

    /// Writes what is queued and ends the thread.
    pub async fn stop(&self) {
        self.writer.stop().await;
    }
}
