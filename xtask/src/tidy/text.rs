//! Rules about words in any text: paths of somebody's machine, marks of unfinished work, banned words, dead links.
//!
//! The sources of the rules themselves are left out, since they spell what they look for.

use super::lexer::is_word;
use super::tree::{File, Tree, line_of};
use super::{Found, Rule};
use std::collections::BTreeSet;

/// Folders that exist on one person's machine. What follows them must be a name for the text to count as a path.
const HOME_FOLDERS: &[&str] = &["/home/", "/Users/", "/root/", "C:\\Users\\"];

const UNFINISHED_MARKS: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// Words and phrases that stand for work not done, or for which the project has a better word.
const BANNED: &[(&str, &str)] = &[
    ("placeholder purpose", "say what the module owns"),
    ("not implemented", "implement it, or leave it out"),
    ("not yet implemented", "implement it, or leave it out"),
    ("in a real implementation", "write the real one"),
    ("for now", "say what holds, or open an issue"),
    ("lorem ipsum", "write the text"),
    ("foobar", "name the subject"),
    ("whitelist", "write `allow list`"),
    ("blacklist", "write `deny list`"),
];

pub const PATHS: Rule =
    Rule { name: "machine-path", summary: "no path of a developer's machine", check: machine_paths };

pub const UNFINISHED: Rule = Rule { name: "unfinished", summary: "no mark of unfinished work", check: unfinished };

pub const WORDS: Rule = Rule { name: "words", summary: "no banned word in comments and documents", check: words };

pub const LINKS: Rule = Rule { name: "links", summary: "links between documents lead to a file", check: links };

fn texts(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| !file.path.starts_with("xtask/src/tidy/"))
}

fn machine_paths(tree: &Tree, found: &mut Found) {
    for file in texts(tree) {
        for (number, line) in file.lines() {
            let in_home = HOME_FOLDERS.iter().any(|folder| {
                line.match_indices(folder)
                    .any(|(at, _)| line.as_bytes().get(at + folder.len()).is_some_and(|byte| is_word(*byte)))
            });
            if in_home || line.contains(&tree.root) {
                found.add(
                    &file.path,
                    number,
                    "a path of one machine; write it from the root of the workspace or from `$HOME`",
                );
            }
        }
    }
}

fn unfinished(tree: &Tree, found: &mut Found) {
    for file in texts(tree) {
        for (number, line) in file.lines() {
            if let Some(mark) = UNFINISHED_MARKS.iter().find(|mark| has_word(line, mark)) {
                found.add(&file.path, number, format!("`{mark}` marks unfinished work; finish it, or open an issue"));
            }
        }
    }
    for (file, lexed) in tree.rust() {
        for macro_call in ["todo!(", "unimplemented!("] {
            for (at, _) in lexed.code.match_indices(macro_call) {
                let message = format!("`{macro_call}…)` panics when it is reached; finish it, or return an error");
                found.add(&file.path, line_of(&lexed.code, at), message);
            }
        }
    }
}

fn words(tree: &Tree, found: &mut Found) {
    for file in texts(tree) {
        let is_document = file.path.ends_with(".md");
        for (number, line) in file.lines().filter(|(_, line)| is_document || is_comment(line)) {
            let lower = line.to_lowercase();
            if let Some((word, remedy)) = BANNED.iter().find(|(word, _)| has_word(&lower, word)) {
                found.add(&file.path, number, format!("banned word `{word}`; {remedy}"));
            }
        }
    }
}

fn links(tree: &Tree, found: &mut Found) {
    let paths: BTreeSet<&str> = tree.files.iter().map(|file| file.path.as_str()).collect();
    for file in tree.with_ending(".md") {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in file.lines() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = target.split('#').next().unwrap_or_default();
                if target.is_empty() || target.contains(':') {
                    continue;
                }
                let path = resolve(folder, target);
                let is_folder = paths.range(path.as_str()..).any(|other| other.starts_with(&format!("{path}/")));
                if !paths.contains(path.as_str()) && !is_folder {
                    found.add(
                        &file.path,
                        number,
                        format!("the link to `{target}` leads nowhere; correct or remove it"),
                    );
                }
            }
        }
    }
}

fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn is_comment(line: &str) -> bool {
    let text = line.trim_start();
    ["//", "--", "#"].iter().any(|mark| text.starts_with(mark))
}

fn has_word(line: &str, word: &str) -> bool {
    let bytes = line.as_bytes();
    line.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).is_some_and(|at| is_word(bytes[at]));
        !before && !bytes.get(at + word.len()).is_some_and(|byte| is_word(*byte))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found_in_any_text() {
        let text = "fine: /home/, $HOME/x\n/home/ada/farebox\nsee /planted/tree/crates\n/Users/ada\n";
        assert_eq!(found(&PATHS, &[("docs/a.md", text)]), ["docs/a.md:2", "docs/a.md:3", "docs/a.md:4"]);
    }

    #[test]
    fn a_mark_of_unfinished_work_is_found_as_a_word_and_as_a_macro() {
        let source = "//! Doc.\n// TODO: later\nfn a() { todo!() }\nlet mktemp = \"a.XXXXXX\"; let b = \"todo!()\";\n";
        let expected = ["crates/db/src/a.rs:2", "crates/db/src/a.rs:3"];
        assert_eq!(found(&UNFINISHED, &[("crates/db/src/a.rs", source)]), expected);
    }

    #[test]
    fn a_banned_word_is_found_in_comments_and_documents_only() {
        let source = "//! Placeholder purpose.\nlet html = \"lorem ipsum\";\n";
        assert_eq!(found(&WORDS, &[("crates/db/src/a.rs", source)]), ["crates/db/src/a.rs:1"]);
        assert_eq!(found(&WORDS, &[("README.md", "a\nthe Whitelist of hosts\n")]), ["README.md:2"]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let text = "[a](../README.md) [b](adr/) [c](https://example.com/x) [d](#here)\n[e](gone.md#x)\n";
        let files = [("README.md", ""), ("docs/a.md", text), ("docs/adr/0000.md", "")];
        assert_eq!(found(&LINKS, &files), ["docs/a.md:2"]);
    }
}
