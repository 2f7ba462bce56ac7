//! Lists with optional filters: a statement put together from fixed pieces, so that no value ever becomes SQL.
//!
//! A piece counts its own parameters from `$1`; the builder numbers them anew. The beginning is a whole statement in
//! the `sql!` marker, so that the test of all statements covers it; the pieces are covered by the tests of their lists.
//! A beginning that is no statement without its ending, because that brings the GROUP BY, stays outside of the marker.

use crate::Param;

/// A finished statement whose text was built; only [`Where`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    text: String,
}

/// What to run: a statement of the sources, or a built one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sql<'a> {
    Fixed(&'static str),
    Built(&'a Statement),
}

impl<'a> Sql<'a> {
    pub(crate) fn text(self) -> &'a str {
        match self {
            Sql::Fixed(text) => text,
            Sql::Built(statement) => &statement.text,
        }
    }
}

/// Builds `beginning [WHERE|AND condition]... ending`.
#[derive(Debug)]
pub struct Where<'a> {
    text: String,
    params: Vec<Param<'a>>,
    has_condition: bool,
}

impl<'a> Where<'a> {
    /// Begins with a statement that has no WHERE yet.
    pub fn new(beginning: &'static str) -> Self {
        Self { text: beginning.trim_end().to_owned(), params: vec![], has_condition: false }
    }

    /// Begins with a statement that ends in its own WHERE conditions, which take `params`.
    pub fn continuing(beginning: &'static str, params: &[Param<'a>]) -> Self {
        Self { text: beginning.trim_end().to_owned(), params: params.to_vec(), has_condition: true }
    }

    /// Adds a condition that must hold; `$1` is the first of `params`.
    pub fn and(&mut self, condition: &'static str, params: &[Param<'a>]) -> &mut Self {
        self.join();
        self.text.push('(');
        self.append(condition, params);
        self.text.push(')');
        self
    }

    /// Adds the condition where there is a value for its `$1`.
    pub fn and_some(&mut self, condition: &'static str, value: Option<impl Into<Param<'a>>>) -> &mut Self {
        match value {
            Some(value) => self.and(condition, &[value.into()]),
            None => self,
        }
    }

    /// Adds `column IN (values)`; no value matches no row.
    pub fn and_in(&mut self, column: &'static str, values: &[Param<'a>]) -> &mut Self {
        if values.is_empty() {
            return self.and("1 = 0", &[]);
        }
        self.join();
        self.text.push_str(column);
        for (index, value) in values.iter().enumerate() {
            self.text.push_str(if index == 0 { " IN (" } else { ", " });
            self.append("$1", std::slice::from_ref(value));
        }
        self.text.push(')');
        self
    }

    /// Ends with grouping, order and limits; `$1` is the first of `params`.
    pub fn finish(mut self, ending: &'static str, params: &[Param<'a>]) -> (Statement, Vec<Param<'a>>) {
        self.text.push(' ');
        self.append(ending, params);
        (Statement { text: self.text }, self.params)
    }

    fn join(&mut self) {
        self.text.push_str(if self.has_condition { " AND " } else { " WHERE " });
        self.has_condition = true;
    }

    fn append(&mut self, piece: &'static str, params: &[Param<'a>]) {
        let before = self.params.len();
        let mut rest = piece;
        while let Some(at) = rest.find('$') {
            self.text.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if let Ok(number) = rest[..digits].parse::<usize>() {
                self.text.push_str(&(before + number).to_string());
                rest = &rest[digits..];
            }
        }
        self.text.push_str(rest);
        self.params.extend_from_slice(params);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_and_their_parameters_numbered_in_order() {
        let mut list = Where::new("SELECT id FROM listing ");
        list.and("party_id = $1", &["p".into()])
            .and_some("kind = $1", None::<&str>)
            .and("name = $2 OR slug = $1", &["s".into(), "n".into()])
            .and_in("status", &["active".into(), "paused".into()]);
        let (statement, params) = list.finish("ORDER BY id LIMIT $1", &[10.into()]);
        let text = "SELECT id FROM listing WHERE (party_id = $1) AND (name = $3 OR slug = $2) AND status IN ($4, $5) ORDER BY id LIMIT $6";
        assert_eq!(statement.text, text);
        assert_eq!(params, ["p".into(), "s".into(), "n".into(), "active".into(), "paused".into(), Param::I64(10)]);
    }

    #[test]
    fn a_beginning_with_conditions_is_continued_and_an_empty_list_matches_nothing() {
        let mut list = Where::continuing("SELECT id FROM call WHERE buyer_party_id = $1", &["p".into()]);
        list.and_in("state", &[]).and_some("created_at < $1", Some(5));
        let (statement, params) = list.finish("ORDER BY id", &[]);
        let text = "SELECT id FROM call WHERE buyer_party_id = $1 AND (1 = 0) AND (created_at < $2) ORDER BY id";
        assert_eq!(statement.text, text);
        assert_eq!(params, ["p".into(), Param::I64(5)]);
    }
}
