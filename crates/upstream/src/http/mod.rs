//! Calls to a seller's HTTP server: a reverse proxy without buffers.
//!
//! Owns what may pass in each direction (`path`, `headers`), the clocks of one exchange (`exchange`) and the
//! two bodies (`upload`, `download`). Invariants: path and query reach the seller as the buyer sent them; no
//! credential of either side reaches the other; bytes wait in the network, not in memory; when either side
//! goes away the other connection is closed.
//!
//! An exchange goes on until both bodies have ended, a limit is reached, or the response body is dropped.
//! Dropping it ends the upload too: a server that answers early gets no more of the request after its answer
//! has been read.

mod download;
mod exchange;
mod forward;
mod headers;
mod path;
mod told;
mod upload;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use farebox_net::Body;
use url::Url;

pub use forward::forward;
pub use told::ToldCharge;

/// Where a listing's calls go and what they may use up.
#[derive(Debug, Clone)]
pub struct HttpTarget {
    /// The registered address. Calls go to paths below it; its query comes first in theirs.
    pub base: Url,
    /// Headers that the seller's server wants, credentials among them. They replace what the buyer sent.
    pub set_headers: Vec<(HeaderName, HeaderValue)>,
    /// Query parameters that the seller's server wants. They replace the buyer's of the same name.
    pub add_query: Vec<(String, String)>,
    pub passthrough: PassthroughPolicy,
    pub timeouts: Timeouts,
    pub max_request_bytes: u64,
    /// `None`: no limit but `timeouts.total_ms`.
    pub max_response_bytes: Option<u64>,
}

/// Which of the buyer's headers the seller sees. Credentials and connection headers never pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassthroughPolicy {
    All,
    /// Only these, and those that describe the body (`content-type`, `content-encoding`, `content-language`).
    Only(Vec<HeaderName>),
}

/// How long an exchange may take. Connecting has its own limit in `farebox_net::Policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the last byte of the request to the head of the answer.
    pub first_byte_ms: u64,
    /// Without a byte in either direction, while a body is under way.
    pub idle_ms: u64,
    /// From the call to the last byte of the answer.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { first_byte_ms: 30_000, idle_ms: 30_000, total_ms: 300_000 }
    }
}

/// What the buyer sent.
#[derive(Debug)]
pub struct Outgoing<'a> {
    pub method: Method,
    /// What follows the listing in the request's target, byte for byte: `/v1/a%2Fb?x=1&x=2`. May be empty.
    pub path_and_query: &'a str,
    pub headers: HeaderMap,
    pub body: Body,
}
