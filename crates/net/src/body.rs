//! The body type that crosses crate borders, and the two bodies that need no stream.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};

/// The error of a body: what it is depends on who made the body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A streaming body of requests and replies, boxed once per message.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body of no bytes.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body whose bytes are all here, with its length known.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
