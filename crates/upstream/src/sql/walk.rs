//! Walking a statement's tree: every query, command, relation, function and literal in it is judged.
//!
//! What is not known to be harmless is refused: commands and literals by a list of the allowed, names of the
//! engine's own functions and relations likewise (`names`).

use std::ops::ControlFlow;

use sqlparser::ast::{
    Delete, Expr, Insert, ObjectName, Query, Select, SetExpr, Statement, TableFactor, TableObject, Update, Value,
    ValueWithSpan, Visit as _, Visitor, visit_expressions,
};

use super::guard::{SqlDialect, SqlRefusal, StatementKind, forbidden};
use super::names;

/// Commands whose refusal should say their name even where the text does not parse.
const REFUSED_COMMANDS: &[&str] = &[
    "ABORT",
    "ALTER",
    "ANALYZE",
    "ATTACH",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "CLOSE",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DECLARE",
    "DETACH",
    "DISCARD",
    "DO",
    "DROP",
    "END",
    "EXECUTE",
    "FETCH",
    "GRANT",
    "IMPORT",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "PRAGMA",
    "PREPARE",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SECURITY",
    "SET",
    "SHOW",
    "START",
    "TRUNCATE",
    "UNLISTEN",
    "VACUUM",
];

pub(super) fn refused_command(word: &str) -> Option<&'static str> {
    REFUSED_COMMANDS.iter().find(|name| name.eq_ignore_ascii_case(word)).copied()
}

/// Judges the whole tree and says what it does.
pub(super) fn judge(statement: &Statement, dialect: SqlDialect) -> Result<StatementKind, SqlRefusal> {
    let mut walk = Walk { dialect, kind: StatementKind::Read };
    match statement.visit(&mut walk) {
        ControlFlow::Break(refusal) => Err(refusal),
        ControlFlow::Continue(()) => match statement {
            Statement::Explain { .. } => Ok(StatementKind::Read),
            _ => Ok(walk.kind),
        },
    }
}

struct Walk {
    dialect: SqlDialect,
    kind: StatementKind,
}

type Step = ControlFlow<SqlRefusal>;

fn step(outcome: Result<(), SqlRefusal>) -> Step {
    outcome.map_or_else(ControlFlow::Break, ControlFlow::Continue)
}

impl Visitor for Walk {
    type Break = SqlRefusal;

    fn pre_visit_statement(&mut self, statement: &Statement) -> Step {
        step(self.command(statement))
    }

    fn pre_visit_query(&mut self, query: &Query) -> Step {
        step(self.query(query))
    }

    fn pre_visit_select(&mut self, select: &Select) -> Step {
        if select.into.is_some() {
            return step(forbidden("SELECT INTO is not allowed: it creates a table"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> Step {
        step(self.relation(relation))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Step {
        step(match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => self.function(name),
            _ => Ok(()),
        })
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Step {
        step(match expr {
            Expr::Function(function) => self.function(&function.name),
            _ => Ok(()),
        })
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> Step {
        step(match &value.value {
            Value::Number(..) | Value::Boolean(_) | Value::Null | Value::Placeholder(_) => Ok(()),
            Value::SingleQuotedString(_) | Value::DoubleQuotedString(_) | Value::DollarQuotedString(_) => Ok(()),
            Value::EscapedStringLiteral(_) | Value::UnicodeStringLiteral(_) | Value::HexStringLiteral(_) => Ok(()),
            _ => Err(SqlRefusal::Malformed("This form of a literal is not understood here".to_owned())),
        })
    }
}

impl Walk {
    fn command(&mut self, statement: &Statement) -> Result<(), SqlRefusal> {
        match statement {
            Statement::Query(_) => Ok(()),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Explain { analyze, statement, options, .. } => {
                let options = options.iter().flatten();
                let runs = *analyze
                    || options
                        .map(|option| option.name.value.as_str())
                        .any(|name| name.eq_ignore_ascii_case("analyze"));
                if runs && judge(statement, self.dialect)? == StatementKind::Write {
                    return forbidden("EXPLAIN ANALYZE runs what it explains; it is allowed for reading only");
                }
                Ok(())
            }
            other => {
                let text = other.to_string();
                let name = text.split([' ', '\n']).next().unwrap_or_default().to_uppercase();
                forbidden(format!("{name} is not allowed"))
            }
        }
    }

    fn insert(&mut self, insert: &Insert) -> Result<(), SqlRefusal> {
        self.kind = StatementKind::Write;
        match &insert.table {
            TableObject::TableName(_) => Ok(()),
            TableObject::TableFunction(_) | TableObject::TableQuery(_) => forbidden("INSERT goes into a table only"),
        }
    }

    fn update(&mut self, update: &Update) -> Result<(), SqlRefusal> {
        self.kind = StatementKind::Write;
        bounded("UPDATE", update.selection.as_ref())
    }

    fn delete(&mut self, delete: &Delete) -> Result<(), SqlRefusal> {
        self.kind = StatementKind::Write;
        bounded("DELETE", delete.selection.as_ref())
    }

    fn query(&self, query: &Query) -> Result<(), SqlRefusal> {
        if !query.locks.is_empty() {
            return forbidden("FOR UPDATE and FOR SHARE are not allowed: they lock rows");
        }
        let is_foreign = query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some();
        if is_foreign || !query.pipe_operators.is_empty() {
            return Err(SqlRefusal::Malformed("The statement uses syntax that this database does not have".to_owned()));
        }
        self.set(&query.body)
    }

    fn set(&self, body: &SetExpr) -> Result<(), SqlRefusal> {
        match body {
            // Both sides of a UNION; its other parts are visited as queries and selects of their own.
            SetExpr::SetOperation { left, right, .. } => {
                self.set(left)?;
                self.set(right)
            }
            SetExpr::Table(_) => forbidden("TABLE is not allowed; write SELECT * FROM"),
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => Ok(()),
        }
    }

    fn relation(&self, relation: &ObjectName) -> Result<(), SqlRefusal> {
        let name = last_name(relation)?;
        if names::is_relation_refused(&name, self.dialect) {
            return forbidden(format!("{name} is not open to queries"));
        }
        Ok(())
    }

    fn function(&self, function: &ObjectName) -> Result<(), SqlRefusal> {
        let name = last_name(function)?;
        if names::is_function_refused(&name, self.dialect) {
            return forbidden(format!("The function {name} is not allowed"));
        }
        Ok(())
    }
}

/// The name without its schema, lower case. A quoted name that differs from an engine's in case only is
/// judged as if it were the engine's.
fn last_name(name: &ObjectName) -> Result<String, SqlRefusal> {
    let ident = name.0.last().and_then(|part| part.as_ident());
    let ident = ident.ok_or_else(|| SqlRefusal::Malformed(format!("{name} is no name")))?;
    let is_plain = ident.value.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | ' ' | '.'));
    if !is_plain {
        return Err(SqlRefusal::Malformed(format!("The name {name} holds characters that are not understood here")));
    }
    Ok(ident.value.to_lowercase())
}

/// A change must say which rows it means, and a constant says nothing.
fn bounded(command: &str, selection: Option<&Expr>) -> Result<(), SqlRefusal> {
    let Some(selection) = selection else {
        return forbidden(format!("{command} without WHERE is not allowed"));
    };
    let names_a_column = visit_expressions(selection, |expr| match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    if names_a_column.is_continue() {
        return forbidden(format!("{command} needs a WHERE that names a column"));
    }
    Ok(())
}
