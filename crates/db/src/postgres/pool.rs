//! The pool: sessions are made when they are needed, kept, and forgotten once their server is known to be gone.
//!
//! Invariants: handing a session out costs no round trip; one that is closed, or was made before somebody lost a server,
//! is not handed out; one whose transaction was not ended properly does not come back.

use super::servers::Servers;
use super::settings::{POOL_WAIT_TIMEOUT, PostgresSettings};
use crate::DbError;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A session on loan; goes back when dropped.
pub(crate) type Link = Object<Sessions>;

pub(crate) struct Postgres {
    pool: Pool<Sessions>,
}

/// Makes sessions.
pub(crate) struct Sessions {
    servers: Servers,
    terms: Arc<Terms>,
}

/// What all sessions of a pool have in common.
struct Terms {
    prepared_statements: bool,
    answer_timeout: Option<Duration>,
    /// Counts losses of a server; a session of an earlier count is not used again.
    generation: AtomicU64,
}

/// One connection to a server, logged in.
pub(crate) struct Session {
    client: ClientWrapper,
    terms: Arc<Terms>,
    generation: u64,
    timed_out: AtomicBool,
}

impl Postgres {
    pub(crate) fn new(settings: &PostgresSettings) -> Result<Self, DbError> {
        let terms = Terms {
            prepared_statements: settings.prepared_statements,
            answer_timeout: settings.answer_timeout,
            generation: AtomicU64::new(0),
        };
        let sessions = Sessions { servers: Servers::new(settings)?, terms: Arc::new(terms) };
        let pool = Pool::builder(sessions)
            .max_size(settings.max_connections)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT_TIMEOUT))
            .build()
            .map_err(|error| DbError::Other(error.to_string()))?;
        Ok(Self { pool })
    }

    pub(crate) async fn link(&self) -> Result<Link, DbError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => DbError::Unavailable("no connection became free in time".to_owned()),
            other => DbError::Unavailable(other.to_string()),
        })
    }
}

impl Manager for Sessions {
    type Type = Session;
    type Error = DbError;

    async fn create(&self) -> Result<Session, DbError> {
        // Read first: what is lost while this one is being made may be its server.
        let generation = self.terms.generation.load(Ordering::Acquire);
        // Boxed: it is rare, and its type would be part of that of every transaction.
        let client: Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(self.servers.connect());
        let client = client.await?;
        Ok(Session { client, terms: self.terms.clone(), generation, timed_out: AtomicBool::new(false) })
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<DbError> {
        if session.is_lost() { Err(RecycleError::message("the session is lost")) } else { Ok(()) }
    }
}

impl Session {
    /// Whether statements of the sources stay prepared on it.
    pub(super) fn keeps_statements(&self) -> bool {
        self.terms.prepared_statements
    }

    /// Whether it must not be used again.
    pub(crate) fn is_lost(&self) -> bool {
        self.client.is_closed() || self.generation != self.terms.generation.load(Ordering::Acquire)
    }

    /// Whether an answer took too long: asking again by itself would only make a slow server slower.
    pub(crate) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// Waits for an answer as long as one may take. Where the server turns out to be gone, all sessions that were made
    /// until now are forgotten: most likely they led to the same one.
    pub(super) async fn answer<T>(&self, asked: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
        let answered = match self.terms.answer_timeout {
            None => asked.await,
            Some(limit) => tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| {
                self.timed_out.store(true, Ordering::Relaxed);
                Err(DbError::Unavailable(format!("the database did not answer within {} ms", limit.as_millis())))
            }),
        };
        if let Err(DbError::Unavailable(reason)) = &answered {
            let (lost, next) = (self.generation, self.generation + 1);
            if self.terms.generation.compare_exchange(lost, next, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                tracing::warn!(reason, "the database was lost; its connections are forgotten");
            }
        }
        answered
    }
}

impl Deref for Session {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}
