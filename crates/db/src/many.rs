//! One statement for many rows of parameters: the rows, and the text that PostgreSQL runs once for all of them.
//!
//! Sources hold the statement for one row. SQLite runs it row by row, which costs it little; PostgreSQL gets arrays,
//! one per parameter, so that a batch is one round trip and one plan whatever its size. Rows are taken in order.

use crate::{DbError, Param};

/// Rows of parameters, all of the same width.
#[derive(Debug, Clone, Default)]
pub struct Rows<'a> {
    width: usize,
    params: Vec<Param<'a>>,
}

impl<'a> Rows<'a> {
    pub fn with_capacity(rows: usize, width: usize) -> Self {
        Self { width, params: Vec::with_capacity(rows * width) }
    }

    /// Adds a row; the first one decides the width of all.
    pub fn push<const N: usize>(&mut self, row: [Param<'a>; N]) {
        debug_assert!(self.params.is_empty() || self.width == N, "rows of one statement have one width");
        self.width = N;
        self.params.extend(row);
    }

    pub fn len(&self) -> usize {
        self.params.len().checked_div(self.width).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[Param<'a>]> {
        self.params.chunks_exact(self.width.max(1))
    }

    /// The parameters turned on their side: one array per column.
    pub(crate) fn columns(&self) -> Vec<Vec<Param<'a>>> {
        (0..self.width).map(|column| self.rows().map(|row| row[column]).collect()).collect()
    }
}

/// The statement for all rows at once, made from the one for a single row: `input` holds the rows, `pN` is `$N`.
/// An INSERT takes its VALUES from it; an UPDATE, DELETE or SELECT joins it, by what its WHERE says.
///
/// # Errors
/// `Other` where the statement has no such shape.
pub(crate) fn set_form(sql: &str, array_types: &[&str]) -> Result<String, DbError> {
    let arrays: Vec<String> = array_types.iter().zip(1..).map(|(ty, n)| format!("${n}::{ty}")).collect();
    let names: Vec<String> = (1..=array_types.len()).map(|n| format!("p{n}")).collect();
    let input = format!("unnest({}) AS input ({})", arrays.join(", "), names.join(", "));
    let first = sql.split_whitespace().next().unwrap_or_default();
    let (at, word, insertion) = match first {
        "INSERT" => return insert_form(sql, &input),
        "UPDATE" => (clause(sql, "WHERE"), "WHERE", format!("FROM {input} ")),
        "DELETE" => (clause(sql, "WHERE"), "WHERE", format!("USING {input} ")),
        "SELECT" => (clause(sql, "FROM").map(|at| at + "FROM ".len()), "FROM", format!("{input}, ")),
        _ => (None, "known beginning", String::new()),
    };
    let at = at.ok_or_else(|| DbError::Other(format!("a statement for many rows has no {word}")).of_statement(sql))?;
    Ok(format!("{}{insertion}{}", named(&sql[..at]), named(&sql[at..])))
}

fn insert_form(sql: &str, input: &str) -> Result<String, DbError> {
    let wrong = || DbError::Other("an INSERT for many rows has no VALUES".to_owned()).of_statement(sql);
    let at = clause(sql, "VALUES").ok_or_else(wrong)?;
    let open = at + sql[at..].find('(').ok_or_else(wrong)?;
    let mut depth = 0_i32;
    let close = sql[open..].char_indices().find_map(|(index, c)| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        (depth == 0).then_some(open + index)
    });
    let close = close.ok_or_else(wrong)?;
    let (values, rest) = (named(&sql[open + 1..close]), named(&sql[close + 1..]));
    Ok(format!("{}SELECT {values} FROM {input}{rest}", &sql[..at]))
}

/// Where a keyword stands outside of all parentheses and quoted texts.
fn clause(sql: &str, word: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0_i32, false);
    for (at, c) in sql.char_indices() {
        quoted ^= c == '\'';
        depth += i32::from(!quoted && c == '(') - i32::from(!quoted && c == ')');
        let starts = !quoted && depth == 0 && sql[at..].starts_with(word);
        if starts && sql[..at].ends_with(char::is_whitespace) && sql[at + word.len()..].starts_with([' ', '\n', '(']) {
            return Some(at);
        }
    }
    None
}

/// `$2` becomes `input.p2`.
fn named(sql: &str) -> String {
    sql.replace('$', "input.p")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &[&str] = &["text[]", "bigint[]"];

    #[test]
    fn each_kind_of_statement_takes_its_rows_from_the_arrays() {
        let of = |sql| set_form(sql, TYPES).unwrap();
        assert_eq!(
            of("INSERT INTO a (b, c, d) VALUES ($1, coalesce($2, 0), 'x') ON CONFLICT (b) DO NOTHING"),
            "INSERT INTO a (b, c, d) SELECT input.p1, coalesce(input.p2, 0), 'x' \
             FROM unnest($1::text[], $2::bigint[]) AS input (p1, p2) ON CONFLICT (b) DO NOTHING"
        );
        assert_eq!(
            of("UPDATE a SET c = c + $2, d = (SELECT 1 FROM e WHERE f = 2) WHERE b = $1"),
            "UPDATE a SET c = c + input.p2, d = (SELECT 1 FROM e WHERE f = 2) \
             FROM unnest($1::text[], $2::bigint[]) AS input (p1, p2) WHERE b = input.p1"
        );
        assert_eq!(
            of("SELECT b FROM a WHERE b = $1 AND c > $2"),
            "SELECT b FROM unnest($1::text[], $2::bigint[]) AS input (p1, p2), a WHERE b = input.p1 AND c > input.p2"
        );
        assert_eq!(
            of("DELETE FROM a WHERE b = $1 AND c = $2"),
            "DELETE FROM a USING unnest($1::text[], $2::bigint[]) AS input (p1, p2) WHERE b = input.p1 AND c = input.p2"
        );
    }

    #[test]
    fn a_statement_of_another_shape_is_refused() {
        for wrong in ["UPDATE a SET b = $1", "WITH x AS (SELECT 1) SELECT $1", "INSERT INTO a SELECT $1"] {
            assert!(set_form(wrong, TYPES).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_turn_into_columns_in_order() {
        let mut rows = Rows::with_capacity(2, 2);
        rows.push(["a".into(), 1.into()]);
        rows.push(["b".into(), Param::Null]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.columns(), [vec![Param::Text("a"), Param::Text("b")], vec![Param::I64(1), Param::Null]]);
    }
}
