//! Opening a connection for the HTTP engine: TCP by `dial`, TLS where the URL asks for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::dial::Dialer;
use crate::error::{NetError, NetErrorKind};
use crate::stream::Stream;

#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Connector {
    async fn open(self, uri: Uri) -> Result<Stream, NetError> {
        let is_tls = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let work = async {
            let tcp = self.dialer.tcp(host, port).await?;
            if !is_tls {
                return Ok(Stream::plain(tcp));
            }
            let failed = |reason: String| NetError::new(NetErrorKind::Tls, format!("{host}:{port}: {reason}"));
            let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(error.to_string()))?;
            let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await;
            tls.map(Stream::tls).map_err(|error| failed(error.to_string()))
        };
        self.dialer.within_timeout(work).await
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = NetError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NetError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let opening = self.clone().open(uri);
        Box::pin(async move { opening.await.map(TokioIo::new) })
    }
}
