//! Decoding of JSON bodies, with errors that name the field and the rule it breaks.

use crate::plain_rule::{no_json, plain_rule};
use farebox_base::{Error, Result};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// Reads a body that must hold one JSON value of `T`, for handlers that take the request raw.
///
/// # Errors
/// `Invalid`, naming the field and the rule it breaks.
pub fn decode<T: DeserializeOwned + JsonSchema>(bytes: &[u8]) -> Result<T> {
    if bytes.is_empty() {
        return Err(Error::invalid("body", "is required and must be JSON"));
    }
    if bytes.trim_ascii_start().first() == Some(&b'[') && is_object(&T::json_schema(&mut SchemaGenerator::default())) {
        return Err(Error::invalid("body", "must be an object, not an array"));
    }
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut input).map_err(|error| {
        let path = dotted(error.path());
        refused(&path, error.inner())
    })?;
    input.end().map_err(|error| refused("", &error))?;
    Ok(value)
}

/// Derived decoders would read an array as the fields in their order.
fn is_object(schema: &schemars::Schema) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// `endpoints.0.path`; empty for the body itself.
fn dotted(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&part);
    }
    text
}

fn refused(path: &str, error: &serde_json::Error) -> Error {
    if error.classify() != Category::Data {
        return Error::invalid("body", no_json(error));
    }
    let text = without_position(error);
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (start, rule) in [
        ("missing field `", "is required"),
        ("duplicate field `", "must be given once"),
        ("unknown field `", "is not a field of this request"),
    ] {
        if let Some((name, _)) = text.strip_prefix(start).and_then(|rest| rest.split_once('`')) {
            return Error::invalid(below(name), rule);
        }
    }
    Error::invalid(if path.is_empty() { "body" } else { path }, plain_rule(&text))
}

/// The decoder ends its sentences with a position, which helps nobody who knows the field.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).map(str::to_owned).unwrap_or(text)
}
