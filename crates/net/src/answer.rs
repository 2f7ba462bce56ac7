//! The body of an answer, which drives its own connection while it is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

use crate::link::Link;
use crate::outgoing::Taken;
use crate::pool::Pool;
use crate::target::Target;

/// The body of an answer. Dropping it before its end closes the connection (resets the stream, in HTTP/2).
pub struct Answer {
    incoming: Incoming,
    /// The connection, as long as it is this body's to drive.
    home: Option<Home>,
}

struct Home {
    link: Box<Link>,
    target: Target,
    pool: Arc<Pool>,
}

impl Answer {
    /// A body whose connection is driven by a task.
    pub(crate) const fn apart(incoming: Incoming) -> Self {
        Self { incoming, home: None }
    }

    /// A body that drives its connection and gives it to the pool at its end.
    pub(crate) fn on(incoming: Incoming, link: Box<Link>, taken: &Taken, target: Target, pool: Arc<Pool>) -> Self {
        let mut answer = Self { incoming, home: None };
        if answer.incoming.is_end_stream() && taken.is_whole() {
            pool.put(&target, link);
        } else if taken.is_whole() {
            answer.home = Some(Home { link, target, pool });
        } else {
            // The rest of the request must flow also while nobody reads the answer.
            link.leave_to_a_task();
        }
        answer
    }

    fn end(&mut self) {
        if let Some(Home { link, target, pool }) = self.home.take() {
            pool.put(&target, link);
        }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut polled = Pin::new(&mut this.incoming).poll_frame(cx);
        if polled.is_pending()
            && let Some(home) = &mut this.home
        {
            home.link.drive(cx);
            polled = Pin::new(&mut this.incoming).poll_frame(cx);
        }
        match &polled {
            Poll::Ready(Some(Err(_))) => this.home = None,
            Poll::Ready(_) if this.incoming.is_end_stream() => this.end(),
            Poll::Ready(None) => this.end(),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("is_end_stream", &self.is_end_stream()).finish_non_exhaustive()
    }
}
