//! Transactions: begin, statements, commit or rollback, and the rerun after a lost race.
//!
//! Invariants, the same on both engines: after a failed or abandoned statement nothing more runs and COMMIT is
//! refused; a dropped transaction rolls back; an error after COMMIT was sent is `CommitUnknown`.

use crate::db::{Driver, Shared, at_most_one};
use crate::faults::Point;
use crate::filter::{Sql, Statement};
use crate::postgres;
use crate::sqlite::{Lite, Reader};
use crate::{Db, DbError, Isolation, LOST_RACE, Param, Row, Rows};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// One open transaction. Dropped unfinished, it rolls back.
///
/// An error of any statement is the end of it: later statements and the commit answer with the same error, because
/// PostgreSQL would refuse them and SQLite would not.
pub struct Tx {
    shared: Arc<Shared>,
    connection: Connection,
    state: State,
}

enum Connection {
    Writer(OwnedMutexGuard<Lite>),
    Reader(Reader),
    Postgres(Option<postgres::Link>),
}

enum State {
    Ready,
    /// A statement was sent; stays so where the caller gave up waiting for it.
    Running,
    Failed(DbError),
    Ended,
}

impl Tx {
    pub(crate) async fn begin(shared: Arc<Shared>, isolation: Isolation) -> Result<Self, DbError> {
        let connection = match &shared.driver {
            Driver::Sqlite(sqlite) => match sqlite.begin().await? {
                Some(writer) => Connection::Writer(writer),
                None => {
                    let mut reader = sqlite.reader().await?;
                    reader.begin()?;
                    Connection::Reader(reader)
                }
            },
            // Boxed, so that its type is no part of that of every transaction.
            Driver::Postgres(_) => return Box::pin(Self::begin_on_server(shared, isolation)).await,
        };
        Ok(Self { shared, connection, state: State::Ready })
    }

    /// A session that turns out to be dead here costs nothing but another one.
    async fn begin_on_server(shared: Arc<Shared>, isolation: Isolation) -> Result<Self, DbError> {
        let Driver::Postgres(pool) = &shared.driver else { return Err(discarded()) };
        let mut tries = 0;
        loop {
            let link = pool.link().await?;
            // `Running` until the server has answered: a caller that gives up here must not return the connection.
            let mut tx = Self { shared: shared.clone(), connection: Connection::Postgres(None), state: State::Running };
            let Connection::Postgres(slot) = &mut tx.connection else { return Err(discarded()) };
            let link = slot.insert(link);
            match Box::pin(postgres::begin(link, isolation)).await {
                Ok(()) => {
                    tx.state = State::Ready;
                    return Ok(tx);
                }
                Err(DbError::Unavailable(_)) if tries < FRESH_TRIES && !link.timed_out() => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the connection broke before COMMIT was sent: nothing of the transaction happened, and it may run again.
    #[doc(hidden)]
    pub fn lost_connection(&self) -> bool {
        let Connection::Postgres(Some(link)) = &self.connection else { return false };
        matches!(self.state, State::Failed(DbError::Unavailable(_))) && !link.timed_out()
    }

    /// Runs a statement and returns its rows; also for `INSERT`, `UPDATE` and `DELETE` with `RETURNING`.
    ///
    /// # Errors
    /// Those of the engine; the transaction is over then.
    pub async fn query(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        self.rows(Sql::Fixed(sql), params).await
    }

    /// As [`Tx::query`], for a statement that [`Where`](crate::Where) built.
    ///
    /// # Errors
    /// Those of [`Tx::query`].
    pub async fn query_built(&mut self, statement: &Statement, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        self.rows(Sql::Built(statement), params).await
    }

    /// As [`Tx::query`], for at most one row.
    ///
    /// # Errors
    /// Those of [`Tx::query`]; `Other` where there is more than one row.
    pub async fn one(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Option<Row>, DbError> {
        at_most_one(self.query(sql, params).await?, sql)
    }

    /// Runs a statement without `RETURNING` and returns how many rows it inserted, changed or deleted.
    ///
    /// # Errors
    /// Those of the engine; the transaction is over then.
    pub async fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        self.start()?;
        let result = match &mut self.connection {
            Connection::Writer(lite) => lite.execute(sql, params),
            Connection::Reader(reader) => reader.lite().and_then(|lite| lite.execute(sql, params)),
            Connection::Postgres(Some(connection)) => Box::pin(postgres::execute(connection, sql, params)).await,
            Connection::Postgres(None) => Err(discarded()),
        };
        self.end_of_statement(result)
    }

    /// As [`Tx::execute`], where exactly one row must be affected.
    ///
    /// # Errors
    /// Those of [`Tx::execute`]; `Other` where it was another number of rows.
    pub async fn execute_one(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<(), DbError> {
        match self.execute(sql, params).await? {
            1 => Ok(()),
            many => {
                let error = DbError::Other(format!("expected to change one row, changed {many}")).of_statement(sql);
                self.end_of_statement(Err(error))
            }
        }
    }

    /// Runs a statement once for each row of parameters and returns how many rows it inserted, changed or deleted.
    /// Nothing runs where there are no rows.
    ///
    /// # Errors
    /// Those of [`Tx::execute`].
    pub async fn execute_many(&mut self, sql: &'static str, rows: &Rows<'_>) -> Result<u64, DbError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.start()?;
        let result = match &mut self.connection {
            Connection::Writer(lite) => lite.execute_many(sql, rows),
            Connection::Reader(reader) => reader.lite().and_then(|lite| lite.execute_many(sql, rows)),
            Connection::Postgres(Some(connection)) => Box::pin(postgres::execute_many(connection, sql, rows)).await,
            Connection::Postgres(None) => Err(discarded()),
        };
        self.end_of_statement(result)
    }

    /// As [`Tx::execute_many`], where each row of parameters must affect exactly one row.
    ///
    /// # Errors
    /// Those of [`Tx::execute`]; `Other` where it was another number of rows.
    pub async fn execute_each(&mut self, sql: &'static str, rows: &Rows<'_>) -> Result<(), DbError> {
        let (changed, wanted) = (self.execute_many(sql, rows).await?, rows.len() as u64);
        if changed == wanted {
            return Ok(());
        }
        let error = DbError::Other(format!("expected to change {wanted} rows, changed {changed}")).of_statement(sql);
        self.end_of_statement(Err(error))
    }

    /// As [`Tx::execute_many`], for several statements of which none needs what another one does: a server gets all of
    /// them at once. Returns a number for each.
    ///
    /// # Errors
    /// Those of [`Tx::execute`].
    pub async fn execute_all(&mut self, statements: &[(&'static str, &Rows<'_>)]) -> Result<Vec<u64>, DbError> {
        if matches!(self.connection, Connection::Postgres(_)) {
            self.start()?;
            let result = match &self.connection {
                Connection::Postgres(Some(connection)) => Box::pin(postgres::execute_all(connection, statements)).await,
                _ => Err(discarded()),
            };
            return self.end_of_statement(result);
        }
        let mut changed = Vec::with_capacity(statements.len());
        for (sql, rows) in statements {
            changed.push(self.execute_many(sql, rows).await?);
        }
        Ok(changed)
    }

    /// Runs a statement once for each row of parameters and returns all its rows, in no particular order.
    ///
    /// # Errors
    /// Those of [`Tx::query`].
    pub async fn query_many(&mut self, sql: &'static str, rows: &Rows<'_>) -> Result<Vec<Row>, DbError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.start()?;
        let result = match &mut self.connection {
            Connection::Writer(lite) => lite.query_many(sql, rows),
            Connection::Reader(reader) => reader.lite().and_then(|lite| lite.query_many(sql, rows)),
            Connection::Postgres(Some(connection)) => Box::pin(postgres::query_many(connection, sql, rows)).await,
            Connection::Postgres(None) => Err(discarded()),
        };
        self.end_of_statement(result)
    }

    /// Whether nobody else can change the database before this transaction ends, so that what it has read and changed
    /// need not be read again.
    pub fn is_alone(&self) -> bool {
        matches!(self.connection, Connection::Writer(_))
    }

    /// Commits.
    ///
    /// # Errors
    /// The error of an earlier statement, where one failed; `Serialization` after a lost race; `CommitUnknown` where
    /// the transaction may have happened.
    pub async fn commit(mut self) -> Result<(), DbError> {
        let ready = match std::mem::replace(&mut self.state, State::Running) {
            State::Ready => self.shared.fault(Point::BeforeCommit),
            State::Failed(error) => Err(error),
            State::Running | State::Ended => Err(abandoned()),
        };
        if let Err(error) = ready {
            self.roll_back().await;
            return Err(error);
        }
        let committed = match &mut self.connection {
            Connection::Writer(lite) => lite.commit(),
            Connection::Reader(reader) => reader.lite().and_then(Lite::commit),
            Connection::Postgres(Some(connection)) => Box::pin(postgres::commit(connection)).await,
            Connection::Postgres(None) => Err(discarded()),
        };
        // After a failed COMMIT the connection is in doubt, so dropping `self` discards it.
        committed?;
        self.state = State::Ended;
        self.shared.fault(Point::AfterCommit).map_err(|error| match error {
            unknown @ DbError::CommitUnknown(_) => unknown,
            other => DbError::CommitUnknown(other.to_string()),
        })
    }

    /// Rolls back now; dropping does the same, but costs PostgreSQL a connection.
    pub async fn rollback(mut self) {
        self.roll_back().await;
    }

    /// Commits where `outcome` is `Ok` and rolls back otherwise.
    ///
    /// # Errors
    /// `outcome`'s, or those of [`Tx::commit`].
    pub async fn finish<T>(self, outcome: farebox_base::Result<T>) -> farebox_base::Result<T> {
        match outcome {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }

    /// Runs a migration's text, which may hold several statements.
    pub(crate) async fn script(&mut self, text: &str) -> Result<(), DbError> {
        self.start()?;
        let result = match &mut self.connection {
            Connection::Writer(lite) => lite.script(text),
            Connection::Reader(reader) => reader.lite().and_then(|lite| lite.script(text)),
            Connection::Postgres(Some(connection)) => Box::pin(postgres::script(connection, text)).await,
            Connection::Postgres(None) => Err(discarded()),
        };
        self.end_of_statement(result)
    }

    async fn rows(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        self.start()?;
        let result = match &mut self.connection {
            Connection::Writer(lite) => lite.query(sql, params),
            Connection::Reader(reader) => reader.lite().and_then(|lite| lite.query(sql, params)),
            Connection::Postgres(Some(connection)) => Box::pin(postgres::query(connection, sql, params)).await,
            Connection::Postgres(None) => Err(discarded()),
        };
        self.end_of_statement(result)
    }

    fn start(&mut self) -> Result<(), DbError> {
        match &self.state {
            State::Ready => {}
            State::Failed(error) => return Err(error.clone()),
            State::Running | State::Ended => return Err(abandoned()),
        }
        if let Err(error) = self.shared.fault(Point::Statement) {
            return self.end_of_statement(Err(error));
        }
        self.state = State::Running;
        Ok(())
    }

    fn end_of_statement<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        self.state = match &result {
            Ok(_) => State::Ready,
            Err(error) => State::Failed(error.clone()),
        };
        result
    }

    async fn roll_back(&mut self) {
        match &mut self.connection {
            Connection::Writer(lite) => lite.rollback(),
            // A reader rolls back when it goes back to its pool.
            Connection::Reader(_) => {}
            Connection::Postgres(slot) => {
                if slot.as_ref().is_some_and(|link| link.is_lost()) {
                    drop(slot.take().map(postgres::Link::take));
                }
                // Out of its place while the server is asked: a caller that gives up must not return it to the pool.
                self.state = State::Running;
                if let Some(connection) = slot
                    && let Err(error) = Box::pin(postgres::rollback(connection)).await
                {
                    tracing::debug!(%error, "rollback failed; the connection is discarded");
                    return;
                }
            }
        }
        self.state = State::Ended;
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if matches!(self.state, State::Ended) {
            return;
        }
        match &mut self.connection {
            Connection::Writer(lite) => lite.rollback(),
            Connection::Reader(_) => {}
            // What the server is doing for it is not known, so it must not go back to the pool.
            Connection::Postgres(slot) => drop(slot.take().map(postgres::Link::take)),
        }
    }
}

fn discarded() -> DbError {
    DbError::Other("the transaction's connection was discarded".to_owned())
}

fn abandoned() -> DbError {
    DbError::Other("a statement of the transaction was abandoned".to_owned())
}

const MAX_RERUNS: u32 = 10;
/// How often a transaction runs again after a lost connection; each time within what connecting may take.
const MAX_RECONNECTS: u32 = 3;
/// How often something that was not begun yet is tried on another session.
pub(crate) const FRESH_TRIES: u32 = 2;

/// Whether an outcome of a transaction means that it should run again.
#[doc(hidden)]
pub fn may_rerun(error: &farebox_base::Error, lost_connection: bool, reruns: u32) -> bool {
    (error.code == LOST_RACE && reruns < MAX_RERUNS) || (lost_connection && reruns < MAX_RECONNECTS)
}

/// Waits a little, longer after each rerun and never as long as the transaction that it met.
#[doc(hidden)]
pub async fn wait_before_rerun(db: &Db, reruns: u32) {
    tokio::time::sleep(db.backoff(reruns)).await;
}

/// `tx!(db, tx => { body })` or `tx!(db, isolation, tx => { body })`: runs the body in a transaction, commits when it
/// is `Ok`, rolls back when not, and runs the whole again, up to ten times, where it lost a race, and up to three times
/// where its connection broke before COMMIT was sent. The isolation is
/// [`Isolation::Serializable`] unless said. The value is a `farebox_base::Result`.
///
/// The body is an async block with `tx: &mut Tx`; keep it to one call of a function `thing_verb_in(tx, ..)`. It may
/// run several times: nothing in it may consume what it needs again, reach outside of the database, or wait.
///
/// A macro and not a function, because the future of an `AsyncFnMut(&mut Tx)` cannot be shown to be `Send`.
#[macro_export]
macro_rules! tx {
    ($db:expr, $tx:ident => $body:block) => {
        $crate::tx!($db, $crate::Isolation::Serializable, $tx => $body)
    };
    ($db:expr, $isolation:expr, $tx:ident => $body:block) => {{
        let db: &$crate::Db = &$db;
        let mut reruns = 0_u32;
        loop {
            let mut lost = false;
            let outcome = match db.begin($isolation).await {
                Ok(mut open) => {
                    let result: $crate::macro_support::Result<_> = {
                        let $tx = &mut open;
                        async { $body }.await
                    };
                    lost = open.lost_connection();
                    open.finish(result).await
                }
                Err(error) => Err(error.into()),
            };
            match outcome {
                Err(error) if $crate::macro_support::may_rerun(&error, lost, reruns) => {
                    $crate::macro_support::wait_before_rerun(db, reruns).await;
                    reruns += 1;
                }
                done => break done,
            }
        }
    }};
}
