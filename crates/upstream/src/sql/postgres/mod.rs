//! Queries on a PostgreSQL server.
//!
//! Owns the life of one statement: session, transaction, types, rows. Invariants: reading happens in a
//! read-only transaction; every transaction has a statement timeout; a session that was left in the middle of
//! something is closed and its statement cancelled.
//!
//! A query that only reads runs as `SELECT * FROM (…) LIMIT n`, so that the server stops at the limit of rows.

mod connect;
mod failure;
mod frame;
mod numeric;
mod params;
mod pool;
mod provision;
mod times;
mod tls;
mod values;

pub use provision::{NewRole, Provisioner};

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use farebox_net::Client as Net;
use futures_util::TryStreamExt as _;
use futures_util::future::join;
use serde_json::Value;
use tokio_postgres::{Row, Statement};

use self::connect::Server;
use self::pool::{Lease, Pool};
use self::values::{Raw, is_readable, json};
use super::error::SqlError;
use super::guard::{Parsed, SqlDialect, StatementKind, check};
use super::rows::{Added, Rows};
use super::{Ping, QueryResult, SqlLimits, SqlQuery};

/// How much longer than the server's own timeout an answer is waited for.
const GRACE_MS: u64 = 500;
/// Rows that this transaction has changed so far, whichever statement, rule or trigger did it.
const CHANGED_ROWS: &str =
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_xact_user_tables";

/// One PostgreSQL database.
pub struct PostgresConnector {
    pool: Arc<Pool>,
    limits: SqlLimits,
}

/// A statement that is ready in its own transaction.
struct Prepared {
    lease: Lease,
    statement: Statement,
}

impl PostgresConnector {
    /// Reads the connection string; does not connect yet.
    pub fn new(net: Net, connection_string: &str, limits: SqlLimits) -> Result<Self, SqlError> {
        let server = Server::new(net, connection_string, limits.max_bytes)?;
        Ok(Self { pool: Pool::new(server, limits.max_connections), limits })
    }

    pub(super) async fn query(&self, query: SqlQuery<'_>) -> Result<QueryResult, SqlError> {
        let parsed = check(query.sql, SqlDialect::Postgres, query.allow_writes)?;
        self.timely(async {
            match parsed.kind {
                StatementKind::Read => self.read(&parsed, query.params).await,
                StatementKind::Write => self.write(&parsed, query.params).await,
            }
        })
        .await
    }

    pub(super) async fn estimate(&self, query: SqlQuery<'_>) -> Result<u64, SqlError> {
        let parsed = check(query.sql, SqlDialect::Postgres, query.allow_writes)?;
        if parsed.kind == StatementKind::Read && !parsed.is_table {
            return Ok(0);
        }
        self.timely(async {
            let explain = format!("EXPLAIN (FORMAT JSON) {}", parsed.text);
            let prepared = self.prepare(StatementKind::Read, &explain).await?;
            let result = self.collect(&prepared, query.params, None).await;
            prepared.lease.roll_back();
            let plan = result?.rows.pop().and_then(|row| row.into_iter().next());
            let rows = plan.and_then(|(_, plan)| planned_rows(plan.get(0)?.get("Plan")?));
            let rows = rows.ok_or_else(|| SqlError::Failed("the plan says nothing of rows".to_owned()))?;
            Ok(rows.min(self.limits.max_rows))
        })
        .await
    }

    pub(super) async fn ping(&self) -> Result<Ping, SqlError> {
        self.timely(async {
            let Prepared { lease, .. } = self.prepare(StatementKind::Read, "SELECT 1").await?;
            let session = lease.session()?;
            let ping = Ping { version: format!("PostgreSQL {}", session.version), is_superuser: session.is_superuser };
            lease.roll_back();
            Ok(ping)
        })
        .await
    }

    /// Twice the time of a statement: as much for the session, as much for the statement.
    async fn timely<T>(&self, work: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        let limit = Duration::from_millis(self.limits.timeout_ms.saturating_mul(2).saturating_add(GRACE_MS));
        tokio::time::timeout(limit, work).await.unwrap_or(Err(SqlError::Timeout))
    }

    async fn read(&self, parsed: &Parsed, params: &[Value]) -> Result<QueryResult, SqlError> {
        let one_more = self.limits.max_rows.saturating_add(1);
        let limited = |columns: &str, names: &str| {
            format!("SELECT {columns} FROM ({}) AS farebox{names} LIMIT {one_more}", parsed.text)
        };
        let text = if parsed.is_table { limited("*", "") } else { parsed.text.clone() };
        let mut prepared = self.prepare(StatementKind::Read, &text).await?;
        let names: Vec<String> = prepared.statement.columns().iter().map(|column| column.name().to_owned()).collect();
        if let Some(unreadable) = prepared.statement.columns().iter().find(|column| !is_readable(column.type_())) {
            if !parsed.is_table {
                let message = format!("The column {} has a type that has no JSON form here", unreadable.name());
                return Err(SqlError::Malformed(message));
            }
            let (columns, names) = as_text(&prepared.statement);
            prepared.statement = self.prepare_again(&prepared.lease, &limited(&columns, &names)).await?;
        }
        let result = self.collect(&prepared, params, Some(&names)).await;
        // What was cut for its bytes has rows under way still; the session goes with them.
        let is_over = match &result {
            Ok(result) => !result.truncated || result.row_count >= self.limits.max_rows,
            Err(error) => !matches!(error, SqlError::TooLarge(_)),
        };
        if is_over {
            prepared.lease.roll_back();
        }
        result
    }

    async fn write(&self, parsed: &Parsed, params: &[Value]) -> Result<QueryResult, SqlError> {
        let prepared = self.prepare(StatementKind::Write, &parsed.text).await?;
        let outcome = self.change(&prepared, params).await;
        match outcome {
            Ok(result) => {
                let session = prepared.lease.session()?;
                session.client.batch_execute("COMMIT").await.map_err(|error| self.failure(&prepared.lease, &error))?;
                prepared.lease.give_back();
                Ok(result)
            }
            Err(error) => {
                prepared.lease.roll_back();
                Err(error)
            }
        }
    }

    /// Runs a changing statement and counts what it changed.
    async fn change(&self, prepared: &Prepared, params: &[Value]) -> Result<QueryResult, SqlError> {
        if let Some(column) = prepared.statement.columns().iter().find(|column| !is_readable(column.type_())) {
            return Err(SqlError::Malformed(format!(
                "Cast the column {} to text: its type has no JSON form here",
                column.name()
            )));
        }
        let before = self.changed_rows(&prepared.lease).await?;
        let result = self.collect(prepared, params, None).await?;
        let changed = self.changed_rows(&prepared.lease).await?.saturating_sub(before);
        let limit = self.limits.max_written_rows;
        if changed > limit || (prepared.statement.columns().is_empty() && result.row_count > limit) {
            return Err(SqlError::TooLarge(format!("The statement changes more than {limit} rows; it was undone")));
        }
        if result.truncated {
            return Err(SqlError::TooLarge("The statement returns too many rows; it was undone".to_owned()));
        }
        Ok(result)
    }

    async fn changed_rows(&self, lease: &Lease) -> Result<u64, SqlError> {
        let row = lease.session()?.client.query_one(CHANGED_ROWS, &[]).await;
        let count: i64 = row.and_then(|row| row.try_get(0)).map_err(|error| self.failure(lease, &error))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Opens a transaction and prepares a statement in it. A kept session that the server has closed meanwhile
    /// is left for the next one; nothing has run by then.
    async fn prepare(&self, kind: StatementKind, text: &str) -> Result<Prepared, SqlError> {
        let begin = self.begin(kind);
        loop {
            let lease = self.pool.lease().await?;
            let client = &lease.session()?.client;
            let (begun, statement) = join(client.batch_execute(&begin), client.prepare(text)).await;
            match (begun, statement) {
                (Ok(()), Ok(statement)) => return Ok(Prepared { lease, statement }),
                (Err(error), _) if lease.is_used && failure::is_gone(&error) => continue,
                (Err(error), _) => return Err(self.failure(&lease, &error)),
                (Ok(()), Err(error)) => {
                    let failure = self.failure(&lease, &error);
                    lease.roll_back();
                    return Err(failure);
                }
            }
        }
    }

    async fn prepare_again(&self, lease: &Lease, text: &str) -> Result<Statement, SqlError> {
        lease.session()?.client.prepare(text).await.map_err(|error| self.failure(lease, &error))
    }

    fn begin(&self, kind: StatementKind) -> String {
        let mode = match kind {
            StatementKind::Read => "READ ONLY",
            StatementKind::Write => "READ WRITE",
        };
        let timeout_ms = self.limits.timeout_ms;
        let idle_ms = timeout_ms.saturating_mul(2).saturating_add(GRACE_MS);
        format!(
            "BEGIN {mode}; SET LOCAL statement_timeout = {timeout_ms}; SET LOCAL lock_timeout = {timeout_ms}; \
             SET LOCAL idle_in_transaction_session_timeout = {idle_ms}; SET LOCAL standard_conforming_strings = on; \
             SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'iso_8601'"
        )
    }

    async fn collect(
        &self,
        prepared: &Prepared,
        params: &[Value],
        names: Option<&[String]>,
    ) -> Result<QueryResult, SqlError> {
        let Prepared { lease, statement } = prepared;
        let params = params::encode(statement, params)?;
        let stream = lease.session()?.client.query_raw(statement, params).await;
        let mut stream = pin!(stream.map_err(|error| self.failure(lease, &error))?);
        let own = statement.columns().iter().map(|column| column.name());
        let mut rows = match names {
            Some(names) => Rows::new(names.iter().map(String::as_str), self.limits),
            None => Rows::new(own, self.limits),
        };
        while let Some(row) = stream.try_next().await.map_err(|error| self.failure(lease, &error))? {
            let (values, bytes) = read_row(&row)?;
            if rows.add(values, bytes)? == Added::Full {
                return Ok(rows.finish(true));
            }
        }
        let mut result = rows.finish(false);
        if statement.columns().is_empty() {
            result.row_count = stream.rows_affected().unwrap_or(result.row_count);
        }
        Ok(result)
    }

    fn failure(&self, lease: &Lease, error: &tokio_postgres::Error) -> SqlError {
        lease.session().map_or_else(|error| error, |session| session.failure(error, self.limits.max_bytes))
    }
}

/// The values of a row and their size in bytes.
fn read_row(row: &Row) -> Result<(Vec<Value>, u64), SqlError> {
    let mut bytes = 0;
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let Raw(raw) = row.try_get(index).map_err(|error| SqlError::Failed(error.to_string()))?;
        bytes += raw.map_or(4, |raw| raw.len() as u64);
        let value = json(column.type_(), raw);
        values
            .push(value.ok_or_else(|| SqlError::Failed(format!("a value of type {} cannot be read", column.type_())))?);
    }
    Ok((values, bytes))
}

/// The columns under names of our own, those without a JSON form as text.
fn as_text(statement: &Statement) -> (String, String) {
    let columns = statement.columns().iter().enumerate();
    let casts = columns.map(
        |(index, column)| if is_readable(column.type_()) { format!("c{index}") } else { format!("c{index}::text") },
    );
    let casts: Vec<String> = casts.collect();
    let names: Vec<String> = (0..casts.len()).map(|index| format!("c{index}")).collect();
    (casts.join(", "), format!("({})", names.join(", ")))
}

/// The rows that a plan expects; of a change, the rows that it finds to change.
fn planned_rows(plan: &Value) -> Option<u64> {
    let is_change = plan.get("Node Type")?.as_str()? == "ModifyTable";
    match plan.get("Plans").and_then(|plans| plans.get(0)).filter(|_| is_change) {
        Some(inner) => planned_rows(inner),
        None => plan.get("Plan Rows")?.as_u64(),
    }
}
