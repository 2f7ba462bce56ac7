//! YAML as JSON, for texts of strangers: plain data only, bounded in depth and number, without anchors, aliases and tags.
//!
//! The parser hands out events one after the other, so nothing here or there recurses, and nothing grows beyond the text.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

const DEEPEST: usize = 32;
const MOST_VALUES: usize = 2_000;

/// Reads one document; an empty one is `null`.
///
/// # Errors
/// What is wrong, to complete a sentence: "must …".
pub(crate) fn to_json(text: &str) -> Result<Value, String> {
    let mut reader = Reader::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) =
            next.map_err(|e| format!("must be valid YAML: {} in its line {}", e.info(), e.marker().line()))?;
        reader.take(event).map_err(|rule| format!("{rule} (in its line {})", span.start.line()))?;
    }
    Ok(reader.root.unwrap_or_default())
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    root: Option<Value>,
    values: usize,
}

/// A collection that has not ended.
enum Open {
    List(Vec<Value>),
    Mapping { entries: Map<String, Value>, key: Option<String> },
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => Err("must hold one YAML document"),
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(_) => Err("must not use aliases"),
            Event::Scalar(text, style, anchor, tag) => {
                check_plain(anchor, tag.is_some())?;
                self.scalar(&text, style)
            }
            Event::SequenceStart(anchor, tag) => {
                check_plain(anchor, tag.is_some())?;
                self.open(Open::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                check_plain(anchor, tag.is_some())?;
                self.open(Open::Mapping { entries: Map::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items)) => self.put(Value::Array(items)),
                Some(Open::Mapping { entries, .. }) => self.put(Value::Object(entries)),
                None => Err("must be valid YAML"),
            },
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) -> Result<(), &'static str> {
        match self.open.last_mut() {
            Some(Open::Mapping { entries, key: key @ None }) => {
                if entries.contains_key(text) {
                    return Err("must not have a key twice");
                }
                *key = Some(text.to_owned());
                Ok(())
            }
            _ => self.put(if style == ScalarStyle::Plain { plain(text) } else { text.into() }),
        }
    }

    fn open(&mut self, collection: Open) -> Result<(), &'static str> {
        if matches!(self.open.last(), Some(Open::Mapping { key: None, .. })) {
            return Err("must have keys of plain text");
        }
        if self.open.len() >= DEEPEST {
            return Err("must not nest deeper than 32 levels");
        }
        self.open.push(collection);
        Ok(())
    }

    fn put(&mut self, value: Value) -> Result<(), &'static str> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err("must not hold more than 2000 values");
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Mapping { entries, key }) => {
                let key = key.take().ok_or("must be valid YAML")?;
                entries.insert(key, value);
            }
        }
        Ok(())
    }
}

fn check_plain(anchor: usize, has_tag: bool) -> Result<(), &'static str> {
    match (anchor, has_tag) {
        (0, false) => Ok(()),
        (0, true) => Err("must not use tags"),
        _ => Err("must not use anchors"),
    }
}

/// The value of a scalar without quotes, by the core schema of YAML 1.2. What JSON has no number for stays text.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => number(text).map_or_else(|| text.into(), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'));
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16).map(Into::into);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8).map(Into::into);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let signed = text.parse::<i64>().ok().map(Number::from);
        return signed.or_else(|| text.parse::<u64>().ok().map(Number::from));
    }
    let numeric = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    numeric.then(|| text.parse::<f64>().ok().and_then(Number::from_f64)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(text: &str) -> String {
        to_json(text).unwrap_err()
    }

    #[test]
    fn data_reads_as_its_json() {
        let text = "a: x\nb: [1, -2, 0x1F, 0o17, 1.5, 1e3, .5]\nc:\n  - yes\n  - 'true'\n  - true\nd: |\n  two\n  lines\n\
                    e: ~\nf:\ng: \"q\\u0041\"\n1: one\nh: 2026-01-02\ni: 99999999999999999999\nj: .inf\nk: {l: {m: n}}\n<<: o\n";
        let expected = json!({
            "a": "x", "b": [1, -2, 31, 15, 1.5, 1000.0, 0.5], "c": ["yes", "true", true], "d": "two\nlines\n",
            "e": null, "f": null, "g": "qA", "1": "one", "h": "2026-01-02", "i": "99999999999999999999", "j": ".inf",
            "k": {"l": {"m": "n"}}, "<<": "o",
        });
        assert_eq!(to_json(text), Ok(expected));
        assert_eq!(to_json(""), Ok(Value::Null));
    }

    #[test]
    fn bombs_tags_and_depth_are_refused() {
        assert!(rule("a: &x [1]\nb: [*x, *x]").contains("anchors"));
        assert!(rule("b: *x").contains("YAML") || rule("b: *x").contains("aliases"));
        assert!(rule("a: !!python/object x").contains("tags"));
        assert!(rule("a: !!str 5").contains("tags"));
        assert!(rule(&format!("a: {}", "[".repeat(33))).contains("32 levels"));
        assert!(rule(&format!("a: {}", "[".repeat(8_000))).contains("recursion limit"));
        assert!(rule(&"- ".repeat(8_000)).contains("32 levels"));
        assert!(rule(&(0..40).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>()).contains("32 levels"));
        assert!(rule(&format!("[{}]", "a,".repeat(2_001))).contains("2000 values"));
        assert!(rule("a: 1\na: 2").contains("twice"));
        assert!(rule("? [a]\n: b").contains("plain text"));
        assert!(rule("a: 1\n--- \nb: 2").contains("one YAML document"));
        for broken in ["a: [", "a: 'x", "\t- a\n- b: c: d", "{a: b", "a: \"\\q\"", "%YAML 9", "@a"] {
            assert!(rule(broken).contains("must"), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "([a-c:\\-\\[\\]{}&*!|>'\"#%@`?, \n\t\\\\0-9~.]|\u{e9}|\u{0}){0,120}") {
            let _ = to_json(&text);
        }
    }
}
