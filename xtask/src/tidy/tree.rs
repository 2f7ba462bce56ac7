//! The files that the rules look at, read once: text files of the workspace, Rust files with their code view.
//!
//! Left out are build output (folders with a `CACHEDIR.TAG`), hidden folders except `.ci` and `.cargo`, and what the
//! server writes.

use super::lexer::{self, Lexed};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

const TEXT_ENDINGS: &[&str] =
    &["rs", "md", "toml", "sql", "sh", "json", "yml", "yaml", "html", "css", "js", "ts", "py", "txt"];
const SKIPPED_FOLDERS: &[&str] = &["target", "node_modules", "farebox-data"];
const HIDDEN_FOLDERS: &[&str] = &[".ci", ".cargo"];

/// One text file.
pub struct File {
    /// From the root of the workspace, with `/`.
    pub path: String,
    pub text: String,
    /// With Rust files: the code without comments and literals.
    pub lexed: Option<Lexed>,
    /// The whole file is only compiled for tests.
    pub is_test: bool,
}

pub struct Tree {
    pub root: String,
    pub files: Vec<File>,
}

impl Tree {
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        walk(root, root, &mut files)?;
        Ok(Self::new(root.to_string_lossy().into_owned(), files))
    }

    /// A tree of files given by path and text, for the tests of rules.
    #[cfg(test)]
    pub fn planted(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
        Self::new("/planted/tree".into(), files)
    }

    fn new(root: String, mut sources: Vec<(String, String)>) -> Self {
        sources.sort();
        let files = sources.into_iter().map(|(path, text)| {
            let lexed = path.ends_with(".rs").then(|| lexer::lex(&text));
            let is_test = in_test_folder(&path) || lexed.as_ref().is_some_and(|lexed| lexed.test_only);
            File { path, text, lexed, is_test }
        });
        let mut tree = Self { root, files: files.collect() };
        tree.mark_test_modules();
        tree
    }

    pub fn rust(&self) -> impl Iterator<Item = (&File, &Lexed)> {
        self.files.iter().filter_map(|file| Some((file, file.lexed.as_ref()?)))
    }

    pub fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.ends_with(ending))
    }

    /// `#[cfg(test)] mod name;` makes the module's file, and all below it, test code.
    fn mark_test_modules(&mut self) {
        let mut prefixes = Vec::new();
        for (file, lexed) in self.rust() {
            let folder = child_folder(&file.path);
            prefixes.extend(lexed.test_modules.iter().map(|name| format!("{folder}/{name}")));
        }
        for file in &mut self.files {
            let inside = |prefix: &String| {
                file.path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            file.is_test |= prefixes.iter().any(inside);
        }
    }
}

impl File {
    /// The crate that a file belongs to: `crates/ledger/src/lib.rs` gives `ledger`.
    pub fn crate_name(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match parts.next()? {
            "crates" => parts.next(),
            "xtask" => Some("xtask"),
            _ => None,
        }
    }

    /// The lines of the text, counted from one.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Counts the lines up to a byte of a text, from one.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

fn in_test_folder(path: &str) -> bool {
    path.starts_with("crates/testkit/") || path.split('/').any(|part| part == "tests" || part == "benches")
}

/// Where the modules that a file declares lie.
fn child_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name.trim_end_matches(".rs") {
        "lib" | "main" | "mod" => folder.into(),
        stem => format!("{folder}/{stem}"),
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> io::Result<()> {
    if folder.join("CACHEDIR.TAG").exists() {
        return Ok(());
    }
    let mut entries = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        entries.insert(entry.file_name().to_string_lossy().into_owned(), entry);
    }
    for (name, entry) in entries {
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let hidden = name.starts_with('.') && !HIDDEN_FOLDERS.contains(&name.as_str());
            if !hidden && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                walk(root, &path, files)?;
            }
        } else if kind.is_file() && is_text(&path) {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push((relative, String::from_utf8_lossy(&std::fs::read(&path)?).into_owned()));
        }
    }
    Ok(())
}

fn is_text(path: &Path) -> bool {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some(ending) => TEXT_ENDINGS.contains(&ending),
        None => {
            path.ends_with("LICENSE") || path.parent().and_then(Path::file_name).is_some_and(|folder| folder == ".ci")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_declared_for_tests_is_test_code_with_all_below_it() {
        let tree = Tree::planted(&[
            ("crates/base/src/lib.rs", "#[cfg(test)]\nmod probes;\nmod money;\n"),
            ("crates/base/src/probes.rs", ""),
            ("crates/base/src/probes/deep.rs", ""),
            ("crates/base/src/money.rs", "#[cfg(test)] mod cases;\n"),
            ("crates/base/src/money/cases.rs", ""),
            ("crates/base/src/cases.rs", ""),
            ("crates/base/tests/it.rs", ""),
        ]);
        let tests: Vec<&str> = tree.files.iter().filter(|file| file.is_test).map(|file| file.path.as_str()).collect();
        assert_eq!(
            tests,
            [
                "crates/base/src/money/cases.rs",
                "crates/base/src/probes.rs",
                "crates/base/src/probes/deep.rs",
                "crates/base/tests/it.rs"
            ]
        );
    }
}
