//! Connections that speak HTTP: one of HTTP/1 in the hands of its only user, one of HTTP/2 shared by many.
//!
//! Owns the engine's settings. An HTTP/1 connection has no task of its own: the task that waits for its answer, or
//! reads its body, drives it, so that a call costs no change of tasks. Invariant: a connection whose user goes away in
//! the middle of an exchange is closed.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::runtime;

use crate::error::NetError;
use crate::outgoing::Outgoing;
use crate::stream::Stream;

/// What is read from an HTTP/1 server at once; also the longest head of an answer.
const H1_BUFFER_BYTES: usize = 128 << 10;
/// What one HTTP/2 stream may have under way. With the window below, 128 stalled readers do not stop the others.
const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW_BYTES: u32 = 32 * 1024 * 1024;
const H2_SEND_BUFFER_BYTES: usize = 256 * 1024;
/// A silent HTTP/2 connection with requests on it is asked for a sign of life after this long.
const H2_PING_INTERVAL: Duration = Duration::from_secs(20);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A request that got no answer.
pub(crate) struct Unanswered {
    pub(crate) error: NetError,
    /// The connection had served before.
    pub(crate) was_used: bool,
    /// The request itself, where none of it has left.
    pub(crate) unsent: Option<Box<Request<Outgoing>>>,
}

impl Unanswered {
    fn new(mut failed: TrySendError<Request<Outgoing>>, was_used: bool) -> Self {
        let unsent = failed.take_message().map(Box::new);
        Self { error: NetError::from_engine(failed.error()), was_used, unsent }
    }
}

/// An HTTP/1 connection.
pub(crate) struct Link {
    sender: http1::SendRequest<Outgoing>,
    /// `None` once it has ended.
    engine: Option<http1::Connection<TokioIo<Stream>, Outgoing>>,
    /// The runtime whose driver knows the socket.
    runtime: runtime::Id,
    was_used: bool,
}

impl Link {
    #[expect(clippy::disallowed_methods, reason = "this is the one HTTP client; all others are built on it")]
    pub(crate) async fn open(stream: Stream, runtime: runtime::Id) -> Result<Self, NetError> {
        let opened = http1::Builder::new()
            .allow_obsolete_multiline_headers_in_responses(true)
            .writev(false)
            .max_buf_size(H1_BUFFER_BYTES)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, engine) = opened.map_err(|error| NetError::from_engine(&error))?;
        Ok(Self { sender, engine: Some(engine), runtime, was_used: false })
    }

    pub(crate) const fn runtime(&self) -> runtime::Id {
        self.runtime
    }

    /// Moves what can be moved on the connection. True where it has ended.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(engine) = &mut self.engine
            && Pin::new(engine).poll(cx).is_ready()
        {
            // Whoever waits for something of the engine's learns with its end that nothing comes.
            self.engine = None;
        }
        self.engine.is_none()
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.engine.is_some()
    }

    /// Whether the next request may be sent now; looks whether the far side has closed.
    pub(crate) fn is_free(&mut self) -> bool {
        !self.drive(&mut Context::from_waker(Waker::noop())) && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn exchange(
        mut self: Box<Self>,
        request: Box<Request<Outgoing>>,
    ) -> Result<(Response<Incoming>, Box<Self>), Box<Unanswered>> {
        let answer = self.sender.try_send_request(*request);
        let mut answer = std::pin::pin!(answer);
        let outcome = poll_fn(|cx| {
            self.drive(cx);
            answer.as_mut().poll(cx)
        });
        match outcome.await {
            Ok(response) => {
                self.was_used = true;
                Ok((response, self))
            }
            Err(failed) => Err(Box::new(Unanswered::new(failed, self.was_used))),
        }
    }

    /// Lets a task drive the connection to the end of its exchange, after which it is closed.
    pub(crate) fn leave_to_a_task(self: Box<Self>) {
        if let Some(engine) = self.engine {
            tokio::spawn(async move {
                if let Err(error) = engine.await {
                    tracing::debug!(%error, "a connection to a seller ended early");
                }
            });
        }
    }
}

/// An HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Shared {
    sender: http2::SendRequest<Outgoing>,
    was_used: Arc<AtomicBool>,
}

impl Shared {
    #[expect(clippy::disallowed_methods, reason = "this is the one HTTP client; all others are built on it")]
    pub(crate) async fn open(stream: Stream) -> Result<Self, NetError> {
        let opened = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(H2_SEND_BUFFER_BYTES)
            .keep_alive_interval(H2_PING_INTERVAL)
            .keep_alive_timeout(H2_PING_TIMEOUT)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, engine) = opened.map_err(|error| NetError::from_engine(&error))?;
        tokio::spawn(async move {
            if let Err(error) = engine.await {
                tracing::debug!(%error, "a connection to a seller ended early");
            }
        });
        Ok(Self { sender, was_used: Arc::default() })
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn exchange(
        mut self,
        request: Box<Request<Outgoing>>,
    ) -> Result<Response<Incoming>, Box<Unanswered>> {
        match self.sender.try_send_request(*request).await {
            Ok(response) => {
                self.was_used.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Err(failed) => Err(Box::new(Unanswered::new(failed, self.was_used.load(Ordering::Relaxed)))),
        }
    }
}
