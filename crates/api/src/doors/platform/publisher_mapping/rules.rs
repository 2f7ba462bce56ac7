//! Rules for single fields of a publisher. Pure functions; each names the field and the broken rule.

use farebox_base::{Error, Micros, Result};
use http::HeaderName;
use serde_json::Value;

const MOST_HEADERS: usize = 32;
const LONGEST_HEADER_BYTES: usize = 8 * 1024;
const LONGEST_URL_BYTES: usize = 2_048;
const LONGEST_AMOUNT_BYTES: usize = 40;

/// The error for a field of the contract that would change how calls are made or paid, and does not yet.
pub(super) fn not_served(field: &str) -> Error {
    Error::invalid(field, "must be left out: this gateway does not serve it yet")
}

/// Text of several lines.
pub(super) fn text(field: &str, text: &str, most_chars: usize) -> Result<()> {
    if text.chars().count() > most_chars {
        return Err(Error::invalid(field, format!("must not be longer than {most_chars} characters")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    Ok(())
}

/// A list of texts, none of them empty.
pub(super) fn texts(field: &str, texts: &[String], most: usize, most_chars: usize) -> Result<()> {
    at_most(field, texts.len(), most)?;
    for (index, item) in texts.iter().enumerate() {
        let field = format!("{field}.{index}");
        if item.trim().is_empty() {
            return Err(Error::invalid(field, "must not be empty"));
        }
        text(&field, item, most_chars)?;
    }
    Ok(())
}

pub(super) fn at_most(field: &str, count: usize, most: usize) -> Result<()> {
    if count > most {
        return Err(Error::invalid(field, format!("must not have more than {most} entries")));
    }
    Ok(())
}

/// An address that a mail program takes; it is shown, not written to.
pub(super) fn email(field: &str, text: &str) -> Result<()> {
    let is_plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && c != '@');
    let valid = text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| is_plain(local) && domain.contains('.') && domain.split('.').all(is_plain));
    if valid { Ok(()) } else { Err(Error::invalid(field, "must be an email address such as agent@example.com")) }
}

/// The address of something that browsers load.
pub(super) fn web_url(field: &str, text: &str) -> Result<()> {
    let parsed = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if parsed.is_none() || text.len() > LONGEST_URL_BYTES {
        return Err(Error::invalid(field, "must be a URL that begins with https:// or http://"));
    }
    Ok(())
}

pub(super) fn media_type(field: &str, text: &str) -> Result<()> {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_token = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    let valid = text.len() <= 200
        && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && essence.split_once('/').is_some_and(|(left, right)| is_token(left) && is_token(right));
    if valid { Ok(()) } else { Err(Error::invalid(field, "must be a media type such as application/json")) }
}

pub(super) fn wallet_address(field: &str, text: &str) -> Result<()> {
    let hex = text.strip_prefix("0x").unwrap_or_default();
    if hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && hex.bytes().any(|b| b != b'0') {
        return Ok(());
    }
    Err(Error::invalid(field, "must be 0x followed by 40 hex digits, and not zero"))
}

pub(super) fn network_id(field: &str, text: &str) -> Result<()> {
    if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Error::invalid(field, "must be 1 to 64 visible ASCII characters such as eip155:8453"))
}

pub(super) fn amount(field: &str, text: &str) -> Result<Micros> {
    if text.len() > LONGEST_AMOUNT_BYTES {
        return Err(Error::invalid(field, format!("must not be longer than {LONGEST_AMOUNT_BYTES} characters")));
    }
    Micros::parse(text).map_err(|error| Error::money(field, error))
}

/// Names and values of a JSON object of headers.
pub(super) fn headers(field: &str, value: &Value) -> Result<Vec<(String, String)>> {
    let rule = "must be an object of header names with strings as values";
    let object = value.as_object().ok_or_else(|| Error::invalid(field, rule))?;
    at_most(field, object.len(), MOST_HEADERS)?;
    let mut headers = Vec::with_capacity(object.len());
    for (name, value) in object {
        let value = value.as_str().ok_or_else(|| Error::invalid(field, rule))?;
        let visible = |b: u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\t');
        if value.is_empty() || value.len() > LONGEST_HEADER_BYTES || !value.bytes().all(visible) {
            return Err(Error::invalid(field, "must have 1 to 8192 visible ASCII characters as each value"));
        }
        headers.push((name.clone(), value.to_owned()));
    }
    Ok(headers)
}

/// Headers that the gateway adds and shows to everybody.
pub(super) fn public_headers(field: &str, value: &Value) -> Result<()> {
    for (name, _) in headers(field, value)? {
        let name = header_name(field, &name)?;
        if is_credential(&name) {
            let rule = format!("must not name {name}, which tells a secret: use api_headers, which are never shown");
            return Err(Error::invalid(field, rule));
        }
    }
    Ok(())
}

/// Headers of the buyer that the seller wants to see.
pub(super) fn passed_headers(field: &str, names: &[String]) -> Result<()> {
    at_most(field, names.len(), MOST_HEADERS)?;
    for (index, name) in names.iter().enumerate() {
        let field = format!("{field}.{index}");
        let name = header_name(&field, name)?;
        if is_credential(&name) || is_the_buyers_address(&name) {
            return Err(Error::invalid(field, format!("must not be {name}, which is for this gateway only")));
        }
    }
    Ok(())
}

fn header_name(field: &str, name: &str) -> Result<HeaderName> {
    let parsed = HeaderName::try_from(name).ok().filter(|_| name.len() <= 100);
    let parsed =
        parsed.ok_or_else(|| Error::invalid(field, "must name headers: 1 to 100 letters, digits or hyphens"))?;
    let of_the_connection = matches!(
        parsed.as_str(),
        "connection"
            | "content-length"
            | "expect"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) || parsed.as_str().starts_with("proxy-");
    if of_the_connection {
        return Err(Error::invalid(field, format!("must not name {parsed}, which belongs to the connection")));
    }
    Ok(parsed)
}

/// What proves who somebody is, or pays.
fn is_credential(name: &HeaderName) -> bool {
    let name = name.as_str();
    let is_named = matches!(
        name,
        "authorization"
            | "cookie"
            | "cookie2"
            | "idempotency-key"
            | "payment-required"
            | "payment-response"
            | "payment-signature"
            | "sign-in-with-x"
            | "x-admin-key"
            | "x-agent-wallet"
            | "x-api-key"
    );
    is_named || ["x-payment", "x-acf-", "x-farebox-"].iter().any(|start| name.starts_with(start))
}

fn is_the_buyers_address(name: &HeaderName) -> bool {
    let name = name.as_str();
    let is_named = matches!(name, "forwarded" | "x-real-ip" | "x-client-ip" | "true-client-ip" | "cf-connecting-ip");
    is_named || name.starts_with("x-forwarded-")
}
