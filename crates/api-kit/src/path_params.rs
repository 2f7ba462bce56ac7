//! The variable parts of a matched path, as they came, undecoded.

use farebox_base::{Error, Result};
use percent_encoding::percent_decode_str;

/// Name and raw text of each variable part, in the order of the template.
#[derive(Debug, Clone, Default)]
pub struct PathParams(pub(crate) Vec<(&'static str, Box<str>)>);

impl PathParams {
    /// The bytes of the request line, percent signs and all: what a forwarded path is built from.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| &**value)
    }

    /// The decoded text of one part.
    ///
    /// # Errors
    /// `Invalid` where the part is absent or is not UTF-8.
    pub fn decoded(&self, name: &str) -> Result<String> {
        let raw = self.raw(name).ok_or_else(|| Error::invalid(name, "is required"))?;
        decode(name, raw)
    }
}

/// Percent-decodes one value, strictly. No store keeps a NUL in a text, so none is let in.
pub(crate) fn decode(name: &str, raw: &str) -> Result<String> {
    let text = percent_decode_str(raw).decode_utf8();
    let text = text.map_err(|_| Error::invalid(name, "must be UTF-8 once percent-decoded"))?;
    if text.contains('\0') {
        return Err(Error::invalid(name, "must not contain NUL"));
    }
    Ok(text.into_owned())
}
