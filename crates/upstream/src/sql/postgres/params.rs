//! JSON values as parameters: sent as text, which the server reads as the type that it wants there.

use std::error::Error;

use bytes::BytesMut;
use serde_json::Value;
use tokio_postgres::Statement;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::sql::error::SqlError;

#[derive(Debug)]
pub(super) struct TextParam(Option<String>);

/// The parameters of a statement, in order.
pub(super) fn encode(statement: &Statement, values: &[Value]) -> Result<Vec<TextParam>, SqlError> {
    let types = statement.params();
    if types.len() != values.len() {
        let message = format!("The statement has {} parameters, and {} values were given", types.len(), values.len());
        return Err(SqlError::Malformed(message));
    }
    Ok(types.iter().zip(values).map(|(wanted, value)| TextParam(text(wanted, value))).collect())
}

fn text(wanted: &Type, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => match wanted.kind() {
            Kind::Array(_) => Some(array(items)),
            _ => Some(value.to_string()),
        },
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// PostgreSQL's text form of an array: `{1,NULL,"a \"b\"",{2}}`.
fn array(items: &[Value]) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|item| match item {
            Value::Null => "NULL".to_owned(),
            Value::Array(items) => array(items),
            Value::Bool(_) | Value::Number(_) => item.to_string(),
            Value::String(text) => quoted(text),
            Value::Object(_) => quoted(&item.to_string()),
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl ToSql for TextParam {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
