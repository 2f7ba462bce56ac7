//! The name of one request, in the reply, the log and every error.

use farebox_base::Rng;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::sync::Arc;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What the caller sent as `x-request-id`, where that is 1 to 128 visible ASCII characters, else 16 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes the caller's id or makes one.
    pub fn of(headers: &HeaderMap, rng: &dyn Rng) -> Self {
        let sane = |text: &&str| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        match headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(sane) {
            Some(text) => Self(text.into()),
            None => Self(format!("{:016x}", rng.next_u64()).into()),
        }
    }

    /// The id as text.
    pub fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
