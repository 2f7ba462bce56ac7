//! The PostgreSQL engine: what is sent to a server, and what its answers mean.
//!
//! Owns the statements of a transaction's frame, the reading of rows and the types of the common dialect. Sessions are
//! `pool`'s, connecting is `servers`', and how a statement is sent is decided in `send` alone. Relies on nothing that
//! outlives a transaction in a session: no SET but LOCAL ones, no advisory locks, no LISTEN, and no prepared statements where those
//! are switched off.

mod many;
mod pool;
mod refusals;
mod send;
mod servers;
mod settings;
mod url;

pub(crate) use many::{execute_all, execute_many, query_many};
pub(crate) use pool::{Link, Postgres};
pub use settings::PostgresSettings;

use crate::filter::Sql;
use crate::{DbError, Isolation, Param, Row, Value};
use bytes::BytesMut;
use futures_util::TryStreamExt;
use tokio_postgres::Column;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

pub(crate) async fn begin(link: &Link, isolation: Isolation) -> Result<(), DbError> {
    let sql = match isolation {
        Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        // Rows are then found, and so locked, in the order in which a batch names them, which keeps two batches from
        // waiting for each other.
        Isolation::ReadCommitted => {
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
             SET LOCAL enable_seqscan = off"
        }
    };
    link.answer(async { Ok(link.batch_execute(sql).await?) }).await
}

pub(crate) async fn query(link: &Link, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
    let run = async {
        let mut rows = std::pin::pin!(send::rows(link, text_of(sql), params.iter().map(send::typed)).await?);
        let mut out = vec![];
        while let Some(row) = rows.try_next().await? {
            out.push(read(&row)?);
        }
        Ok(out)
    };
    link.answer(run).await.map_err(|error: DbError| error.of_statement(sql.text()))
}

pub(crate) async fn execute(link: &Link, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
    let run = send::count(link, text_of(Sql::Fixed(sql)), params.iter().map(send::typed));
    link.answer(run).await.map_err(|error| error.of_statement(sql))
}

fn text_of(sql: Sql<'_>) -> send::Text<'_> {
    send::Text { text: sql.text(), comes_again: matches!(sql, Sql::Fixed(_)) }
}

/// Checks a statement, and that all it takes and returns is of the common dialect.
pub(crate) async fn prepare(link: &Link, sql: &str) -> Result<(), DbError> {
    let statement = link.prepare(sql).await?;
    for (index, ty) in statement.params().iter().enumerate() {
        if !matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT | Type::BYTEA) {
            return Err(DbError::Other(format!("parameter ${}: {ty} is no type of the common dialect", index + 1)));
        }
    }
    statement.columns().iter().try_for_each(|column| reading(column).map(|_| ()))
}

/// Runs a migration's text, which may hold several statements and take its time.
pub(crate) async fn script(link: &Link, text: &str) -> Result<(), DbError> {
    Ok(link.batch_execute(&crate::dialect::postgres_schema(text)).await?)
}

/// An answer of the server that refuses is certain; a connection that broke, or a server that stops, is not.
pub(crate) async fn commit(link: &Link) -> Result<(), DbError> {
    let mut refused = false;
    let committed = link.answer(async {
        link.batch_execute("COMMIT").await.map_err(|error| {
            refused = error.as_db_error().is_some();
            DbError::from(error)
        })
    });
    match committed.await {
        Ok(()) => Ok(()),
        Err(DbError::Unavailable(text)) => Err(DbError::CommitUnknown(text)),
        Err(known) if refused => Err(known),
        Err(unclear) => Err(DbError::CommitUnknown(unclear.to_string())),
    }
}

pub(crate) async fn rollback(link: &Link) -> Result<(), DbError> {
    link.answer(async { Ok(link.batch_execute("ROLLBACK").await?) }).await
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
