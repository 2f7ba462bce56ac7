//! Bodies: the one type that flows in and out, and reading one without ever holding more than its limit.

use bytes::{Bytes, BytesMut};
use farebox_base::{Error, Kind, Result};
use http_body::{Body as _, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, LengthLimitError, Limited, StreamBody};
use std::pin::Pin;
use std::time::Duration;

/// Why a body could not be read or written.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Every request and response body.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body of no bytes.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is whole already.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body that begins with `head` and goes on with what `next` makes of its state, until that is nothing or fails.
pub(crate) fn stream<S: Send + 'static>(
    head: Bytes,
    state: S,
    next: impl Fn(S) -> Pin<Box<dyn Future<Output = Result<Option<(Bytes, S)>>> + Send>> + Send + 'static,
) -> Body {
    let begun = futures_util::stream::once(std::future::ready(Ok(Frame::data(head))));
    let rest = futures_util::stream::try_unfold(state, move |state| {
        let made = next(state);
        async move {
            let made = made.await.map_err(|error| -> BoxError { error.message.into() })?;
            Ok(made.map(|(bytes, state)| (Frame::data(bytes), state)))
        }
    });
    StreamBody::new(futures_util::StreamExt::chain(begun, rest)).boxed_unsync()
}

/// A body that fails with a length error, seen by [`is_over_limit`], once more than `limit_bytes` have passed.
pub(crate) fn limited(body: Body, limit_bytes: usize) -> Body {
    if http_body::Body::is_end_stream(&body) { body } else { Limited::new(body, limit_bytes).boxed_unsync() }
}

/// Whether a body broke off because it is longer than its operation allows.
pub fn is_over_limit(error: &BoxError) -> bool {
    error.is::<LengthLimitError>()
}

/// 413, naming the limit.
pub(crate) fn too_large(limit_bytes: usize) -> Error {
    let mut error = Error::new(
        Kind::TooLarge,
        "body_too_large",
        format!("body is larger than the {limit_bytes} bytes that this operation takes"),
    );
    error.field = Some("body".into());
    error
}

/// Whether the body says of itself that it is longer than `limit_bytes`.
pub(crate) fn announces_more_than(body: &Body, limit_bytes: usize) -> bool {
    body.size_hint().lower() > u64::try_from(limit_bytes).unwrap_or(u64::MAX)
}

/// Reads a whole body, frame by frame, holding at most `limit_bytes` of it.
///
/// # Errors
/// `TooLarge` as soon as the limit is passed; `Invalid` where the sender broke off.
pub async fn read_to_limit(mut body: Body, limit_bytes: usize) -> Result<Bytes> {
    if announces_more_than(&body, limit_bytes) {
        return Err(too_large(limit_bytes));
    }
    let mut whole = BytesMut::new();
    let mut only = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error, limit_bytes))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + only.len() + data.len() > limit_bytes {
            return Err(too_large(limit_bytes));
        }
        if whole.is_empty() && only.is_empty() {
            only = data;
            continue;
        }
        whole.extend_from_slice(&std::mem::take(&mut only));
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { only } else { whole.freeze() })
}

/// As [`read_to_limit`], and gives up on a sender that takes longer than `patience`.
pub(crate) async fn read_in_time(body: Body, limit_bytes: usize, patience: Duration) -> Result<Bytes> {
    match tokio::time::timeout(patience, read_to_limit(body, limit_bytes)).await {
        Ok(read) => read,
        Err(_) => Err(Error::invalid("body", format!("did not arrive within {} s", patience.as_secs()))),
    }
}

fn broken(error: &BoxError, limit_bytes: usize) -> Error {
    if is_over_limit(error) {
        return too_large(limit_bytes);
    }
    Error::invalid("body", "broke off before its end").with_internal(error.to_string())
}
