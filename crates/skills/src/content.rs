//! What a file holds: decoded, hashed, told apart.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use farebox_base::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const CONTENT_TYPE_BYTES: usize = 127;

/// Decodes the standard alphabet, padded or not.
///
/// # Errors
/// `Invalid` for `field` where it is something else or decodes to more than `most_bytes`.
pub(crate) fn decode(field: &str, text: &str, most_bytes: usize) -> Result<Vec<u8>> {
    let too_large = || Err(Error::invalid(field, format!("must not decode to more than {most_bytes} bytes")));
    if text.len() / 4 * 3 > most_bytes + 3 {
        return too_large();
    }
    match BASE64.decode(text) {
        Ok(content) if content.len() > most_bytes => too_large(),
        Ok(content) => Ok(content),
        Err(_) => Err(Error::invalid(field, "must be base64 in the standard alphabet")),
    }
}

/// 64 lower-case hex digits.
pub(crate) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// UTF-8 without control characters other than tab and ends of lines.
pub(crate) fn is_text(content: &[u8]) -> bool {
    std::str::from_utf8(content)
        .is_ok_and(|text| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}')))
}

/// The media type that was given, or else one that fits the path's ending and the content.
///
/// # Errors
/// `Invalid` for `field`.
pub(crate) fn content_type(field: &str, given: Option<&str>, path: &str, is_text: bool) -> Result<String> {
    match given.map(str::trim).filter(|given| !given.is_empty()) {
        Some(given) if is_media_type(given) => Ok(given.to_owned()),
        Some(_) => Err(Error::invalid(field, "must be a media type such as text/markdown")),
        None => Ok(by_ending(path, is_text).to_owned()),
    }
}

fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let kind = text.split(';').next().unwrap_or_default().trim_end();
    text.len() <= CONTENT_TYPE_BYTES
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && kind.split_once('/').is_some_and(|(main, sub)| is_token(main) && is_token(sub))
}

fn by_ending(path: &str, is_text: bool) -> &'static str {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref().unwrap_or_default() {
        "md" | "markdown" if is_text => "text/markdown",
        "json" if is_text => "application/json",
        "yaml" | "yml" if is_text => "application/yaml",
        "toml" if is_text => "application/toml",
        "csv" if is_text => "text/csv",
        "html" | "htm" if is_text => "text/html",
        "css" if is_text => "text/css",
        "js" | "mjs" if is_text => "text/javascript",
        "py" if is_text => "text/x-python",
        "sh" if is_text => "text/x-shellscript",
        "svg" if is_text => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        _ if is_text => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_base64_of_the_right_size_is_decoded() {
        assert_eq!(decode("f", "YWI=", 2).unwrap(), b"ab");
        assert_eq!(decode("f", "YWI", 2).unwrap(), b"ab");
        assert_eq!(decode("f", "", 0).unwrap(), b"");
        for bad in ["YWI", "YWJjZGVmZ2hpamts"] {
            assert!(decode("f", bad, 1).unwrap_err().message.contains("more than 1 bytes"), "{bad}");
        }
        for bad in ["YW=I", "Y", "YWI_", "YW I=", "YWJ=", "====", "\u{e9}", "YWI=\n", "data:,x"] {
            assert_eq!(decode("f", bad, 100).unwrap_err().field.as_deref(), Some("f"), "{bad:?}");
        }
    }

    #[test]
    fn text_and_its_type_are_told_by_content_and_ending() {
        assert!(is_text("grüße\r\n\tx".as_bytes()) && is_text(b"") && !is_text(b"a\0b") && !is_text(b"\xff\xfe"));
        let of = |given, path, is_text| content_type("t", given, path, is_text);
        assert_eq!(of(None, "a/B.MD", true).unwrap(), "text/markdown");
        assert_eq!(of(None, "a.md", false).unwrap(), "application/octet-stream");
        assert_eq!(of(Some(" text/x; charset=utf-8 "), "a", true).unwrap(), "text/x; charset=utf-8");
        for bad in
            ["text", "text/", "/x", "te xt/x", "text/x\r\nA: b", "text/\u{e9}", &format!("text/{}", "x".repeat(130))]
        {
            assert!(of(Some(bad), "a", true).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_hash_is_sha256_in_hex() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
