//! The client: one pool of connections, one policy, cheap to clone.
//!
//! Owns the pool's settings and the decision when a request may be sent again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::legacy::{Client as Engine, Error as EngineError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use url::Url;

use crate::body::{Body, empty};
use crate::connector::Connector;
use crate::dial::Dialer;
use crate::error::{NetError, NetErrorKind};
use crate::policy::Policy;
use crate::resolve::{Resolver, SystemResolver};
use crate::stream::Answers;
use crate::tls;

/// A request meets at most this many connections that the far side has closed in the meantime.
const MAX_STALE_CONNECTIONS: usize = 8;
/// What one HTTP/2 stream may have under way. With the window below, 128 stalled readers do not stop the others.
/// What is read from an HTTP/1 server at once; also the longest head of an answer.
const H1_BUFFER_BYTES: usize = 128 << 10;
const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW_BYTES: u32 = 32 * 1024 * 1024;
const H2_SEND_BUFFER_BYTES: usize = 256 * 1024;
/// A silent HTTP/2 connection with requests on it is asked for a sign of life after this long.
const H2_PING_INTERVAL: Duration = Duration::from_secs(20);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The guarded HTTP client. Clones share the pool.
#[derive(Clone)]
pub struct Client {
    engine: Engine<Connector, Body>,
    dialer: Arc<Dialer>,
    tls: Arc<ClientConfig>,
}

/// Put into a request's extensions, it is called when a connection has been found for the request.
#[derive(Clone)]
pub struct OnConnection(pub Arc<dyn Fn() + Send + Sync>);

/// Limits of a small exchange.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// From the call to the last byte of the answer.
    pub timeout_ms: u64,
    pub max_response_bytes: usize,
}

impl Client {
    /// A client that resolves names through the operating system. Fails where the extra roots cannot be read.
    pub fn new(policy: Policy) -> farebox_base::Result<Self> {
        Self::with_resolver(policy, Arc::new(SystemResolver))
    }

    /// A client with a resolver of the caller's.
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolver>) -> farebox_base::Result<Self> {
        let bare = tls::client_config(policy.extra_root_certificates.as_deref())?;
        let mut for_http = bare.clone();
        for_http.alpn_protocols =
            if policy.prefer_http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        let dialer = Arc::new(Dialer::new(policy, resolver));
        let connector = Connector { dialer: Arc::clone(&dialer), tls: Arc::new(for_http) };
        Ok(Self { engine: engine(dialer.policy(), connector), dialer, tls: Arc::new(bare) })
    }

    /// The policy this client lives by.
    pub fn policy(&self) -> &Policy {
        self.dialer.policy()
    }

    /// `Policy::check_url` of this client's policy.
    pub fn check_url(&self, field: &str, url: &Url) -> farebox_base::Result<()> {
        self.policy().check_url(field, url)
    }

    /// A TCP connection under the same rules, for protocols other than HTTP. `host` is a name or an address.
    pub async fn connect_tcp(&self, host: &str, port: u16) -> Result<TcpStream, NetError> {
        self.dialer.within_timeout(self.dialer.tcp(host, port)).await
    }

    /// TLS settings with this client's roots and no ALPN, for protocols other than HTTP.
    pub fn tls_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    /// Sends a request and returns when the head of the answer is here, whatever its status.
    ///
    /// There is no limit of time besides that for connecting. Dropping the future, or the body of the answer,
    /// gives up the exchange. A request with an idempotent method and an empty body that meets a connection
    /// which the far side has closed meanwhile is sent again; any other is not, once a byte may have left.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, NetError> {
        check_target(request.uri())?;
        let copy = repeatable(&request);
        let mut request = request;
        let mut stale = 0;
        loop {
            let error = match self.exchange(request).await {
                Ok(response) => {
                    if let Some(answers) = response.extensions().get::<Answers>() {
                        answers.count_one();
                    }
                    return Ok(response);
                }
                Err(error) => error,
            };
            match &copy {
                Some(copy) if stale < MAX_STALE_CONNECTIONS && is_stale(&error) => {
                    request = copy.clone().map(|()| empty())
                }
                _ => return Err(NetError::from_engine(&error)),
            }
            stale += 1;
        }
    }

    /// Sends a request and reads the whole answer into memory, within `limits`.
    pub async fn fetch(&self, request: Request<Body>, limits: FetchLimits) -> Result<Response<Bytes>, NetError> {
        let work = async {
            let (parts, body) = self.send(request).await?.into_parts();
            let bytes = Limited::new(body, limits.max_response_bytes).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    let detail = format!("the answer is over {} bytes", limits.max_response_bytes);
                    return NetError::new(NetErrorKind::ResponseTooLarge, detail);
                }
                error
                    .downcast_ref::<hyper::Error>()
                    .map_or_else(|| NetError::new(NetErrorKind::Protocol, error.to_string()), NetError::from_body)
            })?;
            Ok(Response::from_parts(parts, bytes.to_bytes()))
        };
        tokio::time::timeout(Duration::from_millis(limits.timeout_ms), work).await.unwrap_or_else(|_| {
            Err(NetError::new(NetErrorKind::Timeout, format!("no answer within {} ms", limits.timeout_ms)))
        })
    }

    async fn exchange(&self, mut request: Request<Body>) -> Result<Response<Incoming>, EngineError> {
        let Some(on_connection) = request.extensions().get::<OnConnection>().cloned() else {
            return self.engine.request(request).await;
        };
        let mut captured = capture_connection(&mut request);
        let mut answer = std::pin::pin!(self.engine.request(request));
        tokio::select! {
            biased;
            early = &mut answer => return early,
            found = captured.wait_for_connection_metadata() => if found.is_some() { (on_connection.0)() },
        }
        answer.await
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one HTTP client; all others are built on it")]
fn engine(policy: &Policy, connector: Connector) -> Engine<Connector, Body> {
    Engine::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_millis(policy.pool_idle_timeout_ms))
        .pool_max_idle_per_host(policy.pool_max_idle_per_host)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_max_buf_size(H1_BUFFER_BYTES)
        .http2_initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
        .http2_max_send_buf_size(H2_SEND_BUFFER_BYTES)
        .http2_keep_alive_interval(H2_PING_INTERVAL)
        .http2_keep_alive_timeout(H2_PING_TIMEOUT)
        .build(connector)
}

fn check_target(uri: &Uri) -> Result<(), NetError> {
    let blocked = |detail: &str| Err(NetError::new(NetErrorKind::Blocked, detail));
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return blocked("only http and https URLs are requested");
    }
    match uri.authority() {
        None => blocked("the URL names no host"),
        Some(authority) if authority.as_str().contains('@') => blocked("the URL holds a user name or a password"),
        Some(_) => Ok(()),
    }
}

/// A copy of the request, where sending it twice does no harm.
fn repeatable(request: &Request<Body>) -> Option<Request<()>> {
    let is_idempotent = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    );
    if !is_idempotent || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

/// True where the connection had served before and went away under the request.
fn is_stale(error: &EngineError) -> bool {
    let mut extensions = http::Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extensions);
    }
    let was_used = extensions.get::<Answers>().is_some_and(Answers::is_any);
    was_used && NetError::from_engine(error).kind == NetErrorKind::Closed
}
