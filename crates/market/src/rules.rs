//! The rules for what sellers say about a listing.
//!
//! Pure functions; each answers the value as it is stored, or names the field and the broken rule.

use crate::{JsonObject, ListingKind};
use farebox_accounts::visible_text;
use farebox_base::{Error, Result};

const NAME_CHARS: usize = 200;
const CATEGORY_CHARS: usize = 100;
const TAG_CHARS: usize = 50;
pub(crate) const MOST_TAGS: usize = 20;
const DESCRIPTION_CHARS: usize = 10_000;
const MOST_FREE_CALLS: u32 = 1_000_000;
const PROFILE_BYTES: usize = 256 * 1024;
const CONNECTION_BYTES: usize = 2_000;
const PAYMENT_METHODS: [&str; 3] = ["x402", "paypal", "nowpayments"];
/// Words that stand in the place of a slug in paths.
const RESERVED_SLUGS: [&str; 2] = ["suggest", "estimate"];

pub(crate) fn name(text: &str) -> Result<String> {
    visible_text("name", text, NAME_CHARS)
}

pub(crate) fn slug(text: &str) -> Result<&str> {
    if !is_slug(text) {
        let rule = "must be 3 to 64 characters: lower-case letters, digits and single hyphens between them";
        return Err(Error::invalid("slug", rule));
    }
    if RESERVED_SLUGS.contains(&text) {
        return Err(Error::invalid("slug", format!("must not be {text}, which is reserved")));
    }
    Ok(text)
}

/// Whether a listing can have this slug at all.
pub(crate) fn is_slug(text: &str) -> bool {
    (3..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

pub(crate) fn description(text: &str) -> Result<String> {
    if text.chars().count() > DESCRIPTION_CHARS {
        return Err(Error::invalid("description", format!("must not be longer than {DESCRIPTION_CHARS} characters")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid("description", "must not contain control characters"));
    }
    Ok(text.to_owned())
}

/// May be empty.
pub(crate) fn category(text: &str) -> Result<String> {
    if text.trim().is_empty() { Ok(String::new()) } else { visible_text("category", text, CATEGORY_CHARS) }
}

/// Trimmed, in their order; one that differs from an earlier one only in case is dropped.
pub(crate) fn tags(texts: &[String]) -> Result<Vec<String>> {
    if texts.len() > MOST_TAGS {
        return Err(Error::invalid("tags", format!("must not have more than {MOST_TAGS} entries")));
    }
    let mut tags: Vec<String> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let tag = visible_text(&format!("tags.{index}"), text, TAG_CHARS)?;
        if tags.iter().all(|known| known.to_lowercase() != tag.to_lowercase()) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

pub(crate) fn free_tier_calls(calls: i64) -> Result<u32> {
    u32::try_from(calls)
        .ok()
        .filter(|calls| *calls <= MOST_FREE_CALLS)
        .ok_or_else(|| Error::invalid("free_tier_calls", format!("must be from 0 to {MOST_FREE_CALLS}")))
}

pub(crate) fn payment_method(text: &str) -> Result<String> {
    if PAYMENT_METHODS.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid("payment_method", format!("must be one of {}", PAYMENT_METHODS.join(", "))))
}

/// The JSON text of descriptive fields.
pub(crate) fn profile_text(field: &str, profile: &JsonObject) -> Result<String> {
    let text = serde_json::to_string(profile).map_err(|e| Error::internal(format!("{field}: {e}")))?;
    if text.len() > PROFILE_BYTES {
        return Err(Error::invalid(field, format!("must not be longer than {PROFILE_BYTES} bytes as JSON")));
    }
    Ok(text)
}

/// A connection string that names one server, or one file of the operator's folder by its plain name. Whether the
/// server may be reached is checked when it is.
pub(crate) fn connection_string(field: &str, kind: ListingKind, text: &str, sqlite_listings: bool) -> Result<()> {
    if text.len() > CONNECTION_BYTES || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("must be at most {CONNECTION_BYTES} visible characters")));
    }
    match kind {
        ListingKind::Http => Err(Error::invalid(field, "must be left out: the listing is no database")),
        ListingKind::Postgres => {
            let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
            if url.as_ref().and_then(url::Url::host_str).is_none_or(str::is_empty) {
                return Err(Error::invalid(field, "must have the form postgresql://user:password@host:port/database"));
            }
            Ok(())
        }
        ListingKind::Sqlite if !sqlite_listings => {
            Err(Error::invalid(field, "must be a PostgreSQL database: this server offers no SQLite files"))
        }
        ListingKind::Sqlite => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            let file = text.strip_prefix("sqlite:").unwrap_or_default();
            if file.is_empty() || file.starts_with('.') || !file.bytes().all(plain) {
                return Err(Error::invalid(field, "must be sqlite: followed by a plain file name"));
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_reserved_words_are_not_given_away() {
        for good in ["abc", "a-b", "sentiment-analysis-7", &"x".repeat(64)] {
            assert_eq!(slug(good).unwrap(), good);
        }
        for bad in
            ["", "ab", "-abc", "abc-", "a--b", "Abc", "a b", "a_b", "é-a", "suggest", "estimate", &"x".repeat(65)]
        {
            assert_eq!(slug(bad).unwrap_err().field.as_deref(), Some("slug"), "{bad:?}");
        }
    }

    #[test]
    fn tags_are_trimmed_bounded_and_not_repeated() {
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(tags(&texts(&[" NLP ", "nlp", "ai"])).unwrap(), ["NLP", "ai"]);
        assert_eq!(tags(&texts(&["a", " "])).unwrap_err().field.as_deref(), Some("tags.1"));
        assert!(tags(&texts(&["x".repeat(51).as_str()])).is_err());
        assert!(tags(&texts(&["a"; 21])).is_err());
    }

    #[test]
    fn numbers_and_words_outside_their_lists_are_refused() {
        assert_eq!(free_tier_calls(1_000_000).unwrap(), 1_000_000);
        assert!(free_tier_calls(-1).is_err() && free_tier_calls(1_000_001).is_err());
        assert!(payment_method("x402").is_ok() && payment_method("stripe").is_err() && payment_method("").is_err());
        assert_eq!(category("  ").unwrap(), "");
        assert!(
            description("a\nb").is_ok() && description("a\0b").is_err() && description(&"x".repeat(10_001)).is_err()
        );
    }

    #[test]
    fn connection_strings_name_one_server_or_one_plain_file() {
        let check = |kind, text: &str| connection_string("connectionString", kind, text, true);
        for good in ["postgresql://u:p@host:5432/db", "postgres://host/db?sslmode=require"] {
            assert!(check(ListingKind::Postgres, good).is_ok(), "{good}");
        }
        for bad in ["", "host=h user=u", "mysql://h/d", "postgres:///db", "postgres://h/d\n", "/etc/passwd"] {
            assert!(check(ListingKind::Postgres, bad).is_err(), "{bad:?}");
        }
        assert!(check(ListingKind::Sqlite, "sqlite:demo.db").is_ok());
        for bad in
            ["sqlite:", "sqlite:../x.db", "sqlite:/x.db", "sqlite:.hidden", "sqlite:a/b", "demo.db", "sqlite:a?mode=rw"]
        {
            assert!(check(ListingKind::Sqlite, bad).is_err(), "{bad:?}");
        }
        assert!(connection_string("x", ListingKind::Sqlite, "sqlite:demo.db", false).is_err());
        assert!(check(ListingKind::Http, "postgres://h/d").is_err());
    }
}
