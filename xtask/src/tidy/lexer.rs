//! Just enough of Rust's lexical grammar to tell code from comments and literals, and test code from the rest.

use std::ops::Range;

/// A Rust source taken apart.
#[derive(Default)]
pub struct Lexed {
    /// As long as the source, line for line, with comments and literals turned into spaces.
    pub code: String,
    /// String literals in the order in which they stand.
    pub literals: Vec<Literal>,
    /// Spans of items that are only compiled for tests.
    pub test_spans: Vec<Range<usize>>,
    /// Names of modules declared as `#[cfg(test)] mod name;`.
    pub test_modules: Vec<String>,
    /// The file says `#![cfg(test)]`.
    pub test_only: bool,
}

/// A string literal: the byte at which it begins, prefix included, and what stands between the quotes.
pub struct Literal {
    pub start: usize,
    pub text: String,
}

impl Lexed {
    pub fn is_test(&self, at: usize) -> bool {
        self.test_only || self.test_spans.iter().any(|span| span.contains(&at))
    }

    /// Where `word` stands in the code as a whole word.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let bytes = self.code.as_bytes();
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let before = at.checked_sub(1).is_some_and(|at| is_word(bytes[at]));
            let after = bytes.get(at + word.len()).is_some_and(|byte| is_word(*byte));
            !before && !after
        })
    }
}

pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

pub fn lex(source: &str) -> Lexed {
    let mut lexed = Lexed::default();
    let mut code = source.as_bytes().to_vec();
    let bytes = source.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => comment_end(bytes, at),
            b'\'' => char_end(source, at),
            _ => match string_bounds(bytes, at) {
                Some((inner, end)) => {
                    lexed.literals.push(Literal { start: at, text: source[inner].into() });
                    end
                }
                None => at,
            },
        };
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    lexed.code = String::from_utf8_lossy(&code).into_owned();
    find_tests(&mut lexed);
    lexed
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// The end of a character literal, or `start` where the quote begins a lifetime.
fn char_end(source: &str, start: usize) -> usize {
    let mut rest = source[start + 1..].char_indices();
    match rest.next() {
        Some((_, '\\')) => {
            let after_escape = start + 3;
            source.get(after_escape..).and_then(|rest| rest.find('\'')).map_or(source.len(), |at| after_escape + at + 1)
        }
        Some(_) => match rest.next() {
            Some((at, '\'')) => start + 1 + at + 1,
            _ => start,
        },
        None => start,
    }
}

/// Where a string literal that begins at `start` has its contents and its end; `None` where none begins.
fn string_bounds(bytes: &[u8], start: usize) -> Option<(Range<usize>, usize)> {
    let after_word = start.checked_sub(1).is_some_and(|before| is_word(bytes[before]));
    if after_word && bytes[start] != b'"' {
        return None;
    }
    let mut at = start;
    while at < start + 2 && matches!(bytes.get(at), Some(b'b' | b'c' | b'r')) {
        at += 1;
    }
    let is_raw = at > start && bytes[at - 1] == b'r';
    let hashes = if is_raw { bytes[at..].iter().take_while(|byte| **byte == b'#').count() } else { 0 };
    let open = at + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = open + 1;
    while close < bytes.len() {
        match bytes[close] {
            b'\\' if !is_raw => close += 1,
            b'"' if bytes[close + 1..].iter().take(hashes).filter(|byte| **byte == b'#').count() == hashes => {
                return Some((open + 1..close, close + 1 + hashes));
            }
            _ => {}
        }
        close += 1;
    }
    Some((open + 1..bytes.len(), bytes.len()))
}

fn find_tests(lexed: &mut Lexed) {
    let code = std::mem::take(&mut lexed.code);
    let mut from = 0;
    while let Some(at) = code[from..].find("#[").map(|found| from + found) {
        let end = closing(&code, at + 1).unwrap_or(code.len());
        from = end;
        if !is_test_attribute(&code[at + 2..end]) {
            continue;
        }
        match item_body(&code, end) {
            Some(open) if code.as_bytes()[open] == b'{' => {
                let close = closing(&code, open).unwrap_or(code.len());
                lexed.test_spans.push(at..close);
                from = close;
            }
            Some(semicolon) => {
                let item = code[end..semicolon].trim();
                let name = item.strip_prefix("pub(crate) ").unwrap_or(item).strip_prefix("mod ");
                lexed.test_modules.extend(name.map(|name| name.trim().to_owned()));
                lexed.test_spans.push(at..semicolon);
            }
            None => {}
        }
    }
    lexed.test_only = code.contains("#![cfg(test)]");
    lexed.code = code;
}

fn is_test_attribute(attribute: &str) -> bool {
    let text: String = attribute.trim_end_matches(']').split_whitespace().collect();
    let name = text.split('(').next().unwrap_or_default();
    name == "test"
        || name.ends_with("::test")
        || ["cfg(test", "cfg(all(test", "cfg(any(test"].iter().any(|start| text.starts_with(start))
}

/// From the end of an attribute, the `{` or `;` that ends the head of the item below it.
pub fn item_body(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' | b';' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// The byte after the bracket that closes the one at `open`.
pub fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_leave_the_code_and_keep_its_lines() {
        let source =
            "let a = \"{ x\"; // {\n/* { /* } */ } */ let b = '{'; let c: &'a str = r#\"\"}\"#;\nlet d = b'\\'';";
        let lexed = lex(source);
        assert_eq!(lexed.code.len(), source.len());
        assert_eq!(lexed.code.lines().count(), 3);
        assert!(!lexed.code.contains(['{', '}', '"']));
        assert!(lexed.code.contains("let c: &'a str ="));
        assert!(lexed.code.trim_end().ends_with("let d = b    ;"), "{:?}", lexed.code);
        let texts: Vec<&str> = lexed.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, ["{ x", "\"}"]);
    }

    #[test]
    fn a_string_ends_at_its_own_quote_only() {
        let lexed = lex(r#"f("a\"b", b"c", "\\"); let r#type = 1; let over = "é";"#);
        let texts: Vec<&str> = lexed.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, [r#"a\"b"#, "c", r"\\", "é"]);
        assert!(lexed.code.contains("let r#type = 1;"));
    }

    #[test]
    fn test_items_are_told_from_the_rest() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\nfn c() {}\n#[tokio::test(flavor = \"x\")]\nasync fn d(x: [u8; 4]) { e() }\n#[cfg(not(test))]\nfn f() {}\n#[cfg(test)]\nmod far;";
        let lexed = lex(source);
        let is_test = |name: &str| lexed.is_test(source.find(name).unwrap());
        assert!(!is_test("fn a") && !is_test("fn c") && !is_test("fn f"));
        assert!(is_test("fn b") && is_test("e()"));
        assert_eq!(lexed.test_modules, ["far"]);
    }

    #[test]
    fn words_are_found_whole() {
        let lexed = lex("f64 as_f64 f64x (f64)");
        assert_eq!(lexed.words("f64").collect::<Vec<_>>(), [0, 17]);
    }
}
