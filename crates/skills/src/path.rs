//! Which paths files of a skill may have: such that a bundle unpacks on every system, inside its folder, without loss.

use farebox_base::{Error, Result};
use std::collections::BTreeMap;

const PATH_BYTES: usize = 240;
const MOST_PARTS: usize = 12;
/// Beside ASCII letters and digits; what some system gives a meaning of its own is not among them.
const SIGNS: &[u8] = b" !#$%&'()+,-./=@[]^_`{}~";
/// Names of devices, with any ending.
const DEVICES: [&str; 4] = ["con", "nul", "aux", "prn"];

/// Whether a path is safe and portable by itself.
///
/// # Errors
/// `Invalid` for `field`, with the rule that is broken.
pub(crate) fn check(field: &str, path: &str) -> Result<()> {
    match broken_rule(path) {
        Some(rule) => Err(Error::invalid(field, rule)),
        None => Ok(()),
    }
}

/// Whether a file system that ignores case has room for all paths beside each other.
///
/// # Errors
/// `Invalid` for `field` and the position of the path that is in the way.
pub(crate) fn check_together<'a>(field: &str, paths: impl Iterator<Item = &'a str>) -> Result<()> {
    let fault = |index: usize, rule| Err(Error::invalid(format!("{field}.{index}.relative_path"), rule));
    let mut places = BTreeMap::new();
    for (index, path) in paths.enumerate() {
        if places.insert(path.to_ascii_lowercase(), index).is_some() {
            return fault(index, "must differ from the paths before it in more than case");
        }
    }
    for (path, index) in &places {
        let mut folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if folders.any(|folder| places.contains_key(folder)) {
            return fault(*index, "must not lie in a folder that is the path of another file");
        }
    }
    Ok(())
}

fn broken_rule(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("must not be empty");
    }
    if path.len() > PATH_BYTES {
        return Some("must not be longer than 240 characters");
    }
    if path.starts_with('/') {
        return Some("must be relative, without a slash at its beginning");
    }
    if path.contains('\\') {
        return Some("must separate folders by a slash, not by a backslash");
    }
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || SIGNS.contains(&byte)) {
        return Some("must be ASCII letters, digits, spaces and signs without < > : \" | ? * ; and control characters");
    }
    if path.split('/').count() > MOST_PARTS {
        return Some("must not lie deeper than 11 folders");
    }
    path.split('/').find_map(broken_rule_of_part)
}

fn broken_rule_of_part(part: &str) -> Option<&'static str> {
    if part.is_empty() {
        return Some("must not have empty parts");
    }
    if part == "." || part == ".." {
        return Some("must not contain the parts . and ..");
    }
    if part.starts_with(' ') || part.ends_with([' ', '.']) {
        return Some("must not have parts that begin with a space or end with a space or a dot");
    }
    is_device(part).then_some("must not have parts that are names of devices, such as NUL or COM1")
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |name: &str| {
        stem.strip_prefix(name).is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_taken() {
        for good in ["SKILL.md", "scripts/run me.py", "a/b/c/d.tar.gz", ".hidden/x", "console.md", "x..y/...z", "~a"] {
            assert_eq!(broken_rule(good), None, "{good}");
        }
    }

    #[test]
    fn paths_that_leave_the_folder_or_fit_no_system_are_refused() {
        let long = [&"x".repeat(241), &format!("{}x", "ab/".repeat(12)), &format!("{}x", "abcdefgh/".repeat(30))];
        let bad = [
            "",
            "/",
            "/etc/passwd",
            "//x",
            "..",
            "../x",
            "a/../../x",
            "a/..",
            "./a",
            "a/.",
            "a//b",
            "a/",
            "a\\b",
            "..\\x",
            "C:/x",
            "C:x",
            "\\\\host\\x",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            "caf\u{e9}",
            "．．/x",
            "a*",
            "a?",
            "nul",
            "x/NUL.txt",
            "com1",
            "LPT9.md",
            "a ",
            " a",
            "a./b",
            "a:b",
            "%2e%2e/\u{7f}",
        ];
        for path in bad.into_iter().chain(long.into_iter().map(String::as_str)) {
            assert_eq!(check("p", path).unwrap_err().field.as_deref(), Some("p"), "{path:?}");
        }
    }

    #[test]
    fn paths_that_take_the_same_place_are_refused() {
        let field = |paths: &[&str]| check_together("files", paths.iter().copied()).err().and_then(|e| e.field);
        assert_eq!(field(&["a/b", "a/c", "ab"]), None);
        assert_eq!(field(&["a", "b", "a"]).as_deref(), Some("files.2.relative_path"));
        assert_eq!(field(&["SKILL.md", "Skill.MD"]).as_deref(), Some("files.1.relative_path"));
        assert_eq!(field(&["x/y/z", "X/y"]).as_deref(), Some("files.0.relative_path"));
    }
}
