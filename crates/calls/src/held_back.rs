//! A seller's reply that is read before it is paid for: what can be kept of it, and what is answered once it is paid.

use crate::http_call::upstream_error;
use crate::idempotency::SavedReply;
use crate::reply::{Collected, Patience, collect, resumed, whole};
use farebox_net::Body;
use farebox_upstream::UpstreamError;
use http::Response;
use http::header::TRANSFER_ENCODING;

/// How a reply is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub patience: Patience,
    /// The request was one for the head alone.
    pub head: bool,
    /// A copy is kept, where the reply is small enough.
    pub keep: bool,
}

/// The reply, and the copy that is kept of it.
///
/// # Errors
/// Why it broke off.
pub(crate) async fn held_back(
    response: Response<Body>,
    reading: Reading,
) -> Result<(Response<Body>, Option<SavedReply>), UpstreamError> {
    let (mut parts, body) = response.into_parts();
    let collected = match reading.head {
        true => Collected::nothing(),
        false => collect(body, reading.patience).await.map_err(|broken| upstream_error(&broken))?,
    };
    let (saved, body) = match collected {
        Collected::Whole { body, trailers } => {
            if trailers.is_none() {
                parts.headers.remove(TRANSFER_ENCODING);
            }
            let reply = || SavedReply { status: parts.status, headers: parts.headers.clone(), body: body.to_vec() };
            (reading.keep.then(reply), whole(body, trailers))
        }
        Collected::Long { seen, rest } => (None, resumed(seen, rest)),
    };
    Ok((Response::from_parts(parts, body), saved))
}
