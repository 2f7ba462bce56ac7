//! How a statement is sent: the one place that decides between prepared and unnamed statements.
//!
//! Statements of the sources stay prepared on their session. Built ones would fill it without end, and behind a pooler
//! of transactions no session is ours for longer than one: those are sent unnamed, with the types of their parameters,
//! parsed, bound and run in one round trip.

use super::pool::Session;
use crate::dialect::parameter_count;
use crate::{DbError, Param};
use futures_util::TryStreamExt as _;
use tokio_postgres::RowStream;
use tokio_postgres::types::{BorrowToSql, Type};

/// A statement's text, and whether it comes again so often that it is worth keeping.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub text: &'a str,
    pub comes_again: bool,
}

/// Runs a statement; its rows come as a stream. Each parameter comes with the type that it has where nobody asks the
/// server, which for a prepared statement decides.
pub(super) async fn rows<P, I>(session: &Session, sql: Text<'_>, params: I) -> Result<RowStream, DbError>
where
    P: BorrowToSql,
    I: ExactSizeIterator<Item = (P, Type)>,
{
    if sql.comes_again && session.keeps_statements() {
        let statement = session.prepare_cached(sql.text).await?;
        return Ok(session.query_raw(&statement, params.map(|(param, _)| param)).await?);
    }
    // The server takes more parameters than a statement names, the other engine does not.
    let (given, named) = (params.len(), parameter_count(sql.text));
    if given != named {
        return Err(DbError::Other(format!("{given} parameters were given and {named} are named")));
    }
    Ok(session.query_typed_raw(sql.text, params).await?)
}

/// Runs a statement without rows; returns how many it changed.
pub(super) async fn count<P, I>(session: &Session, sql: Text<'_>, params: I) -> Result<u64, DbError>
where
    P: BorrowToSql,
    I: ExactSizeIterator<Item = (P, Type)>,
{
    let mut rows = std::pin::pin!(rows(session, sql, params).await?);
    while rows.try_next().await?.is_some() {}
    Ok(rows.rows_affected().unwrap_or(0))
}

/// A parameter with its type. NULL has the one that its place asks for: to the server `unknown` means that it may choose.
pub(super) fn typed<'a, 'p>(param: &'a Param<'p>) -> (&'a Param<'p>, Type) {
    let ty = match param {
        Param::Null => Type::UNKNOWN,
        Param::I64(_) => Type::INT8,
        Param::Text(_) => Type::TEXT,
        Param::Blob(_) => Type::BYTEA,
    };
    (param, ty)
}
