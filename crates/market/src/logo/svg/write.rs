//! Writing a drawing from the parts that pass.

use super::references::References;
use super::{SVG, lists, style};
use crate::logo::refused;
use farebox_base::Result;
use roxmltree::{Attribute, Node};

const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const DEPTH_MOST: usize = 64;
/// The largest width or height, in whatever unit.
const SIDE_MOST: u32 = 10_000;

pub(super) struct Writer<'r> {
    text: String,
    references: &'r mut References,
    /// The ids of the elements that are open.
    around: Vec<String>,
}

impl<'r> Writer<'r> {
    pub(super) fn new(references: &'r mut References) -> Self {
        Self { text: String::new(), references, around: vec![] }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn root(&mut self, root: Node<'_, '_>) -> Result<()> {
        for name in ["width", "height"] {
            if plain(root, name).is_some_and(is_huge) {
                return Err(refused(format!("must not have a {name} over {SIDE_MOST}")));
            }
        }
        self.element(root, &format!(" xmlns=\"{SVG}\""), 0)
    }

    fn element(&mut self, node: Node<'_, '_>, more: &str, depth: usize) -> Result<()> {
        let name = node.tag_name().name();
        if node.tag_name().namespace() != Some(SVG) || !lists::is_element(name) {
            return Ok(());
        }
        if depth > DEPTH_MOST {
            return Err(refused(format!("must not be nested deeper than {DEPTH_MOST} elements")));
        }
        if name == "style" {
            self.style(node);
            return Ok(());
        }
        let id = plain(node, "id").map(str::to_owned);
        let open = self.around.len();
        self.around.extend(id);
        self.text.push('<');
        self.text.push_str(name);
        self.text.push_str(more);
        for attribute in node.attributes() {
            self.attribute(node, attribute);
        }
        self.text.push('>');
        for child in node.children() {
            if child.is_element() {
                self.element(child, "", depth + 1)?;
            } else if child.is_text() {
                escape(child.text().unwrap_or_default(), &mut self.text);
            }
        }
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        self.around.truncate(open);
        Ok(())
    }

    fn style(&mut self, node: Node<'_, '_>) {
        let rules: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
        if style::stays_inside(&rules) {
            style::ids(&rules).into_iter().for_each(|id| self.references.add(&[], id));
            self.text.push_str("<style>");
            escape(&rules, &mut self.text);
            self.text.push_str("</style>");
        }
    }

    fn attribute(&mut self, node: Node<'_, '_>, attribute: Attribute<'_, '_>) {
        let (name, value) = (attribute.name(), attribute.value());
        let written = match (attribute.namespace(), name) {
            // Of two spellings of one reference the newer one counts.
            (Some(XLINK), "href") if plain(node, "href").is_some() => return,
            (None | Some(XLINK), "href") => match value.strip_prefix('#') {
                Some(id) => {
                    self.references.add(&self.around, id);
                    "href"
                }
                None => return,
            },
            (None, name) if lists::is_attribute(name) && style::stays_inside(value) => {
                style::ids(value).into_iter().for_each(|id| self.references.add(&self.around, id));
                name
            }
            (Some(XML), "space") => "xml:space",
            _ => return,
        };
        self.text.push(' ');
        self.text.push_str(written);
        self.text.push_str("=\"");
        escape(value, &mut self.text);
        self.text.push('"');
    }
}

/// The attribute of this name in no namespace; others of the name are not what browsers read.
fn plain<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let mut attributes = node.attributes();
    attributes.find(|attribute| attribute.namespace().is_none() && attribute.name() == name).map(|found| found.value())
}

/// Whether the number at the start of a length is too large. One with an exponent is.
fn is_huge(length: &str) -> bool {
    let length = length.trim().trim_start_matches(['+', '-']);
    let (whole, rest) = length.split_at(length.find(|c: char| !c.is_ascii_digit()).unwrap_or(length.len()));
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let has_exponent = behind
        .strip_prefix(['e', 'E'])
        .is_some_and(|exponent| exponent.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit()));
    has_exponent || (!whole.is_empty() && !whole.parse::<u32>().is_ok_and(|number| number <= SIDE_MOST))
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_huge;

    #[test]
    fn a_length_is_huge_by_its_digits_or_its_exponent() {
        for usual in ["10", "100%", "1.5em", "10000", "+12px", ".5", "", "auto", " 3ex "] {
            assert!(!is_huge(usual), "{usual}");
        }
        for huge in ["10001", "99999999999999999999", "1e9", "2E+5px", "20000.5", ".5e7"] {
            assert!(is_huge(huge), "{huge}");
        }
    }
}
