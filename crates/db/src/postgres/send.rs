//! How a statement is sent: the one place that decides between prepared and unnamed statements.
//!
//! Statements of the sources stay prepared on their session. Built ones would fill it without end, and behind a pooler
//! of transactions no session is ours for longer than one: those are sent unnamed, with the types of their parameters,
//! parsed, bound and run in one round trip.

use super::pool::Session;
use crate::DbError;
use crate::Param;
use crate::dialect::parameter_count;
use crate::filter::Sql;
use tokio_postgres::RowStream;
use tokio_postgres::types::{ToSql, Type};

/// Runs a statement; its rows come as a stream.
pub(super) async fn rows(session: &Session, sql: Sql<'_>, params: &[Param<'_>]) -> Result<RowStream, DbError> {
    if let Some(text) = kept(session, sql) {
        let statement = session.prepare_cached(text).await?;
        return Ok(session.query_raw(&statement, params.iter()).await?);
    }
    check_count(sql, params)?;
    Ok(session.query_typed_raw(sql.text(), params.iter().map(|param| (param, type_of(param)))).await?)
}

/// Runs a statement without rows; returns how many it changed.
pub(super) async fn count(session: &Session, sql: Sql<'_>, params: &[Param<'_>]) -> Result<u64, DbError> {
    if let Some(text) = kept(session, sql) {
        let statement = session.prepare_cached(text).await?;
        return Ok(session.execute_raw(&statement, params.iter()).await?);
    }
    check_count(sql, params)?;
    let typed: Vec<(&(dyn ToSql + Sync), Type)> =
        params.iter().map(|param| (param as &(dyn ToSql + Sync), type_of(param))).collect();
    Ok(session.execute_typed(sql.text(), &typed).await?)
}

fn kept(session: &Session, sql: Sql<'_>) -> Option<&'static str> {
    match sql {
        Sql::Fixed(text) if session.keeps_statements() => Some(text),
        _ => None,
    }
}

/// The server takes more parameters than a statement names, the other engine does not.
fn check_count(sql: Sql<'_>, params: &[Param<'_>]) -> Result<(), DbError> {
    match parameter_count(sql.text()) {
        named if named == params.len() => Ok(()),
        named => Err(DbError::Other(format!("{} parameters were given and {named} are named", params.len()))),
    }
}

/// NULL has the type that its place asks for: to the server `unknown` means that it may choose.
fn type_of(param: &Param<'_>) -> Type {
    match param {
        Param::Null => Type::UNKNOWN,
        Param::I64(_) => Type::INT8,
        Param::Text(_) => Type::TEXT,
        Param::Blob(_) => Type::BYTEA,
    }
}
