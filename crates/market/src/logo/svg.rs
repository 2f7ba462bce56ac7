//! SVG: a drawing is read as a tree and written anew from what is known to draw and do nothing else.
//!
//! What is not on the lists of `lists.rs` is left out, with all that is in it: scripts, event handlers, foreign content,
//! links, animations, filters, pictures within the picture, and every reference to something outside. Names of
//! namespaces decide, never prefixes.

mod lists;
mod references;
mod style;
mod write;

use super::{LOGO_SVG_BYTES_MAX, refused};
use farebox_base::Result;
use references::References;
use roxmltree::{Document, ParsingOptions};
use write::Writer;

const SVG: &str = "http://www.w3.org/2000/svg";
const NODES_MOST: u32 = 20_000;
/// The parser compares each attribute of an element with the others.
const ATTRIBUTES_MOST: usize = 200;

/// The drawing with nothing in it but drawing.
pub(super) fn clean(bytes: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(bytes).map_err(|_| refused("must be an SVG file in UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.split('<').any(|part| part.matches('=').nth(ATTRIBUTES_MOST).is_some()) {
        return Err(refused(format!("must have at most {ATTRIBUTES_MOST} attributes at each element")));
    }
    let options = ParsingOptions { nodes_limit: NODES_MOST, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        refused(format!("must be a well-formed SVG file without entities; see line {}", error.pos().row))
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" || root.tag_name().namespace() != Some(SVG) {
        return Err(refused("must be an SVG file: its outermost element is no svg"));
    }
    let mut references = References::default();
    let mut writer = Writer::new(&mut references);
    writer.root(root)?;
    let drawing = writer.finish();
    references.check()?;
    // Text that is escaped anew may be longer than it was.
    if drawing.len() > LOGO_SVG_BYTES_MAX {
        return Err(refused(format!("must be at most {LOGO_SVG_BYTES_MAX} bytes once it is written plainly")));
    }
    Ok(drawing.into_bytes())
}
