//! `cargo xtask tidy`: the house rules of CONTRIBUTING.md as checks. Each breach names its line and what to do instead.
//!
//! Every rule is a function over the whole tree, tested with a planted breach. The rules also run as a test of this
//! crate, so that `cargo test --workspace` fails where the tree breaks one.

mod functions;
mod layers;
mod lexer;
mod migrations;
mod names;
mod rust;
mod sql;
mod text;
mod tree;

use crate::process::{Failure, root, say};
use tree::Tree;

pub const HELP: &str = "\
Checks the house rules over every source, document and manifest of the workspace.

usage: cargo xtask tidy [--rules]

options:
  --rules   list the rules and change nothing

Each breach is printed as FILE:LINE: [rule] what is wrong; what to do instead.";

/// One place where the tree breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    path: String,
    line: usize,
    rule: &'static str,
    /// What is wrong, and after the semicolon what to do instead.
    message: String,
}

/// A rule adds what it finds to the list.
struct Rule {
    name: &'static str,
    summary: &'static str,
    check: fn(&Tree, &mut Found),
}

/// Collects the breaches of one rule.
struct Found {
    rule: &'static str,
    breaches: Vec<Breach>,
}

impl Found {
    fn add(&mut self, path: &str, line: usize, message: impl Into<String>) {
        self.breaches.push(Breach { path: path.into(), line, rule: self.rule, message: message.into() });
    }
}

const RULES: &[Rule] = &[
    rust::FILE_LENGTH,
    functions::FUNCTION_LENGTH,
    rust::MODULE_DOC,
    rust::UNWRAP,
    rust::ALLOW,
    rust::IGNORED_TEST,
    rust::FLOATS,
    names::NAMES,
    layers::LAYERS,
    layers::DRIVERS,
    layers::MANIFESTS,
    layers::CODE_MAP,
    sql::MARKERS,
    sql::DIALECT,
    migrations::MIGRATIONS,
    text::PATHS,
    text::UNFINISHED,
    text::WORDS,
    text::LINKS,
];

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => {}
        [flag] if flag == "--rules" => {
            RULES.iter().for_each(|rule| say(format_args!("{:16} {}", rule.name, rule.summary)));
            return Ok(());
        }
        _ => return Err(Failure::Usage(format!("tidy does not take `{}`", arguments.join(" ")))),
    }
    let tree = Tree::read(&root()?).map_err(|error| Failure::Check(format!("the tree cannot be read: {error}")))?;
    let breaches = breaches(&tree);
    for Breach { path, line, rule, message } in &breaches {
        say(format_args!("{path}:{line}: [{rule}] {message}"));
    }
    if breaches.is_empty() {
        say(format_args!("tidy: {} files keep the {} rules", tree.files.len(), RULES.len()));
        return Ok(());
    }
    Err(Failure::Check(format!("{} breaches of the house rules", breaches.len())))
}

fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut all: Vec<Breach> = RULES.iter().flat_map(|rule| check(rule, tree)).collect();
    all.sort();
    all
}

fn check(rule: &Rule, tree: &Tree) -> Vec<Breach> {
    let mut found = Found { rule: rule.name, breaches: Vec::new() };
    (rule.check)(tree, &mut found);
    found.breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Where a rule finds breaches in files given by path and text: `path:line`.
    pub fn found(rule: &Rule, files: &[(&str, &str)]) -> Vec<String> {
        let breaches = check(rule, &Tree::planted(files));
        breaches.iter().map(|breach| format!("{}:{}", breach.path, breach.line)).collect()
    }

    #[test]
    fn the_tree_keeps_the_house_rules() {
        let tree = Tree::read(&root().unwrap()).unwrap();
        assert!(tree.files.len() > 50, "the walk of the tree found only {} files", tree.files.len());
        let report: Vec<String> = breaches(&tree)
            .iter()
            .map(|breach| format!("{}:{}: [{}] {}", breach.path, breach.line, breach.rule, breach.message))
            .collect();
        assert!(report.is_empty(), "{} breaches of the house rules:\n{}", report.len(), report.join("\n"));
    }

    #[test]
    fn every_rule_has_its_own_name_and_a_summary() {
        let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
        assert!(RULES.iter().all(|rule| rule.summary.len() > 10));
    }
}
