//! The sessions of one database: bounded, kept for a while, never handed on in an unknown state.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connect::{Server, Session};
use crate::sql::error::SqlError;

/// A session nobody wants for so long is closed.
const IDLE_FOR: Duration = Duration::from_secs(30);

pub(super) struct Pool {
    server: Arc<Server>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(Session, Instant)>>,
    is_swept: AtomicBool,
}

/// A session in use. Dropped without `give_back`, it is closed and what it runs is cancelled.
pub(super) struct Lease {
    session: Option<Session>,
    /// It has served before, so the server may have closed it meanwhile.
    pub(super) is_used: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(server: Server, max_connections: usize) -> Arc<Self> {
        Arc::new(Self {
            server: Arc::new(server),
            permits: Arc::new(Semaphore::new(max_connections)),
            idle: Mutex::default(),
            is_swept: AtomicBool::new(false),
        })
    }

    /// A session, new or kept.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, SqlError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| SqlError::Failed(error.to_string()))?;
        let kept = std::iter::from_fn(|| self.idle.lock().pop())
            .map(|(session, _)| session)
            .find(|session| !session.client.is_closed());
        let is_used = kept.is_some();
        let session = match kept {
            Some(session) => session,
            None => self.server.connect().await?,
        };
        Ok(Lease { session: Some(session), is_used, pool: Arc::clone(self), _permit: permit })
    }

    fn keep(self: &Arc<Self>, session: Session) {
        self.idle.lock().push((session, Instant::now()));
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }
}

/// Closes idle sessions until none is left.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE_FOR).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle.lock();
        idle.retain(|(_, since)| since.elapsed() < IDLE_FOR);
        if idle.is_empty() {
            pool.is_swept.store(false, Ordering::Release);
            return;
        }
    }
}

impl Lease {
    pub(super) fn session(&self) -> Result<&Session, SqlError> {
        self.session.as_ref().ok_or_else(|| SqlError::Failed("the session was given back".to_owned()))
    }

    /// Ends the transaction beside the caller's way, and keeps the session where that works.
    pub(super) fn roll_back(self) {
        tokio::spawn(async move {
            let Ok(session) = self.session() else { return };
            if session.client.batch_execute("ROLLBACK").await.is_ok() {
                self.give_back();
            }
        });
    }

    /// Keeps the session for the next one. It must be outside a transaction.
    pub(super) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            self.pool.keep(session);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let server = Arc::clone(&self.pool.server);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { server.kill(session).await });
        }
    }
}
