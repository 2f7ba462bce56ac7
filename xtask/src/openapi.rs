//! `cargo xtask openapi`: what is checked in and made by the binary from the operation table: one OpenAPI document per door,
//! and who may do what.

use crate::process::{Failure, capture, cargo, root, say};
use std::path::Path;

pub const HELP: &str = "\
Writes the OpenAPI 3.1 document of each door to openapi/DOOR.json, and who may do what to docs/permissions.txt.

usage: cargo xtask openapi [--check]

options:
  --check   change nothing; fail where a document is not what the code now says, naming the first line that differs

A changed document is a changed API: it belongs in the commit that changed the code, and in CHANGELOG.md.";

/// A file of the repository, and the arguments with which the binary prints it.
const DOCUMENTS: &[(&str, &[&str])] = &[
    ("openapi/platform.json", &["openapi", "--door", "platform"]),
    ("openapi/marketplace.json", &["openapi", "--door", "marketplace"]),
    ("openapi/sql-gateway.json", &["openapi", "--door", "sql-gateway"]),
    ("docs/permissions.txt", &["permissions"]),
];

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err(Failure::Usage(format!("openapi does not take `{}`", arguments.join(" ")))),
    };
    let root = root()?;
    let mut stale = Vec::new();
    for (name, printed_by) in DOCUMENTS {
        let arguments = [&["run", "--quiet", "--package", "farebox", "--"], *printed_by].concat();
        let document = format!("{}\n", capture(&cargo(), &arguments)?.trim_end());
        let path = root.join(name);
        if check {
            stale.extend(compare(&path, name, &document));
        } else {
            write(&path, &document)?;
            say(format_args!("{name}: {} lines", document.lines().count()));
        }
    }
    if stale.is_empty() {
        say(format_args!("openapi: {} documents are current", DOCUMENTS.len()));
        return Ok(());
    }
    Err(Failure::Check(format!("{}\nrun `cargo xtask openapi` and commit what it wrote", stale.join("\n"))))
}

fn write(path: &Path, document: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, document))
        .map_err(|error| Failure::Check(format!("{} cannot be written: {error}", path.display())))
}

/// What is wrong with the document at `path`; `None` where it is current.
fn compare(path: &Path, name: &str, current: &str) -> Option<String> {
    let Ok(saved) = std::fs::read_to_string(path) else {
        return Some(format!("{name} is missing"));
    };
    if saved == current {
        return None;
    }
    let same = saved.lines().zip(current.lines()).take_while(|(old, new)| old == new).count();
    let old = saved.lines().nth(same).unwrap_or("(end of file)");
    let new = current.lines().nth(same).unwrap_or("(end of file)");
    Some(format!("{name}:{} is out of date\n  saved:   {}\n  current: {}", same + 1, old.trim(), new.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_current_only_when_every_byte_is() {
        let folder = std::env::temp_dir().join(format!("farebox-openapi-{}", std::process::id()));
        let path = folder.join("platform.json");
        let compare = |current: &str| super::compare(&path, "openapi/platform.json", current);
        assert!(compare("{}\n").is_some_and(|text| text.contains("missing")));
        write(&path, "{\n  \"a\": 1\n}\n").unwrap();
        assert_eq!(compare("{\n  \"a\": 1\n}\n"), None);
        let difference = compare("{\n  \"a\": 2\n}\n").unwrap();
        assert!(difference.contains("platform.json:2"), "{difference}");
        assert!(compare("{\n  \"a\": 1\n").is_some());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
