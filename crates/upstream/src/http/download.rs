//! The answer's body on its way to the buyer: counted, timed, and torn down when either side stops.
//!
//! Frames pass as they come. A reader that stops reading is not polled, so the limits are kept by a task
//! beside it; the task exists only for a body that did not arrive at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use farebox_net::{BoxError, NetError};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::task::AbortHandle;

use super::exchange::{CancelOnDrop, Exchange};
use super::headers::{Direction, trailers};
use crate::error::UpstreamError;

/// The body of a forwarded answer. Its errors are `UpstreamError`s. Dropping it ends the exchange.
pub(super) struct Download {
    exchange: Arc<Exchange>,
    allowed: u64,
    limit_bytes: u64,
    watch: Option<AbortHandle>,
    is_done: bool,
    _cancel: CancelOnDrop,
}

impl Download {
    /// The answer must have been put into the exchange.
    pub(super) fn new(cancel: CancelOnDrop, limit_bytes: Option<u64>) -> Self {
        let limit_bytes = limit_bytes.unwrap_or(u64::MAX);
        let exchange = Arc::clone(&cancel.0);
        Self { exchange, allowed: limit_bytes, limit_bytes, watch: None, is_done: false, _cancel: cancel }
    }

    fn fail(&mut self, error: UpstreamError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let error = self.exchange.fail(error);
        self.exchange.cancel();
        self.end();
        Poll::Ready(Some(Err(error.into())))
    }

    fn end(&mut self) {
        self.is_done = true;
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
    }

    fn watch(&mut self) {
        if self.watch.is_none() {
            let task = tokio::spawn(Arc::clone(&self.exchange).watch_bodies());
            self.watch = Some(task.abort_handle());
        }
    }

    /// Polls the answer; `None` where a limit has taken it away.
    fn poll_answer(&self, cx: &mut Context<'_>) -> Option<Polled> {
        let mut answer = self.exchange.answer.lock();
        let answer = answer.as_mut()?;
        let polled = Pin::new(&mut *answer).poll_frame(cx);
        Some(Polled { frame: polled, is_last: answer.is_end_stream() })
    }
}

struct Polled {
    frame: Poll<Option<Result<Frame<Bytes>, hyper::Error>>>,
    is_last: bool,
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.is_done {
            return Poll::Ready(None);
        }
        this.exchange.wake_download_by(cx.waker());
        let Some(Polled { frame, is_last }) = this.poll_answer(cx) else {
            return this.fail(UpstreamError::Closed("the exchange was given up".to_owned()));
        };
        let frame = match frame {
            Poll::Pending => {
                this.exchange.set_awaits_download(true);
                this.watch();
                return Poll::Pending;
            }
            Poll::Ready(None) => {
                this.end();
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(error))) => return this.fail(NetError::from_engine(&error).into()),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        this.exchange.set_awaits_download(false);
        this.exchange.moved();
        let frame = match frame.into_trailers() {
            Ok(map) => Frame::trailers(trailers(map, Direction::ToBuyer)),
            Err(frame) => frame,
        };
        let bytes = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        match this.allowed.checked_sub(bytes) {
            Some(allowed) => this.allowed = allowed,
            None => return this.fail(UpstreamError::ResponseTooLarge { limit_bytes: this.limit_bytes }),
        }
        if is_last {
            this.end();
        } else {
            this.watch();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_done || self.exchange.answer.lock().as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let answer = self.exchange.answer.lock();
        answer.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.end();
    }
}
