//! Whether styles, and values of attributes that browsers read as styles, keep to the drawing itself.

/// Begins of functions that load something, and words that older browsers ran.
const REFUSED: &[&str] = &[
    "image(",
    "image-set(",
    "cross-fade(",
    "element(",
    "src(",
    "expression",
    "behavior",
    "-moz-binding",
    "javascript:",
];

/// True where the text names nothing outside. Escapes and comments, by which a word could be hidden, and rules that
/// begin with `@`, are refused whatever they say.
pub(super) fn stays_inside(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let hides = text.contains(['\\', '@', '<']) || text.contains("/*");
    if hides || REFUSED.iter().any(|word| text.contains(word)) {
        return false;
    }
    text.split("url(").skip(1).all(|rest| rest.trim_start().trim_start_matches(['"', '\'']).starts_with('#'))
}

/// The ids that `url(#…)` names.
pub(super) fn ids(text: &str) -> Vec<&str> {
    let lower = text.to_ascii_lowercase();
    let after = lower.match_indices("url(").filter_map(|(at, word)| text.get(at + word.len()..));
    let quoted = after.map(|rest| rest.trim_start().trim_start_matches(['"', '\'']));
    let named = quoted.filter_map(|rest| rest.strip_prefix('#'));
    named.map(|rest| rest.split([')', '"', '\'', ' ', ';']).next().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_to_the_drawing_itself_pass() {
        for good in ["red", "#fff", "url(#a)", "URL( '#a' ) none", "fill:url(\"#a\");stroke:#000", ".a{fill:#123}", ""]
        {
            assert!(stays_inside(good), "{good}");
        }
        for bad in [
            "url(http://a.example/x.svg#a)",
            "url(//a.example)",
            "fill:url( 'data:image/svg+xml,x' )",
            "@import 'http://a.example'",
            "@font-face{}",
            r"u\72l(http://a.example)",
            "u/**/rl(x)",
            "width:expression(alert(1))",
            "image-set('x.png' 1x)",
            "a</style><script>",
            "background:Url(x)",
        ] {
            assert!(!stays_inside(bad), "{bad}");
        }
    }

    #[test]
    fn named_ids_are_found() {
        assert_eq!(ids("fill:url(#a);stroke:#fff;mask:URL( '#b')"), ["a", "b"]);
        assert!(ids("#fff").is_empty());
    }
}
