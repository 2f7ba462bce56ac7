//! Names that say nothing: crates, modules and folders called after no subject.

use super::tree::{Tree, line_of};
use super::{Found, Rule};

const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc"];

pub const NAMES: Rule =
    Rule { name: "names", summary: "no crate, folder or module is called utils, common or helpers", check };

fn check(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust() {
        let parts = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
        if let Some(part) = parts.into_iter().find(|part| EMPTY_NAMES.contains(part)) {
            found.add(&file.path, 1, format!("`{part}` says nothing about its contents; name the subject"));
        }
        for name in EMPTY_NAMES {
            for (at, _) in lexed.code.match_indices(&format!("mod {name} {{")) {
                let message = format!("module `{name}` says nothing about its contents; name the subject");
                found.add(&file.path, line_of(&lexed.code, at), message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn a_module_named_after_no_subject_is_found_as_file_folder_or_inline() {
        let files = [
            ("crates/db/src/commonly.rs", ""),
            ("crates/db/src/inline.rs", "//! Doc.\nmod helpers {\n}"),
            ("crates/db/src/utils.rs", ""),
            ("crates/helpers/src/lib.rs", ""),
        ];
        let expected = ["crates/db/src/inline.rs:2", "crates/db/src/utils.rs:1", "crates/helpers/src/lib.rs:1"];
        assert_eq!(found(&NAMES, &files), expected);
    }
}
