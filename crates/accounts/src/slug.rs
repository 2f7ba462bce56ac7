//! Names made fit for URLs and addresses.

/// The ASCII letters and digits of `text` in lower case, everything between them a single hyphen, cut to `most`
/// characters. May be empty; never begins or ends with a hyphen.
pub fn slugify(text: &str, most: usize) -> String {
    let mut slug = String::with_capacity(text.len().min(most));
    for c in text.chars() {
        if slug.len() >= most {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::slugify;

    #[test]
    fn slugs_are_plain_and_bounded() {
        assert_eq!(slugify("  Sentiment  Analysis API! ", 57), "sentiment-analysis-api");
        assert_eq!(slugify("Ünïcode 7", 57), "n-code-7");
        assert_eq!(slugify("日本", 57), "");
        assert_eq!(slugify("abc def", 4), "abc");
    }
}
