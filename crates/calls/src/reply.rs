//! The seller's reply on its way to the buyer: read whole where it is small, streamed where it is not, and never
//! complete before the call is closed in the store.
//!
//! The last frame of a reply whose length is known, and the end of one whose length is not, are withheld until the
//! posting is committed. A reply that breaks on the way is free; a client that leaves on the way has used it.

use crate::ticket::Ticket;
use bytes::{Bytes, BytesMut};
use farebox_base::{Error, Micros};
use farebox_net::{Body, BoxError};
use farebox_upstream::UpstreamError;
use futures_util::StreamExt as _;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::AbortHandle;

/// A reply's body after the first look.
pub(crate) enum Collected {
    /// All of it; trailers are passed on where there were any.
    Whole { body: Bytes, trailers: Option<http::HeaderMap> },
    /// What has come so far, and the rest.
    Long { seen: VecDeque<Frame<Bytes>>, rest: Body },
}

impl Collected {
    /// The body of a reply to HEAD.
    pub(crate) fn nothing() -> Self {
        Collected::Whole { body: Bytes::new(), trailers: None }
    }
}

/// How much of a reply is read before it is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub bytes_max: usize,
    /// A pause of this length makes a stream of a reply of unknown length; `None`: read on.
    pub quiet: Option<Duration>,
}

/// Reads a body until its end, `bytes_max` or a pause.
pub(crate) async fn collect(mut body: Body, patience: Patience) -> Result<Collected, BoxError> {
    let hint = body.size_hint();
    if hint.exact().is_some_and(|n| n > patience.bytes_max as u64) {
        return Ok(Collected::Long { seen: VecDeque::new(), rest: body });
    }
    let quiet = patience.quiet.filter(|_| hint.exact().is_none());
    let mut seen = VecDeque::new();
    let (mut bytes, mut trailers) = (0usize, None);
    loop {
        let next = match quiet {
            None => body.frame().await,
            Some(pause) => match tokio::time::timeout(pause, body.frame()).await {
                Ok(next) => next,
                Err(_) => return Ok(Collected::Long { seen, rest: body }),
            },
        };
        let Some(frame) = next else { break };
        match frame?.into_data() {
            Ok(data) => {
                bytes += data.len();
                seen.push_back(Frame::data(data));
            }
            Err(other) => trailers = other.into_trailers().ok(),
        }
        if bytes > patience.bytes_max {
            return Ok(Collected::Long { seen, rest: body });
        }
    }
    Ok(Collected::Whole { body: joined(seen, bytes), trailers })
}

fn joined(mut frames: VecDeque<Frame<Bytes>>, bytes: usize) -> Bytes {
    if frames.len() <= 1 {
        return frames.pop_front().and_then(|frame| frame.into_data().ok()).unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(bytes);
    for data in frames.into_iter().filter_map(|frame| frame.into_data().ok()) {
        all.extend_from_slice(&data);
    }
    all.freeze()
}

/// A body that was read whole.
pub(crate) fn whole(body: Bytes, trailers: Option<http::HeaderMap>) -> Body {
    let full = farebox_net::full(body);
    match trailers {
        None => full,
        Some(trailers) => full.with_trailers(async move { Some(Ok(trailers)) }).boxed_unsync(),
    }
}

/// A body of which some was read.
pub(crate) fn resumed(seen: VecDeque<Frame<Bytes>>, rest: Body) -> Body {
    let seen = futures_util::stream::iter(seen.into_iter().map(Ok));
    StreamBody::new(seen.chain(BodyStream::new(rest))).boxed_unsync()
}

type Closing = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A long reply that closes its call just before it ends.
pub(crate) struct MeteredBody {
    seen: VecDeque<Frame<Bytes>>,
    rest: Body,
    amount: Micros,
    ticket: Arc<Mutex<Option<Ticket>>>,
    /// Closes the call when its time is over, also where nobody reads any more.
    watchdog: AbortHandle,
    /// Bytes still to come, where the length is known.
    remaining: Option<u64>,
    withheld: Option<Frame<Bytes>>,
    closing: Option<Closing>,
    ended: bool,
    /// Whether the reader was last told to wait for the seller.
    awaits_seller: bool,
}

impl MeteredBody {
    /// The call is charged `amount` from here on, unless the reply breaks within `time_left`.
    pub(crate) fn new(
        seen: VecDeque<Frame<Bytes>>,
        rest: Body,
        mut ticket: Ticket,
        amount: Micros,
        time_left: Duration,
    ) -> Self {
        ticket.begin_reply(amount);
        let ticket = Arc::new(Mutex::new(Some(ticket)));
        let watchdog = tokio::spawn(close_late(ticket.clone(), time_left)).abort_handle();
        let before: u64 = seen.iter().filter_map(|f| f.data_ref()).map(|d| d.len() as u64).sum();
        let remaining = rest.size_hint().exact().map(|left| left + before);
        let (withheld, closing) = (None, None);
        let (ended, awaits_seller) = (false, false);
        Self { seen, rest, amount, ticket, watchdog, remaining, withheld, closing, ended, awaits_seller }
    }

    /// Starts closing the call; `last` leaves when that is committed.
    fn close(&mut self, last: Option<Frame<Bytes>>) {
        self.withheld = last;
        self.closing = Some(match self.ticket.lock().take() {
            Some(ticket) => Box::pin(ticket.serve(self.amount, None)),
            None => Box::pin(std::future::ready(Err(Error::unavailable("The call took longer than a call may take")))),
        });
    }

    /// Ends a reply that broke: free where the seller broke it, charged where the buyer did, who has had what came so far.
    fn broken(&mut self, error: BoxError, awaited_seller: bool) -> BoxError {
        self.ended = true;
        let ticket = self.ticket.lock().take();
        if let Some(ticket) = ticket
            && is_sellers_fault(&error, awaited_seller)
        {
            ticket.fail_unattended();
        }
        error
    }

    /// Whether this frame is the last that the reader needs.
    fn is_last(&self, frame: &Frame<Bytes>) -> bool {
        match (frame.data_ref(), self.remaining) {
            (Some(data), Some(remaining)) => data.len() as u64 >= remaining,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}

/// A reader that stops reading is not heard of again, and its hold would expire free of charge.
async fn close_late(ticket: Arc<Mutex<Option<Ticket>>>, time_left: Duration) {
    tokio::time::sleep(time_left).await;
    drop(ticket.lock().take());
}

impl Drop for MeteredBody {
    fn drop(&mut self) {
        self.watchdog.abort();
        drop(self.ticket.lock().take());
    }
}

/// A pause that was too long is the fault of the side that was waited for. The limit on the whole call is the gateway's
/// own: what came until then was served.
fn is_sellers_fault(error: &BoxError, awaited_seller: bool) -> bool {
    match UpstreamError::in_body_error(error) {
        Some(UpstreamError::TotalTimeout) => false,
        Some(UpstreamError::IdleTimeout) => awaited_seller,
        Some(error) => error.is_providers_fault(),
        None => true,
    }
}

impl http_body::Body for MeteredBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            if let Some(closing) = &mut this.closing {
                let closed = std::task::ready!(closing.as_mut().poll(cx));
                this.closing = None;
                this.ended = true;
                return Poll::Ready(match closed {
                    Ok(()) => this.withheld.take().map(Ok),
                    Err(error) => Some(Err(error.message.into())),
                });
            }
            if this.ended {
                return Poll::Ready(None);
            }
            let next = match this.seen.pop_front() {
                Some(frame) => Some(Ok(frame)),
                None => {
                    let polled = Pin::new(&mut this.rest).poll_frame(cx);
                    let waited = std::mem::replace(&mut this.awaits_seller, polled.is_pending());
                    match std::task::ready!(polled) {
                        Some(Err(error)) => return Poll::Ready(Some(Err(this.broken(error, waited)))),
                        next => next,
                    }
                }
            };
            match next {
                Some(Ok(frame)) if this.is_last(&frame) => this.close(Some(frame)),
                Some(Ok(frame)) => {
                    if let (Some(left), Some(data)) = (this.remaining.as_mut(), frame.data_ref()) {
                        *left -= data.len() as u64;
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                None => this.close(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(this.broken(error, true)))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.withheld.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
