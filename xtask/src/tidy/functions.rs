//! The length of functions, by matching braces in the code view.

use super::lexer::{self, Lexed};
use super::tree::{Tree, line_of};
use super::{Found, Rule};

const LINES_MAX: usize = 70;

pub const FUNCTION_LENGTH: Rule =
    Rule { name: "function-length", summary: "a function has at most 70 lines, from `fn` to its closing brace", check };

fn check(tree: &Tree, found: &mut Found) {
    for (file, lexed) in tree.rust() {
        for (at, name, lines) in functions(lexed) {
            if lines > LINES_MAX {
                let message = format!(
                    "function `{name}` has {lines} lines, {LINES_MAX} are allowed; give a part with a purpose of its own a name"
                );
                found.add(&file.path, line_of(&lexed.code, at), message);
            }
        }
    }
}

/// Each function with a body: where its `fn` stands, its name, its lines.
fn functions(lexed: &Lexed) -> Vec<(usize, &str, usize)> {
    let code = &lexed.code;
    let mut functions = Vec::new();
    for at in lexed.words("fn") {
        let rest = &code[at + 2..];
        let name_start = at + 2 + (rest.len() - rest.trim_start().len());
        let name = code[name_start..].split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
        let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
        let Some(open) = lexer::item_body(code, name_start) else { continue };
        if code.as_bytes()[open] != b'{' {
            continue;
        }
        let end = lexer::closing(code, open).unwrap_or(code.len());
        functions.push((at, name, line_of(code, end) - line_of(code, at) + 1));
    }
    functions
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn a_function_over_seventy_lines_is_found_and_one_of_seventy_is_not() {
        let body =
            |lines: usize| format!("//! Doc.\nfn long(x: [u8; 2]) -> u8 {{\n{}}}\n", "    f(\"}\");\n".repeat(lines));
        assert_eq!(found(&FUNCTION_LENGTH, &[("crates/base/src/a.rs", &body(69))]), ["crates/base/src/a.rs:2"]);
        assert!(found(&FUNCTION_LENGTH, &[("crates/base/src/a.rs", &body(68))]).is_empty());
    }

    #[test]
    fn pointers_and_declarations_are_no_functions_with_a_body() {
        let lexed = lexer::lex(
            "type F = fn(u8) -> u8;\ntrait T { fn a(&self); fn b(&self) { } }\nfn c<const N: usize>() {\n}\n",
        );
        let names: Vec<(&str, usize)> = functions(&lexed).into_iter().map(|(_, name, lines)| (name, lines)).collect();
        assert_eq!(names, [("b", 1), ("c", 2)]);
    }
}
