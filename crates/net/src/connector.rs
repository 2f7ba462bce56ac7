//! Opening a connection for HTTP: TCP by `dial`, TLS where the URL asks for it, and the version of HTTP that was
//! agreed on.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;

use crate::dial::Dialer;
use crate::error::{NetError, NetErrorKind};
use crate::link::{Link, Shared};
use crate::pool::{Pool, Way};
use crate::stream::Stream;
use crate::target::Target;

pub(crate) struct Connector {
    pub(crate) dialer: Dialer,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Connector {
    /// A new connection; where it can be shared, the pool has it already.
    pub(crate) async fn connect(&self, target: &Target, pool: &Arc<Pool>) -> Result<Way, NetError> {
        pool.enroll();
        let stream = self.dialer.within_timeout(self.open(target)).await?;
        if stream.is_http2() {
            let opened = Shared::open(stream).await?;
            return Ok(Way::Shared(pool.share(target, opened)));
        }
        Ok(Way::Alone(Box::new(Link::open(stream, Handle::current().id()).await?)))
    }

    async fn open(&self, target: &Target) -> Result<Stream, NetError> {
        let (host, port) = (target.host(), target.port());
        let tcp = self.dialer.tcp(host, port).await?;
        if !target.is_tls {
            return Ok(Stream::Plain(tcp));
        }
        let failed = |reason: String| NetError::new(NetErrorKind::Tls, format!("{host}:{port}: {reason}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(error.to_string()))?;
        let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await;
        tls.map(|tls| Stream::Tls(Box::new(tls))).map_err(|error| failed(error.to_string()))
    }
}
