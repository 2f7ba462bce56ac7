//! What `SKILL.md` says of itself: the YAML between its first line `---` and the next.

use crate::{rules, yaml};
use farebox_base::{Error, Result};
use serde_json::{Map, Value};

const FRONTMATTER_BYTES: usize = 16 << 10;
const FENCE: &str = "---";

/// The frontmatter as JSON, with what every skill has.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Frontmatter {
    pub values: Map<String, Value>,
    /// `title`, else `name`.
    pub title: Option<String>,
    pub description: Option<String>,
}

/// Reads it; empty where the text does not begin with one.
///
/// # Errors
/// `Invalid` for `field`.
pub(crate) fn read(field: &str, text: &str) -> Result<Frontmatter> {
    let fault = |rule: String| Error::invalid(field, format!("holds a SKILL.md whose frontmatter {rule}"));
    let Some(yaml) = between_fences(text).map_err(|rule| fault(rule.to_owned()))? else {
        return Ok(Frontmatter::default());
    };
    if yaml.len() > FRONTMATTER_BYTES {
        return Err(fault(format!("must not be longer than {FRONTMATTER_BYTES} bytes")));
    }
    let values = match yaml::to_json(yaml).map_err(fault)? {
        Value::Null => Map::new(),
        Value::Object(values) => values,
        _ => return Err(fault("must be a mapping such as \"name: pdf-forms\"".to_owned())),
    };
    let word = |name: &str| match values.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(fault(format!("must have text as {name}; put it in quotes"))),
    };
    let line = |name: &str, text: &str| rules::display_name(name, text).map_err(|e| fault(e.message));
    let (title, name) = (word("title")?, word("name")?);
    let title = match (title, name) {
        (Some(title), _) => Some(line("title", title)?),
        (None, Some(name)) => Some(line("name", name)?),
        (None, None) => None,
    };
    let description = match word("description")? {
        Some(text) => rules::description("description", text).map_err(|e| fault(e.message))?,
        None => None,
    };
    Ok(Frontmatter { values, title, description })
}

fn between_fences(text: &str) -> Result<Option<&str>, &'static str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split_inclusive('\n');
    let is_fence = |line: &str| line.trim_end() == FENCE;
    let Some(first) = lines.next().filter(|line| is_fence(line)) else { return Ok(None) };
    let start = first.len();
    let mut end = start;
    for line in lines {
        if is_fence(line) {
            return Ok(text.get(start..end));
        }
        end += line.len();
    }
    Err("must end with a line ---")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(text: &str) -> String {
        read("files.0.content_base64", text).unwrap_err().message
    }

    #[test]
    fn name_and_description_are_found() {
        let text = "---\r\nname: pdf-forms\r\ndescription: >-\r\n  Fills\r\n  forms.\r\nlicense: MIT\r\n---\r\n# Forms\r\n---\r\n";
        let read_from = read("f", text).unwrap();
        assert_eq!(
            Value::Object(read_from.values),
            json!({"name": "pdf-forms", "description": "Fills forms.", "license": "MIT"})
        );
        assert_eq!(
            (read_from.title.as_deref(), read_from.description.as_deref()),
            (Some("pdf-forms"), Some("Fills forms."))
        );
        let titled = read("f", "---\ntitle: Forms\nname: pdf-forms\n---").unwrap();
        assert_eq!((titled.title.as_deref(), titled.description), (Some("Forms"), None));
    }

    #[test]
    fn a_text_without_frontmatter_has_an_empty_one() {
        for text in
            ["", "# Title\n---\na: b\n---\n", "---\n---\n", "\u{feff}---\n# only a comment\n---", "----\na\n----\n"]
        {
            assert_eq!(read("f", text).unwrap(), Frontmatter::default(), "{text:?}");
        }
    }

    #[test]
    fn a_broken_one_is_named() {
        assert!(rule("---\nname: x\n").contains("end with a line ---"));
        assert!(rule("---\n- a\n---\n").contains("a mapping"));
        assert!(rule("---\nname: 5\n---\n").contains("text as name"));
        assert!(rule("---\nname: [\n---\n").contains("valid YAML"));
        assert!(rule("---\nname: \"a\\0b\"\n---\n").contains("frontmatter name"));
        assert!(rule("---\ndescription: \"a\\0b\"\n---\n").contains("control characters"));
        assert!(rule(&format!("---\nname: {}\n---\n", "x".repeat(201))).contains("200 characters"));
        assert!(rule(&format!("---\nx: {}\n---\n", "x".repeat(17_000))).contains("16384 bytes"));
    }
}
