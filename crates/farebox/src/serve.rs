//! The listening socket: accepts connections, speaks HTTP/1.1 and HTTP/2, and lets open calls finish at shutdown.

mod drained;
mod workers;

pub(crate) use workers::Workers;

use bytes::Bytes;
use drained::Drained;
use farebox_api_kit::{Body, empty};
use farebox_base::{Error, Result};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Answers one request.
pub trait Service: Send + Sync + 'static {
    fn handle(&self, request: Request<Body>, peer: SocketAddr) -> impl Future<Output = Response<Body>> + Send;
}

/// Limits of the socket.
#[derive(Clone, Copy, Debug)]
pub struct SocketSettings {
    pub header_bytes_max: usize,
    pub header_read_timeout: Duration,
    /// How long open calls may take to finish once a shutdown began.
    pub shutdown_grace: Duration,
    pub connections_max: usize,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            header_bytes_max: 64 << 10,
            header_read_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(30),
            connections_max: 20_000,
        }
    }
}

/// Binds an address such as `127.0.0.1:8402`.
///
/// # Errors
/// `Unavailable`, naming the address and the reason.
pub async fn bind(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|e| Error::unavailable(format!("can't listen on {address}: {e}; choose another with --listen")))
}

/// Serves until `shutdown` resolves, then waits for what is running, at most for the grace period.
pub async fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    settings: SocketSettings,
    shutdown: impl Future<Output = ()>,
) {
    serve_on(None, listener, service, settings, shutdown).await;
}

/// As `serve`, with the connections on these threads rather than on the current runtime.
pub(crate) async fn serve_on<S: Service>(
    workers: Option<&Workers>,
    listener: TcpListener,
    service: Arc<S>,
    settings: SocketSettings,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let slots = Arc::new(Semaphore::new(connections_max(settings.connections_max)));
    let builder = Arc::new(builder(settings));
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut shutdown => break,
        };
        let seat = workers.and_then(Workers::seat);
        let accepted = accepted.and_then(|(stream, peer, slot)| Ok((movable(stream, seat.is_some())?, peer, slot)));
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let (builder, service, watcher) = (builder.clone(), service.clone(), graceful.watcher());
        while connections.try_join_next().is_some() {}
        let handle = seat.as_ref().map_or_else(Handle::current, |seat| seat.handle.clone());
        let task = async move {
            match stream.settle() {
                Ok(stream) if speaks(&stream, settings.header_read_timeout).await => {
                    connection(&builder, stream, peer, service, watcher).await;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, %peer, "a connection could not be taken over"),
            }
            drop((slot, seat));
        };
        connections.spawn_on(task, &handle);
    }
    drop(listener);
    if tokio::time::timeout(settings.shutdown_grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("some calls did not finish within the grace period and are cut off");
    }
    connections.shutdown().await;
}

/// A connection between the runtime that accepted it and the one that serves it.
enum Moving {
    Stays(TcpStream),
    Goes(std::net::TcpStream),
}

fn movable(stream: TcpStream, goes: bool) -> std::io::Result<Moving> {
    if goes { stream.into_std().map(Moving::Goes) } else { Ok(Moving::Stays(stream)) }
}

impl Moving {
    /// To be called on the runtime that serves.
    fn settle(self) -> std::io::Result<TcpStream> {
        match self {
            Self::Stays(stream) => Ok(stream),
            Self::Goes(stream) => TcpStream::from_std(stream),
        }
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

/// The first bytes of HTTP/2; a client that sends a start of them has not yet said what it speaks.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits until the client has said which version of HTTP it speaks; the builder would wait for ever.
async fn speaks(stream: &TcpStream, patience: Duration) -> bool {
    let said = async {
        let mut start = [0; HTTP2_PREFACE.len()];
        loop {
            match stream.peek(&mut start).await {
                Ok(0) | Err(_) => return false,
                Ok(n) if n < start.len() && HTTP2_PREFACE.starts_with(&start[..n]) => {}
                Ok(_) => return true,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, said).await.unwrap_or(false)
}

/// How many connections the process may have open: each call takes one to its client and one to its seller, and some
/// files are for the database.
fn connections_max(wanted: usize) -> usize {
    const RESERVE: usize = 128;
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else { return wanted };
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(wanted, |soft| wanted.min(soft.saturating_sub(RESERVE) / 2).max(16))
}

fn builder(settings: SocketSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_read_timeout)
        // Most replies are small: copied behind their head they leave by a plain write, which costs the kernel less.
        .writev(false)
        .max_buf_size(settings.header_bytes_max.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(Duration::from_secs(30)));
    builder
}

async fn connection<S: Service>(
    builder: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<S>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
    let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move {
            let request = if request.body().is_end_stream() {
                request.map(|_| empty())
            } else {
                Drained::new(request).map(Drained::boxed_unsync)
            };
            Ok::<_, Infallible>(service.handle(request, peer).await)
        }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

/// The signal to stop: Ctrl-C, or SIGTERM on Unix. Listened for from the call on, so that none is missed before the
/// future is first waited for. Must be called on a runtime.
#[cfg(unix)]
pub fn stop_signal() -> impl Future<Output = ()> + Send {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn came(signal: std::io::Result<Signal>) {
        match signal {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    }
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        tokio::select! {
            () = came(interrupt) => {}
            () = came(terminate) => {}
        }
    }
}

/// The signal to stop: Ctrl-C.
#[cfg(not(unix))]
pub async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A body of bytes at hand, for small replies.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    http_body_util::Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
