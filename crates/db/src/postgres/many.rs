//! One statement for many rows: sent once, with an array for each parameter.

use super::pool::{Link, Session};
use super::{read, send};
use crate::many::set_form;
use crate::{DbError, Row, Rows};
use futures_util::TryStreamExt as _;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::Type;

pub(crate) async fn execute_many(link: &Link, sql: &'static str, rows: &Rows<'_>) -> Result<u64, DbError> {
    let run = async {
        let form = form(link, sql).await?;
        send::count(link, form.text(), form.arrays(rows)).await
    };
    link.answer(run).await.map_err(|error| error.of_statement(sql))
}

/// Sends all of the statements before it waits for the first answer; those without rows are left out.
pub(crate) async fn execute_all(link: &Link, statements: &[(&'static str, &Rows<'_>)]) -> Result<Vec<u64>, DbError> {
    let each = statements
        .iter()
        .map(|(sql, rows)| async move { if rows.is_empty() { Ok(0) } else { execute_many(link, sql, rows).await } });
    futures_util::future::try_join_all(each).await
}

pub(crate) async fn query_many(link: &Link, sql: &'static str, rows: &Rows<'_>) -> Result<Vec<Row>, DbError> {
    let run = async {
        let form = form(link, sql).await?;
        let mut rows = std::pin::pin!(send::rows(link, form.text(), form.arrays(rows)).await?);
        let mut out = vec![];
        while let Some(row) = rows.try_next().await? {
            out.push(read(&row)?);
        }
        Ok(out)
    };
    link.answer(run).await.map_err(|error: DbError| error.of_statement(sql))
}

/// A statement for many rows, and the types of its arrays.
struct Form {
    text: String,
    arrays: Vec<Type>,
}

/// A parameter of the form: one value for each row, and the type of their array.
type Array<'a> = (Vec<crate::Param<'a>>, Type);

impl Form {
    fn text(&self) -> send::Text<'_> {
        send::Text { text: &self.text, comes_again: true }
    }

    fn arrays<'a>(&'a self, rows: &Rows<'a>) -> impl ExactSizeIterator<Item = Array<'a>> + use<'a> {
        rows.columns().into_iter().zip(self.arrays.iter().cloned())
    }
}

/// By the place of the statement's own text.
type Forms = HashMap<(usize, usize), Arc<Form>>;

static FORMS: LazyLock<RwLock<Forms>> = LazyLock::new(RwLock::default);

/// The statement's form; the server is asked for its types once.
async fn form(session: &Session, sql: &'static str) -> Result<Arc<Form>, DbError> {
    let key = (sql.as_ptr() as usize, sql.len());
    let known = FORMS.read().get(&key).cloned();
    if let Some(form) = known {
        return Ok(form);
    }
    let types = match session.keeps_statements() {
        true => session.prepare(sql).await?.params().iter().map(array_type).collect::<Result<Vec<_>, _>>()?,
        false => described(session, sql).await?,
    };
    let names: Vec<&str> = types.iter().map(|(_, name)| *name).collect();
    let text = set_form(sql, &names)?;
    let form = Arc::new(Form { text, arrays: types.into_iter().map(|(ty, _)| ty).collect() });
    FORMS.write().insert(key, form.clone());
    Ok(form)
}

/// The types of a statement's parameters, asked for under a name that no other client of a shared session uses, in one
/// message that also gives the name back.
async fn described(session: &Session, sql: &str) -> Result<Vec<(Type, &'static str)>, DbError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("farebox_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let types = format!("SELECT parameter_types FROM pg_prepared_statements WHERE name = '{name}'");
    let answer = session.simple_query(&format!("PREPARE {name} AS {sql}; {types}; DEALLOCATE {name}")).await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let list = row.map(|text| text.trim_start_matches('{').trim_end_matches('}')).unwrap_or_default();
    list.split(',').filter(|name| !name.is_empty()).map(|name| array_type(&element_type(name)?)).collect()
}

fn element_type(name: &str) -> Result<Type, DbError> {
    let known = [(Type::INT8, "bigint"), (Type::INT4, "integer"), (Type::TEXT, "text"), (Type::BYTEA, "bytea")];
    let found = known.into_iter().find(|(_, known)| *known == name);
    found
        .map(|(ty, _)| ty)
        .ok_or_else(|| DbError::Other(format!("a parameter's {name} is no type of the common dialect")))
}

fn array_type(element: &Type) -> Result<(Type, &'static str), DbError> {
    match *element {
        Type::INT8 => Ok((Type::INT8_ARRAY, "bigint[]")),
        Type::INT4 => Ok((Type::INT4_ARRAY, "int[]")),
        Type::TEXT => Ok((Type::TEXT_ARRAY, "text[]")),
        Type::BYTEA => Ok((Type::BYTEA_ARRAY, "bytea[]")),
        ref other => Err(DbError::Other(format!("a parameter's {other} is no type of the common dialect"))),
    }
}
