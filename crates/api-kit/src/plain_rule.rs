//! What decoders say of input, in plain words: a rule that completes a sentence about the field.
//!
//! Owns no decoding. Speaks of JSON and of people's forms of things instead of types, and repeats nothing of what was sent.

/// The longest rule text that is sent.
const MAX_RULE_CHARS: usize = 400;
const UUID: &str = "must be a UUID such as 0190a5d2-7c1e-7b3a-9f4e-2d6c8b1a5e70";

/// The rule that a decoder's sentence stands for: `must be a string, not an integer`.
pub(crate) fn plain_rule(said: &str) -> String {
    if said.starts_with("UUID parsing failed") {
        return UUID.to_owned();
    }
    if said.starts_with("data did not match any variant") {
        return "must have one of the forms that are allowed here".to_owned();
    }
    if let Some(known) = said.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("expected ")) {
        return clipped(&format!("must be {}", listed(known.1)));
    }
    for (start, is_kind) in [("invalid type: ", true), ("invalid value: ", false), ("invalid length ", false)] {
        if let Some((found, expected)) = said.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected ")) {
            let wanted = wanted(expected);
            return clipped(&match kind(found).filter(|kind| is_kind && *kind != wanted) {
                Some(kind) => format!("must be {wanted}, not {kind}"),
                None => format!("must be {wanted}"),
            });
        }
    }
    // Our own types word their rules as rules.
    let is_rule = ["must ", "is ", "has ", "can't "].iter().any(|start| said.starts_with(start));
    if is_rule { clipped(said) } else { "must have the form that is documented".to_owned() }
}

/// Where text is no JSON at all.
pub(crate) fn no_json(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.is_eof() {
        return format!("must be whole JSON: it breaks off at {place}");
    }
    let said = error.to_string();
    let also = if said.starts_with("trailing characters") { ": nothing may follow the value" } else { "" };
    format!("must be JSON, and is none at {place}{also}")
}

/// `one of a, b` from the decoder's `` one of `a`, `b` `` or `` `a` or `b` `` or `` `a` ``.
fn listed(expected: &str) -> String {
    let words: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    match words[..] {
        [] => "another value: none is allowed here".to_owned(),
        [only] => only.to_owned(),
        _ => format!("one of {}", words.join(", ")),
    }
}

/// What was sent, by its kind alone.
fn kind(found: &str) -> Option<&'static str> {
    let kinds = [
        ("boolean", "true or false"),
        ("integer", "an integer"),
        ("floating point", "a number with a fraction"),
        ("number", "a number"),
        ("string", "a string"),
        ("null", "null"),
        ("sequence", "an array"),
        ("map", "an object"),
    ];
    kinds.iter().find(|(start, _)| found.starts_with(start)).map(|(_, kind)| *kind)
}

fn wanted(expected: &str) -> &str {
    match expected {
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" | "usize" | "u128" => "an integer that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" | "i128" => "an integer",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        "a UUID string" | "a formatted UUID string" | "bytes" => "a UUID",
        _ if expected.contains("UUID") => "a UUID",
        _ if expected.contains("struct ") || expected.contains("tagged enum") => "an object",
        _ if expected.starts_with("enum ") => "one of the values that are allowed here",
        _ if expected.starts_with("a tuple of size") => "an array of the right length",
        _ => expected,
    }
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(MAX_RULE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    enum Word {
        Red,
        DarkBlue,
    }

    fn said<T: serde::de::DeserializeOwned>(json: &str) -> String {
        let error = serde_json::from_str::<T>(json).err().map(|error| error.to_string()).unwrap_or_default();
        let text = error.split(" at line ").next().unwrap_or_default();
        plain_rule(text)
    }

    #[test]
    fn no_word_of_a_library_is_left_and_nothing_that_was_sent() {
        assert_eq!(said::<String>("5"), "must be a string, not an integer");
        assert_eq!(said::<String>("null"), "must be a string, not null");
        assert_eq!(said::<u8>("300"), "must be an integer from 0 to 255");
        assert_eq!(said::<i64>("1.5"), "must be an integer, not a number with a fraction");
        assert_eq!(said::<bool>("\"hunter2\""), "must be true or false, not a string");
        assert_eq!(said::<Vec<u8>>("{}"), "must be an array, not an object");
        assert_eq!(said::<Word>("\"hunter2\""), "must be one of Red, DarkBlue");
        for bad in ["\"\"", "\"hunter2\"", "\"0190a5d2\"", "\"0190a5d2-7c1e-7b3a-9f4e-2d6c8b1a5e7g\"", "\"é\""] {
            assert_eq!(said::<uuid::Uuid>(bad), UUID, "{bad}");
        }
        assert_eq!(said::<uuid::Uuid>("7"), "must be a UUID, not an integer");
        assert_eq!(plain_rule("anything else of hunter2"), "must have the form that is documented");
        assert_eq!(plain_rule("must be even"), "must be even");
        assert!(plain_rule(&format!("must be {}", "x".repeat(1_000))).chars().count() <= MAX_RULE_CHARS + 1);
    }
}
