//! `cargo xtask openapi`: the checked-in OpenAPI documents, one per door, made by the binary from the operation table.

use crate::process::{Failure, capture, cargo, root, say};
use std::path::Path;

pub const HELP: &str = "\
Writes the OpenAPI 3.1 document of each door to openapi/DOOR.json.

usage: cargo xtask openapi [--check]

options:
  --check   change nothing; fail where a document is not what the code now says, naming the first line that differs

A changed document is a changed API: it belongs in the commit that changed the code, and in CHANGELOG.md.";

const DOORS: &[&str] = &["platform", "marketplace", "sql-gateway"];

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err(Failure::Usage(format!("openapi does not take `{}`", arguments.join(" ")))),
    };
    let folder = root()?.join("openapi");
    let mut stale = Vec::new();
    for door in DOORS {
        let document = capture(&cargo(), &["run", "--quiet", "--package", "farebox", "--", "openapi", "--door", door])?;
        let document = format!("{}\n", document.trim_end());
        let path = folder.join(format!("{door}.json"));
        if check {
            stale.extend(compare(&path, &document));
        } else {
            write(&path, &document)?;
            say(format_args!("openapi/{door}.json: {} lines", document.lines().count()));
        }
    }
    if stale.is_empty() {
        say(format_args!("openapi: {} documents are current", DOORS.len()));
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
fn compare(path: &Path, current: &str) -> Option<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Ok(saved) = std::fs::read_to_string(path) else {
        return Some(format!("openapi/{name} is missing"));
    };
    if saved == current {
        return None;
    }
    let same = saved.lines().zip(current.lines()).take_while(|(old, new)| old == new).count();
    let old = saved.lines().nth(same).unwrap_or("(end of file)");
    let new = current.lines().nth(same).unwrap_or("(end of file)");
    Some(format!("openapi/{name}:{} is out of date\n  saved:   {}\n  current: {}", same + 1, old.trim(), new.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_current_only_when_every_byte_is() {
        let folder = std::env::temp_dir().join(format!("farebox-openapi-{}", std::process::id()));
        let path = folder.join("platform.json");
        assert!(compare(&path, "{}\n").is_some_and(|text| text.contains("missing")));
        write(&path, "{\n  \"a\": 1\n}\n").unwrap();
        assert_eq!(compare(&path, "{\n  \"a\": 1\n}\n"), None);
        let difference = compare(&path, "{\n  \"a\": 2\n}\n").unwrap();
        assert!(difference.contains("platform.json:2"), "{difference}");
        assert!(compare(&path, "{\n  \"a\": 1\n").is_some());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
