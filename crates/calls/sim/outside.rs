//! The sellers: each request brings along what its seller answers.

use crate::sim::auditor::Auditor;
use crate::sim::plan::{Plan, Seller};
use bytes::Bytes;
use farebox_calls::sim::{Exchange, Outside};
use farebox_net::{Body, BoxError};
use farebox_upstream::UpstreamError;
use farebox_upstream::http::Outgoing;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The header by which a request is known to its seller; no part of what an idempotency key stands for.
pub const REQUEST: &str = "x-request";
const FRAME_BYTES: usize = 700;

pub struct Sellers {
    pub auditor: Arc<Mutex<Auditor>>,
}

impl Outside for Sellers {
    fn forward<'a>(&'a self, outgoing: Outgoing<'a>) -> Exchange<'a> {
        Box::pin(async move {
            let n = number(&outgoing.headers);
            let plan = self.auditor.lock().forwarded(n);
            answer(&plan).await.inspect(|_| self.auditor.lock().answered(n))
        })
    }
}

pub fn number(headers: &HeaderMap) -> usize {
    headers.get(REQUEST).and_then(|n| n.to_str().ok()).and_then(|n| n.parse().ok()).unwrap_or(usize::MAX)
}

/// What a reply says first, so that a repeated answer is known by it.
pub fn text(n: usize, bytes: usize) -> Bytes {
    let mark = format!("reply {n}.");
    Bytes::from(mark.bytes().chain(std::iter::repeat(b'x')).take(bytes).collect::<Vec<u8>>())
}

/// The whole reply of a plan that is answered well.
pub fn whole_text(plan: &Plan) -> Bytes {
    match plan.seller {
        Seller::Whole { bytes, .. } => text(plan.n, bytes),
        Seller::Frames { frames, .. } => text(plan.n, frames * FRAME_BYTES),
        Seller::Never { .. } => Bytes::new(),
    }
}

async fn answer(plan: &Plan) -> Result<Response<Body>, UpstreamError> {
    let wait = |ms| tokio::time::sleep(Duration::from_millis(ms));
    let (status, body) = match plan.seller {
        Seller::Never { after_ms } => {
            wait(after_ms).await;
            return Err(if after_ms % 2 == 0 {
                UpstreamError::FirstByteTimeout
            } else {
                UpstreamError::Connect("refused".to_owned())
            });
        }
        Seller::Whole { status, after_ms, .. } => {
            wait(after_ms).await;
            (status, farebox_net::full(whole_text(plan)))
        }
        Seller::Frames { after_ms, pause_ms, is_sized, breaks, .. } => {
            wait(after_ms).await;
            let rest = whole_text(plan);
            let known = is_sized.then_some(rest.len() as u64);
            let pause = Duration::from_millis(pause_ms);
            (200, Frames { rest, known, pause, breaks, waiting: None }.boxed_unsync())
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

/// A reply that comes frame by frame.
struct Frames {
    rest: Bytes,
    known: Option<u64>,
    pause: Duration,
    breaks: bool,
    waiting: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if !this.pause.is_zero() {
            let pause = this.pause;
            let waiting = this.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            std::task::ready!(waiting.as_mut().poll(cx));
            this.waiting = None;
        }
        if this.breaks && this.rest.len() <= FRAME_BYTES {
            return Poll::Ready(Some(Err(Box::new(UpstreamError::Closed("in the middle".to_owned())))));
        }
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        let frame = this.rest.split_to(FRAME_BYTES.min(this.rest.len()));
        this.known = this.known.map(|left| left - frame.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn size_hint(&self) -> SizeHint {
        self.known.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
