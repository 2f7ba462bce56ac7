//! Decoding of JSON bodies, with errors that name the field and the rule it breaks.

use farebox_base::{Error, Result};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// How much of a caller's own value an error may repeat.
const MAX_ECHO_CHARS: usize = 40;
/// The longest rule text that is sent.
const MAX_RULE_CHARS: usize = 400;

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
        return invalid("body".into(), format!("not valid JSON: {error}"));
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
    invalid(if path.is_empty() { "body".into() } else { path.to_owned() }, rule_of(&text))
}

/// The decoder ends its sentences with a position, which helps nobody who knows the field.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).map(str::to_owned).unwrap_or(text)
}

/// Speaks of JSON instead of our types, and shortens what the caller sent.
fn rule_of(text: &str) -> String {
    if text.starts_with("data did not match any variant") {
        return "has none of the forms that are allowed here".into();
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, expected)) = text.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected ")) {
            return clipped(&format!("{start}{}, expected {}", found_text(found), expected_text(expected)));
        }
    }
    clipped(text)
}

/// `string "abc…"` without a long value.
fn found_text(found: &str) -> &str {
    match found {
        "sequence" => "array",
        "map" => "object",
        _ if found.chars().count() <= MAX_ECHO_CHARS => found,
        _ => found.split(['"', '`']).next().unwrap_or_default().trim_end(),
    }
}

fn expected_text(expected: &str) -> &str {
    match expected {
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" | "usize" => "an integer that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "an integer",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        _ if expected.contains("struct ") || expected.contains("tagged enum") => "an object",
        _ if expected.starts_with("enum ") => "one of the values that are allowed here",
        _ => expected,
    }
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(MAX_RULE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn invalid(field: String, rule: String) -> Error {
    let message = format!("{field}: {rule}");
    let mut error = Error::invalid(field, "");
    error.message = message;
    error
}
