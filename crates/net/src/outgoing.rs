//! A request's body, and whether the engine has taken all of it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BoxError};

pub(crate) struct Outgoing {
    body: Body,
    /// `None` where there was nothing to take.
    taken: Option<Arc<AtomicBool>>,
}

/// Tells whether a request's body has been taken whole.
pub(crate) struct Taken(Option<Arc<AtomicBool>>);

impl Taken {
    pub(crate) fn is_whole(&self) -> bool {
        self.0.as_ref().is_none_or(|taken| taken.load(Ordering::Relaxed))
    }
}

impl Outgoing {
    pub(crate) fn new(body: Body) -> Self {
        let taken = (!body.is_end_stream()).then(Arc::default);
        Self { body, taken }
    }

    pub(crate) fn taken(&self) -> Taken {
        Taken(self.taken.clone())
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        // The engine may ask for nothing after the last byte that it expects.
        let is_last = matches!(polled, Poll::Ready(None))
            || polled.is_ready() && (self.body.is_end_stream() || self.body.size_hint().exact() == Some(0));
        if is_last && let Some(taken) = &self.taken {
            taken.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
