//! What SQL of a buyer may run: exactly one statement, reading, or changing rows that it names.
//!
//! Owns the decision from the text alone. The text is parsed, judged (`walk`), printed again from its tree,
//! and the print is what runs: comments, stray line ends and unusual spellings, by which a server could read
//! something else than this parser did, do not reach it. The print must parse to the same tree again.
//! This is the first of four walls; the others are the extended protocol (one statement), a read-only
//! transaction with a timeout, and the rights of the role that the seller gave.

use sqlparser::ast::Statement;
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use super::walk;

/// Longer texts are refused unread.
pub const MAX_SQL_BYTES: usize = 64 * 1024;
/// Operators and keywords in one statement: a chain of them makes a tree as deep as the chain is long.
pub const MAX_OPERATORS: usize = 4_000;
/// Stack for the deepest tree that `MAX_OPERATORS` admits, reserved while a statement is judged.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlDialect {
    Postgres,
    Sqlite,
}

/// What a statement does to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    Read,
    Write,
}

/// A statement that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub kind: StatementKind,
    /// What to run, without a semicolon.
    pub text: String,
    /// It may stand in parentheses as a table: a query that only reads.
    pub is_table: bool,
}

/// Why a statement does not run. The text is for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlRefusal {
    /// 403: it is SQL that this gateway does not run.
    Forbidden(String),
    /// 400: it is no SQL.
    Malformed(String),
}

/// Judges `sql`. Changes to data pass only with `allow_writes`.
pub fn check(sql: &str, dialect: SqlDialect, allow_writes: bool) -> Result<Parsed, SqlRefusal> {
    if sql.len() > MAX_SQL_BYTES {
        return Err(SqlRefusal::Malformed(format!("The statement is longer than {MAX_SQL_BYTES} bytes")));
    }
    // Parsing, walking, printing and dropping a deep tree all recurse.
    stacker::grow(STACK_BYTES, || check_here(sql, dialect, allow_writes))
}

fn check_here(sql: &str, dialect: SqlDialect, allow_writes: bool) -> Result<Parsed, SqlRefusal> {
    let parser: &dyn Dialect = match dialect {
        SqlDialect::Postgres => &PostgreSqlDialect {},
        SqlDialect::Sqlite => &SQLiteDialect {},
    };
    let tokens = Tokenizer::new(parser, sql).tokenize().map_err(|error| unparsed(sql, &error.into()))?;
    if tokens.iter().filter(|token| may_deepen(token)).count() > MAX_OPERATORS {
        return Err(SqlRefusal::Malformed(format!(
            "The statement has more than {MAX_OPERATORS} operators and keywords"
        )));
    }
    let statement = parse_one(sql, parser)?;
    let kind = walk::judge(&statement, dialect)?;
    if kind == StatementKind::Write && !allow_writes {
        return forbidden("Only reading is allowed here: SELECT, VALUES, WITH … SELECT, EXPLAIN");
    }
    let text = statement.to_string();
    if parse_one(&text, parser).ok().as_ref() != Some(&statement) || !prints_plainly(&text, parser) {
        return Err(SqlRefusal::Malformed(
            "The statement is written in a form that cannot be checked; write it more plainly".to_owned(),
        ));
    }
    let is_table = kind == StatementKind::Read && matches!(statement, Statement::Query(_));
    Ok(Parsed { kind, text, is_table })
}

fn parse_one(sql: &str, dialect: &dyn Dialect) -> Result<Statement, SqlRefusal> {
    let mut statements = Parser::parse_sql(dialect, sql).map_err(|error| unparsed(sql, &error))?;
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => Ok(statement),
        (None, _) => Err(SqlRefusal::Malformed("There is no statement".to_owned())),
        (Some(_), _) => forbidden("Send one statement at a time"),
    }
}

/// A text that does not parse is malformed, unless its first word says that it would be refused anyway.
fn unparsed(sql: &str, error: &ParserError) -> SqlRefusal {
    let first: String = sql.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    if let Some(name) = walk::refused_command(&first) {
        return SqlRefusal::Forbidden(format!("{name} is not allowed"));
    }
    SqlRefusal::Malformed(match error {
        ParserError::RecursionLimitExceeded => "The statement is nested too deeply".to_owned(),
        ParserError::TokenizerError(reason) | ParserError::ParserError(reason) => {
            format!("The statement is not valid SQL: {reason}")
        }
    })
}

/// True for what can make a tree deeper; values, names and the commas between them make it wider only.
fn may_deepen(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        Token::Number(..) | Token::Placeholder(_) | Token::Comma | Token::Period | Token::Whitespace(_) => false,
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::DollarQuotedString(_) => false,
        _ => true,
    }
}

/// True where the print holds no comment, and no operator that another parser could take for the start of one.
fn prints_plainly(text: &str, dialect: &dyn Dialect) -> bool {
    let Ok(tokens) = Tokenizer::new(dialect, text).tokenize() else { return false };
    tokens.iter().all(|token| match token {
        Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => false,
        Token::Word(_) | Token::Number(..) | Token::Whitespace(_) => true,
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::DollarQuotedString(_) => true,
        Token::EscapedStringLiteral(_) | Token::UnicodeStringLiteral(_) | Token::HexStringLiteral(_) => true,
        other => {
            let text = other.to_string();
            !text.contains("--") && !text.contains("/*")
        }
    })
}

pub(super) fn forbidden<T>(reason: impl Into<String>) -> Result<T, SqlRefusal> {
    Err(SqlRefusal::Forbidden(reason.into()))
}
