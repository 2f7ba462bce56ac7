//! The client: one pool of connections, one policy, cheap to clone.
//!
//! Owns the decision when a request may be sent again; connections are `link`'s and `pool`'s.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use url::Url;

use crate::answer::Answer;
use crate::body::{Body, empty};
use crate::connector::Connector;
use crate::dial::Dialer;
use crate::error::{NetError, NetErrorKind};
use crate::link::Unanswered;
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use crate::pool::{Pool, Way};
use crate::resolve::{Resolver, SystemResolver};
use crate::target::Target;
use crate::tls;

/// A request meets at most this many connections that the far side has closed in the meantime.
const MAX_STALE_CONNECTIONS: usize = 8;

/// The guarded HTTP client. Clones share the pool.
#[derive(Clone)]
pub struct Client {
    pool: Arc<Pool>,
    connector: Arc<Connector>,
    tls: Arc<ClientConfig>,
}

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
        let idle_time = Duration::from_millis(policy.pool_idle_timeout_ms);
        let pool = Pool::new(policy.pool_max_idle_per_host, idle_time);
        let dialer = Dialer::new(policy, resolver);
        let connector = Arc::new(Connector { dialer, tls: Arc::new(for_http) });
        Ok(Self { pool, connector, tls: Arc::new(bare) })
    }

    /// The policy this client lives by.
    pub fn policy(&self) -> &Policy {
        self.connector.dialer.policy()
    }

    /// `Policy::check_url` of this client's policy.
    pub fn check_url(&self, field: &str, url: &Url) -> farebox_base::Result<()> {
        self.policy().check_url(field, url)
    }

    /// A TCP connection under the same rules, for protocols other than HTTP. `host` is a name or an address.
    pub async fn connect_tcp(&self, host: &str, port: u16) -> Result<TcpStream, NetError> {
        self.connector.dialer.within_timeout(self.connector.dialer.tcp(host, port)).await
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
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Answer>, NetError> {
        self.send_noting(request, &|| ()).await
    }

    /// As `send`; calls `on_connection` each time that a connection has been found for the request.
    pub async fn send_noting(
        &self,
        request: Request<Body>,
        on_connection: &(dyn Fn() + Sync),
    ) -> Result<Response<Answer>, NetError> {
        let target = Target::of(request.uri())?;
        let copy = repeatable(&request).map(Box::new);
        let mut request = Box::new(request.map(Outgoing::new));
        let uri = request.uri().clone();
        let mut stale = 0;
        loop {
            let way = match self.pool.take(&target) {
                Some(way) => way,
                None => Box::pin(self.connector.connect(&target, &self.pool)).await?,
            };
            on_connection();
            let failed = match self.exchange(&target, way, request).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            let is_repeatable = failed.was_used && stale < MAX_STALE_CONNECTIONS;
            request = match (failed.unsent, &copy) {
                (Some(unsent), _) if is_repeatable => again(unsent, &uri),
                (None, Some(copy)) if is_repeatable && failed.error.kind == NetErrorKind::Closed => {
                    Box::new((**copy).clone().map(|()| Outgoing::new(empty())))
                }
                _ => return Err(failed.error),
            };
            stale += 1;
        }
    }

    async fn exchange(
        &self,
        target: &Target,
        way: Way,
        mut request: Box<Request<Outgoing>>,
    ) -> Result<Response<Answer>, Box<Unanswered>> {
        match way {
            Way::Alone(link) => {
                target.to_origin_form(&mut request);
                let taken = request.body().taken();
                let (response, link) = link.exchange(request).await?;
                Ok(response.map(|body| Answer::on(body, link, &taken, target.clone(), Arc::clone(&self.pool))))
            }
            Way::Shared(shared) => Ok(shared.exchange(request).await?.map(Answer::apart)),
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
                    .map_or_else(|| NetError::new(NetErrorKind::Protocol, error.to_string()), NetError::from_engine)
            })?;
            Ok(Response::from_parts(parts, bytes.to_bytes()))
        };
        tokio::time::timeout(Duration::from_millis(limits.timeout_ms), work).await.unwrap_or_else(|_| {
            Err(NetError::new(NetErrorKind::Timeout, format!("no answer within {} ms", limits.timeout_ms)))
        })
    }
}

/// A request that never left, as it was before it was given the form of its connection.
fn again(mut unsent: Box<Request<Outgoing>>, uri: &Uri) -> Box<Request<Outgoing>> {
    *unsent.uri_mut() = uri.clone();
    unsent
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
    Some(copy)
}
