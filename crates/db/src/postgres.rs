//! The PostgreSQL engine: a pool of connections, statements prepared once per connection.
//!
//! Invariant: a connection whose transaction was not ended properly does not go back to the pool.

use crate::filter::Sql;
use crate::many::set_form;
use crate::{DbError, Isolation, Param, Row, Rows, Value};
use bytes::BytesMut;
use deadpool_postgres::{Manager, Object, Pool, PoolError, Runtime};
use futures_util::TryStreamExt;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Column, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const POOL_WAIT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    pub(crate) fn new(url: &str, max_connections: usize) -> Result<Self, DbError> {
        let mut config: Config =
            url.parse().map_err(|error| DbError::Other(format!("the PostgreSQL URL cannot be read: {error}")))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let manager = match config.get_ssl_mode() {
            SslMode::Disable | SslMode::Prefer => Manager::new(config, NoTls),
            _ => Manager::new(config, MakeRustlsConnect::new(tls_config()?)),
        };
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| DbError::Other(error.to_string()))?;
        Ok(Self { pool })
    }

    pub(crate) async fn connection(&self) -> Result<Object, DbError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => match DbError::from(error) {
                DbError::Other(text) => DbError::Unavailable(text),
                known => known,
            },
            PoolError::Timeout(_) => DbError::Unavailable("no connection became free in time".to_owned()),
            other => DbError::Unavailable(other.to_string()),
        })
    }
}

/// Certificates are checked against the web's roots and the host's name: stricter than the mode asks for.
fn tls_config() -> Result<rustls::ClientConfig, DbError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DbError::Other(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

pub(crate) async fn begin(connection: &Object, isolation: Isolation) -> Result<(), DbError> {
    let sql = match isolation {
        Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        // Rows are then found, and so locked, in the order in which a batch names them, which keeps two batches from
        // waiting for each other.
        Isolation::ReadCommitted => {
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
             SET LOCAL enable_seqscan = off"
        }
    };
    Ok(connection.batch_execute(sql).await?)
}

pub(crate) async fn query(connection: &Object, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
    let run = async {
        let statement = prepared(connection, sql).await?;
        let rows = connection.query_raw(&statement, params.iter()).await?;
        let mut rows = std::pin::pin!(rows);
        let mut out = vec![];
        while let Some(row) = rows.try_next().await? {
            out.push(read(&row)?);
        }
        Ok(out)
    };
    run.await.map_err(|error: DbError| error.of_statement(sql.text()))
}

pub(crate) async fn execute(connection: &Object, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
    let run = async {
        let statement = connection.prepare_cached(sql).await?;
        Ok(connection.execute_raw(&statement, params.iter()).await?)
    };
    run.await.map_err(|error: DbError| error.of_statement(sql))
}

pub(crate) async fn execute_many(connection: &Object, sql: &'static str, rows: &Rows<'_>) -> Result<u64, DbError> {
    let run = async {
        let statement = prepared_many(connection, sql).await?;
        Ok(connection.execute_raw(&statement, rows.columns()).await?)
    };
    run.await.map_err(|error: DbError| error.of_statement(sql))
}

pub(crate) async fn query_many(connection: &Object, sql: &'static str, rows: &Rows<'_>) -> Result<Vec<Row>, DbError> {
    let run = async {
        let statement = prepared_many(connection, sql).await?;
        let rows = connection.query_raw(&statement, rows.columns()).await?;
        let mut rows = std::pin::pin!(rows);
        let mut out = vec![];
        while let Some(row) = rows.try_next().await? {
            out.push(read(&row)?);
        }
        Ok(out)
    };
    run.await.map_err(|error: DbError| error.of_statement(sql))
}

/// The texts for many rows, by the address of the statement's own; their types come from the server, once.
static SET_FORMS: LazyLock<RwLock<HashMap<(usize, usize), Arc<str>>>> = LazyLock::new(RwLock::default);

async fn prepared_many(connection: &Object, sql: &'static str) -> Result<Statement, DbError> {
    let key = (sql.as_ptr() as usize, sql.len());
    let known = SET_FORMS.read().get(&key).cloned();
    let text = match known {
        Some(text) => text,
        None => {
            let statement = connection.prepare(sql).await?;
            let types = statement.params().iter().map(array_type).collect::<Result<Vec<_>, _>>()?;
            let text: Arc<str> = set_form(sql, &types)?.into();
            SET_FORMS.write().insert(key, text.clone());
            text
        }
    };
    Ok(connection.prepare_cached(&text).await?)
}

fn array_type(element: &Type) -> Result<&'static str, DbError> {
    match *element {
        Type::INT8 => Ok("bigint[]"),
        Type::INT4 => Ok("int[]"),
        Type::TEXT => Ok("text[]"),
        Type::BYTEA => Ok("bytea[]"),
        ref other => Err(DbError::Other(format!("a parameter's {other} is no type of the common dialect"))),
    }
}

/// Checks a statement, and that all it takes and returns is of the common dialect.
pub(crate) async fn prepare(connection: &Object, sql: &str) -> Result<(), DbError> {
    let statement = connection.prepare(sql).await?;
    for (index, ty) in statement.params().iter().enumerate() {
        if !matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT | Type::BYTEA) {
            return Err(DbError::Other(format!("parameter ${}: {ty} is no type of the common dialect", index + 1)));
        }
    }
    statement.columns().iter().try_for_each(|column| reading(column).map(|_| ()))
}

/// Runs a migration's text, which may hold several statements.
pub(crate) async fn script(connection: &Object, text: &str) -> Result<(), DbError> {
    Ok(connection.batch_execute(text).await?)
}

/// An answer of the server that refuses is certain; a connection that broke, or a server that stops, is not.
pub(crate) async fn commit(connection: &Object) -> Result<(), DbError> {
    let Err(error) = connection.batch_execute("COMMIT").await else { return Ok(()) };
    let refused = error.as_db_error().is_some();
    match DbError::from(error) {
        DbError::Unavailable(text) => Err(DbError::CommitUnknown(text)),
        known if refused => Err(known),
        unclear => Err(DbError::CommitUnknown(unclear.to_string())),
    }
}

pub(crate) async fn rollback(connection: &Object) -> Result<(), DbError> {
    Ok(connection.batch_execute("ROLLBACK").await?)
}

/// Statements of the sources stay prepared on their connection; built ones would fill it without end.
async fn prepared(connection: &Object, sql: Sql<'_>) -> Result<Statement, tokio_postgres::Error> {
    match sql {
        Sql::Fixed(text) => connection.prepare_cached(text).await,
        Sql::Built(_) => connection.prepare(sql.text()).await,
    }
}

/// How a column is read.
#[derive(Clone, Copy)]
enum Reading {
    I64,
    I32,
    Bool,
    Text,
    Blob,
}

/// Narrower numbers and truth values come from constants and `EXISTS`; SQLite returns plain numbers for them.
fn reading(column: &Column) -> Result<Reading, DbError> {
    match *column.type_() {
        Type::INT8 => Ok(Reading::I64),
        Type::INT4 => Ok(Reading::I32),
        Type::BOOL => Ok(Reading::Bool),
        Type::TEXT | Type::VARCHAR | Type::NAME => Ok(Reading::Text),
        Type::BYTEA => Ok(Reading::Blob),
        ref other => Err(DbError::Other(format!("column {}: {other} is no type of the common dialect", column.name()))),
    }
}

fn read(row: &tokio_postgres::Row) -> Result<Row, DbError> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let value = match reading(column)? {
            Reading::I64 => row.try_get::<_, Option<i64>>(index)?.map(Value::I64),
            Reading::I32 => row.try_get::<_, Option<i32>>(index)?.map(|number| Value::I64(number.into())),
            Reading::Bool => row.try_get::<_, Option<bool>>(index)?.map(|yes| Value::I64(yes.into())),
            Reading::Text => row.try_get::<_, Option<String>>(index)?.map(Value::Text),
            Reading::Blob => row.try_get::<_, Option<Vec<u8>>>(index)?.map(Value::Blob),
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(Row::new(values))
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Param::Null => Ok(IsNull::Yes),
            // The server takes an expression such as `$1 + 1` for its narrower integer.
            Param::I64(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql_checked(ty, out),
            Param::I64(number) => number.to_sql_checked(ty, out),
            Param::Text(text) => text.to_sql_checked(ty, out),
            Param::Blob(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
