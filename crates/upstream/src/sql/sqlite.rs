//! Queries on an SQLite file, which is opened for reading only.
//!
//! Each query opens the file for itself, on a thread for blocking work. SQLite's own authorizer repeats what
//! `guard` decides, its progress hook keeps the time, and its length limit bounds every value.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use serde_json::{Number, Value};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::error::SqlError;
use super::guard::{Parsed, SqlDialect, SqlRefusal, check};
use super::names;
use super::rows::{Added, Rows, hex, too_large};
use super::{Ping, QueryResult, SqlLimits, SqlQuery};

/// Virtual machine steps between two looks at the clock.
const STEPS_PER_LOOK: i32 = 1_000;

/// One SQLite file.
pub struct SqliteConnector {
    path: PathBuf,
    limits: SqlLimits,
    permits: Arc<Semaphore>,
}

impl SqliteConnector {
    pub fn new(path: PathBuf, limits: SqlLimits) -> Self {
        Self { path, limits, permits: Arc::new(Semaphore::new(limits.max_connections)) }
    }

    pub(super) async fn query(&self, query: SqlQuery<'_>) -> Result<QueryResult, SqlError> {
        let parsed = check(query.sql, SqlDialect::Sqlite, false)?;
        let (params, limits) = (query.params.to_vec(), self.limits);
        self.run(move |connection| read(connection, &parsed.text, &params, limits)).await
    }

    pub(super) async fn estimate(&self, query: SqlQuery<'_>) -> Result<u64, SqlError> {
        let Parsed { text, is_table, .. } = check(query.sql, SqlDialect::Sqlite, false)?;
        if !is_table {
            return Ok(0);
        }
        let params = query.params.to_vec();
        let count = format!("SELECT count(*) FROM (SELECT 1 FROM ({text}) LIMIT {})", self.limits.max_rows);
        self.run(move |connection| {
            let mut statement = connection.prepare(&count).map_err(failure)?;
            bind(&mut statement, &params)?;
            let mut rows = statement.raw_query();
            let row = rows.next().map_err(failure)?;
            let count: i64 = row.map_or(Ok(0), |row| row.get(0)).map_err(failure)?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
        .await
    }

    pub(super) async fn ping(&self) -> Result<Ping, SqlError> {
        self.run(|connection| {
            let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
            tables.map_err(failure)?;
            Ok(Ping { version: format!("SQLite {}", rusqlite::version()), is_superuser: false })
        })
        .await
    }

    async fn run<T, F>(&self, work: F) -> Result<T, SqlError>
    where
        F: FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
        T: Send + 'static,
    {
        let limit = Duration::from_millis(self.limits.timeout_ms);
        let permit = tokio::time::timeout(limit, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| SqlError::Timeout)?.map_err(|error| SqlError::Failed(error.to_string()))?;
        let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
        let (path, limits, is_stopped) = (self.path.clone(), self.limits, Arc::clone(&stop.0));
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = open(&path, limits, Instant::now() + limit, is_stopped)?;
            work(&connection)
        });
        task.await.unwrap_or_else(|error| Err(SqlError::Failed(error.to_string())))
    }
}

/// Stops the query on its thread when the caller has gone.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn open(
    path: &Path,
    limits: SqlLimits,
    deadline: Instant,
    is_stopped: Arc<AtomicBool>,
) -> Result<Connection, SqlError> {
    let unreachable = |error: rusqlite::Error| SqlError::Unreachable(error.to_string());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(unreachable)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF").map_err(unreachable)?;
    let value_bytes = i32::try_from(limits.max_bytes).unwrap_or(i32::MAX);
    let bounds = [
        (Limit::SQLITE_LIMIT_LENGTH, value_bytes),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ];
    for (limit, value) in bounds {
        connection.set_limit(limit, value).map_err(unreachable)?;
    }
    connection.authorizer(Some(authorize)).map_err(unreachable)?;
    let is_over = move || is_stopped.load(Ordering::Relaxed) || Instant::now() >= deadline;
    connection.progress_handler(STEPS_PER_LOOK, Some(is_over)).map_err(unreachable)?;
    Ok(connection)
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Read { table_name, .. } if !names::is_relation_refused(table_name, SqlDialect::Sqlite) => {
            Authorization::Allow
        }
        AuthAction::Function { function_name } if !names::is_function_refused(function_name, SqlDialect::Sqlite) => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn read(connection: &Connection, sql: &str, params: &[Value], limits: SqlLimits) -> Result<QueryResult, SqlError> {
    let mut statement = connection.prepare(sql).map_err(failure)?;
    if !statement.readonly() {
        return Err(SqlRefusal::Forbidden("Only reading is allowed here".to_owned()).into());
    }
    bind(&mut statement, params)?;
    let columns = statement.column_count();
    let mut collected = Rows::new(statement.column_names(), limits);
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| match failure(error) {
        SqlError::TooLarge(_) => too_large(limits.max_bytes),
        other => other,
    })? {
        let mut bytes = 0;
        let mut values = Vec::with_capacity(columns);
        for index in 0..columns {
            let (value, size) = json(row.get_ref(index).map_err(failure)?);
            bytes += size;
            values.push(value);
        }
        if collected.add(values, bytes)? == Added::Full {
            return Ok(collected.finish(true));
        }
    }
    Ok(collected.finish(false))
}

fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), SqlError> {
    let wanted = statement.parameter_count();
    if wanted != params.len() {
        return Err(SqlError::Malformed(format!(
            "The statement has {wanted} parameters, and {} values were given",
            params.len()
        )));
    }
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, Bound(value)).map_err(failure)?;
    }
    Ok(())
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Owned(Cell::Null),
            Value::Bool(value) => ToSqlOutput::Owned(Cell::Integer(i64::from(*value))),
            Value::String(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Number(number) => ToSqlOutput::Owned(match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Cell::Integer(integer),
                (None, Some(float)) => Cell::Real(float),
                (None, None) => Cell::Text(number.to_string()),
            }),
            Value::Array(_) | Value::Object(_) => ToSqlOutput::Owned(Cell::Text(self.0.to_string())),
        })
    }
}

/// The value and its size in bytes.
fn json(cell: ValueRef<'_>) -> (Value, u64) {
    match cell {
        ValueRef::Null => (Value::Null, 4),
        ValueRef::Integer(integer) => (Value::from(integer), 8),
        ValueRef::Real(float) => {
            (Number::from_f64(float).map_or_else(|| Value::from(float.to_string()), Value::Number), 8)
        }
        ValueRef::Text(text) => (Value::from(String::from_utf8_lossy(text)), text.len() as u64),
        ValueRef::Blob(bytes) => (Value::from(hex(bytes)), bytes.len() as u64 * 2),
    }
}

fn failure(error: rusqlite::Error) -> SqlError {
    let code = error.sqlite_error().map(|error| error.code);
    let is_of_the_text = matches!(error, rusqlite::Error::SqlInputError { .. })
        || error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_ERROR);
    let text = match error {
        rusqlite::Error::SqlInputError { msg, .. } | rusqlite::Error::SqliteFailure(_, Some(msg)) => msg,
        other => other.to_string(),
    };
    match code {
        Some(ErrorCode::OperationInterrupted) => SqlError::Timeout,
        Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly) => {
            SqlRefusal::Forbidden(format!("Not allowed here: {text}")).into()
        }
        Some(ErrorCode::TooBig) => SqlError::TooLarge(text),
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            SqlError::Unreachable(text)
        }
        Some(ErrorCode::TypeMismatch | ErrorCode::ParameterOutOfRange) => SqlError::Malformed(text),
        _ if is_of_the_text => SqlError::Malformed(text),
        _ => SqlError::Failed(text),
    }
}
