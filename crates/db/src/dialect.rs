//! From the common dialect to SQLite's: parameter numbers and, in migrations, column types.

/// Marks a literal as an SQL statement; expands to the literal. A test finds the markers in the sources and prepares
/// every statement on both engines.
#[macro_export]
macro_rules! sql {
    ($text:literal) => {
        $text
    };
}

/// `$N` is a named parameter to SQLite, numbered by first appearance; `?N` is the one that counts.
pub(crate) fn sqlite_parameters(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for (piece, is_code) in pieces(sql) {
        if !is_code {
            out.push_str(piece);
            continue;
        }
        let mut chars = piece.chars().peekable();
        while let Some(c) = chars.next() {
            let numbered = c == '$' && chars.peek().is_some_and(char::is_ascii_digit);
            out.push(if numbered { '?' } else { c });
        }
    }
    out
}

/// The highest parameter that a statement names.
pub(crate) fn parameter_count(sql: &str) -> usize {
    let code = pieces(sql).into_iter().filter(|(_, is_code)| *is_code);
    let numbers = code.flat_map(|(piece, _)| piece.split('$').skip(1)).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

/// A migration's text for PostgreSQL.
pub(crate) fn postgres_schema(sql: &str) -> String {
    sections(sql, "/*POSTGRES")
}

/// Opens the sections that are marked for one engine: `/*POSTGRES …*/`, `/*SQLITE …*/`. To the other they are comments.
fn sections(sql: &str, mark: &str) -> String {
    let opened = |piece| -> &str {
        let inner = str::strip_prefix(piece, mark).and_then(|rest| rest.strip_suffix("*/"));
        inner.filter(|rest| rest.starts_with(char::is_whitespace)).unwrap_or(piece)
    };
    pieces(sql).into_iter().map(|(piece, is_code)| if is_code { piece } else { opened(piece) }).collect()
}

/// A migration's text for SQLite: its own names of the types, and strict tables; a clustered one is its primary key's
/// index, which saves the writing of a second.
pub(crate) fn sqlite_schema(sql: &str) -> String {
    let marked = sections(sql, "/*SQLITE")
        .replace("/*STRICT*/", "STRICT")
        .replace("/*STRICT, CLUSTERED*/", "STRICT, WITHOUT ROWID");
    let mut out = String::with_capacity(marked.len());
    for (piece, is_code) in pieces(&marked) {
        let mut rest = piece;
        while is_code && let Some(start) = rest.find(is_word) {
            let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |length| start + length);
            out.push_str(&rest[..start]);
            out.push_str(match &rest[start..end] {
                "BIGINT" => "INTEGER",
                "BYTEA" => "BLOB",
                word => word,
            });
            rest = &rest[end..];
        }
        out.push_str(rest);
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits into code (`true`) and what must stay as it is (`false`): quoted text, quoted names, comments.
fn pieces(sql: &str) -> Vec<(&str, bool)> {
    let mut out = vec![];
    let mut rest = sql;
    while !rest.is_empty() {
        let opened = rest.char_indices().find_map(|(at, c)| {
            let close = match c {
                '\'' => "'",
                '"' => "\"",
                '-' if rest[at..].starts_with("--") => "\n",
                '/' if rest[at..].starts_with("/*") => "*/",
                _ => return None,
            };
            Some((at, close))
        });
        let Some((start, close)) = opened else {
            out.push((rest, true));
            break;
        };
        let body = start + if close.len() == 2 { 2 } else { 1 };
        let end = rest[body..].find(close).map_or(rest.len(), |length| body + length + close.len());
        out.push((&rest[..start], true));
        out.push((&rest[start..end], false));
        rest = &rest[end..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_numbered_and_quoted_text_stays() {
        assert_eq!(
            sqlite_parameters("SELECT $2, $1, '$1', \"$1\" -- it's $1\n, $10"),
            "SELECT ?2, ?1, '$1', \"$1\" -- it's $1\n, ?10"
        );
        assert_eq!(sqlite_parameters("SELECT 'it''s $1', $1 /* $2 */"), "SELECT 'it''s $1', ?1 /* $2 */");
        assert_eq!(sqlite_parameters("SELECT '$1"), "SELECT '$1");
    }

    #[test]
    fn parameters_are_counted_by_their_numbers_outside_of_quoted_text() {
        assert_eq!(parameter_count("SELECT 1"), 0);
        assert_eq!(parameter_count("SELECT $2, $1, $2, '$7', \"$8\" -- $9\n"), 2);
        assert_eq!(parameter_count("SELECT $10+$3"), 10);
    }

    #[test]
    fn a_section_for_one_engine_is_a_comment_to_the_other() {
        let text = "A; /*SQLITE\nB 'x';\n*/ C; /*POSTGRES D; */ '/*SQLITE E */' /*STRICT*/";
        assert_eq!(postgres_schema(text), "A; /*SQLITE\nB 'x';\n*/ C;  D;  '/*SQLITE E */' /*STRICT*/");
        assert_eq!(sqlite_schema(text), "A; \nB 'x';\n C; /*POSTGRES D; */ '/*SQLITE E */' STRICT");
    }

    #[test]
    fn types_are_translated_as_whole_words_outside_of_comments() {
        let text = "CREATE TABLE a (\n  b BIGINT NOT NULL, -- BIGINT, BYTEA\n  c BYTEA, my_BIGINT TEXT DEFAULT 'BYTEA'\n) /*STRICT*/;";
        let lite = "CREATE TABLE a (\n  b INTEGER NOT NULL, -- BIGINT, BYTEA\n  c BLOB, my_BIGINT TEXT DEFAULT 'BYTEA'\n) STRICT;";
        assert_eq!(sqlite_schema(text), lite);
    }
}
