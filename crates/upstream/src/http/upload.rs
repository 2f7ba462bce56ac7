//! The request body on its way to the seller: counted, timed, and ended when the exchange ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use farebox_net::{Body, BoxError};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::exchange::Exchange;
use super::headers::{Direction, trailers};
use crate::error::UpstreamError;

pub(super) struct Upload {
    body: Body,
    exchange: Arc<Exchange>,
    /// What is still to come, where the length is known.
    remaining: Option<u64>,
    /// What may still come.
    allowed: u64,
    limit_bytes: u64,
    is_done: bool,
}

impl Upload {
    /// `length` is what the buyer declared; a body that does not keep to it fails the exchange.
    pub(super) fn new(body: Body, length: Option<u64>, limit_bytes: u64, exchange: Arc<Exchange>) -> Self {
        Self { body, exchange, remaining: length, allowed: limit_bytes, limit_bytes, is_done: false }
    }

    fn fail(&mut self, error: UpstreamError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.is_done = true;
        Poll::Ready(Some(Err(self.exchange.fail(error).into())))
    }

    fn end(&mut self) {
        self.is_done = true;
        self.exchange.sent();
    }

    fn count(&mut self, bytes: u64) -> Result<(), UpstreamError> {
        let too_large = UpstreamError::RequestTooLarge { limit_bytes: self.limit_bytes };
        self.allowed = self.allowed.checked_sub(bytes).ok_or(too_large)?;
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.checked_sub(bytes).ok_or(UpstreamError::ClientGone)?;
        }
        Ok(())
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.is_done {
            return Poll::Ready(None);
        }
        this.exchange.wake_upload_by(cx.waker());
        if this.exchange.is_cancelled() {
            return this.fail(UpstreamError::ClientGone);
        }
        if this.exchange.is_upload_paused() {
            return Poll::Pending;
        }
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Pending => {
                this.exchange.set_awaits_upload(true);
                return Poll::Pending;
            }
            Poll::Ready(None) if this.remaining.is_none_or(|remaining| remaining == 0) => {
                this.end();
                return Poll::Ready(None);
            }
            Poll::Ready(None) => return this.fail(UpstreamError::ClientGone),
            Poll::Ready(Some(Err(error))) => {
                let own = UpstreamError::in_body_error(&error).cloned();
                return this.fail(own.unwrap_or(UpstreamError::ClientGone));
            }
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        this.exchange.set_awaits_upload(false);
        this.exchange.moved();
        let frame = match frame.into_trailers() {
            Ok(map) => Frame::trailers(trailers(map, Direction::ToSeller)),
            Err(frame) => frame,
        };
        let bytes = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        if let Err(error) = this.count(bytes) {
            return this.fail(error);
        }
        if this.body.is_end_stream() && this.remaining.is_none_or(|remaining| remaining == 0) {
            this.end();
        } else if this.remaining == Some(0) {
            // The engine may ask for nothing after the last byte it expects.
            this.exchange.sent();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_done
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
