//! The rules for what is said about a skill.

use farebox_accounts::visible_text;
use farebox_base::{Error, Result};

const DISPLAY_NAME_CHARS: usize = 200;
const DESCRIPTION_CHARS: usize = 4_000;
const SLUG_BYTES: usize = 64;

pub(crate) fn slug(text: &str) -> Result<&str> {
    let valid = (1..=SLUG_BYTES).contains(&text.len())
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
    if valid {
        return Ok(text);
    }
    let rule = "must be 1 to 64 characters: lower-case letters, digits and single hyphens between them";
    Err(Error::invalid("slug", rule))
}

/// Trimmed, 1 to 200 characters, nothing invisible.
pub(crate) fn display_name(field: &str, text: &str) -> Result<String> {
    visible_text(field, text, DISPLAY_NAME_CHARS)
}

/// Lines of text, trimmed; `None` where nothing is left.
pub(crate) fn description(field: &str, text: &str) -> Result<Option<String>> {
    let text = text.trim();
    if text.chars().count() > DESCRIPTION_CHARS {
        return Err(Error::invalid(field, format!("must not be longer than {DESCRIPTION_CHARS} characters")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// What searches look through.
pub(crate) fn search_text(slug: &str, display_name: &str, description: Option<&str>) -> String {
    format!("{slug}\n{display_name}\n{}", description.unwrap_or_default()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        for good in ["a", "pdf-forms", "2-x", &"x".repeat(64)] {
            assert!(slug(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a_b", "a b", "ä", "a\0", &"x".repeat(65)] {
            assert_eq!(slug(bad).unwrap_err().field.as_deref(), Some("slug"), "{bad:?}");
        }
    }

    #[test]
    fn descriptions_are_lines_of_text_and_empty_ones_are_none() {
        assert_eq!(description("d", " a\nb ").unwrap().as_deref(), Some("a\nb"));
        assert_eq!(description("d", " \n ").unwrap(), None);
        assert!(description("d", "a\0b").is_err() && description("d", &"x".repeat(4_001)).is_err());
    }
}
