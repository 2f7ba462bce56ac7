//! Request bodies that nobody read to the end.
//!
//! A server that answers early and closes while the client still sends makes the client lose the answer. So what
//! is left of a body is read and thrown away, up to limits of size and time, while the answer is on its way. A client
//! that asked first (`Expect: 100-continue`) and was not told to go on sends nothing, and is asked for nothing.

use bytes::Bytes;
use farebox_api_kit::BoxError;
use http::Request;
use http::header::EXPECT;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const BYTES_MAX: usize = 128 << 20;
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may send nothing.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// A request's body, drained when it is dropped before its end.
pub(super) struct Drained {
    body: Option<Incoming>,
    /// The client waits to be told to go on, which the first poll does.
    waits: bool,
}

impl Drained {
    pub(super) fn new(request: Request<Incoming>) -> Request<Self> {
        let waits = request.headers().contains_key(EXPECT);
        request.map(|body| Self { body: Some(body), waits })
    }
}

impl Body for Drained {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.waits = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !self.waits && !body.is_end_stream());
        let Some(body) = unread else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(PATIENCE, drain(body)));
        }
    }
}

async fn drain(mut body: Incoming) {
    let mut read = 0;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(SILENCE_MAX, body.frame()).await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > BYTES_MAX {
            return;
        }
    }
}
