//! Opening a TCP connection under the address rules.
//!
//! Owns the sequence resolve, judge, connect. Nothing here sees a URL.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use crate::error::{NetError, NetErrorKind};
use crate::policy::Policy;
use crate::resolve::Resolver;

/// The next address gets its try after this long without an answer from the ones before.
const STAGGER: Duration = Duration::from_millis(250);

pub(crate) struct Dialer {
    policy: Policy,
    resolver: Arc<dyn Resolver>,
}

impl Dialer {
    pub(crate) fn new(policy: Policy, resolver: Arc<dyn Resolver>) -> Self {
        Self { policy, resolver }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Runs `work` within the time for connecting.
    pub(crate) async fn within_timeout<T>(
        &self,
        work: impl Future<Output = Result<T, NetError>>,
    ) -> Result<T, NetError> {
        let limit = Duration::from_millis(self.policy.connect_timeout_ms);
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(NetError::new(NetErrorKind::ConnectTimeout, format!("no connection within {} ms", limit.as_millis())))
        })
    }

    /// Connects to `host`, a name or an address without brackets. One refused address in the answer refuses
    /// the whole answer: a public name with a private address is a trap more often than a mistake.
    pub(crate) async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, NetError> {
        let addresses = self.resolve(host, port).await?;
        for address in &addresses {
            if let Some(reason) = self.policy.refusal(host, *address) {
                let detail = format!("{host} is at {}, which is {reason}", address.ip());
                return Err(NetError::new(NetErrorKind::Blocked, detail));
            }
        }
        let stream = first_to_connect(&addresses)
            .await
            .map_err(|error| NetError::new(NetErrorKind::Connect, format!("{host}:{port}: {error}")))?;
        stream
            .set_nodelay(true)
            .map_err(|error| NetError::new(NetErrorKind::Connect, format!("{host}:{port}: {error}")))?;
        Ok(stream)
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        match self.resolver.resolve(host, port).await {
            Ok(addresses) if addresses.is_empty() => {
                Err(NetError::new(NetErrorKind::Dns, format!("{host} has no address")))
            }
            Ok(addresses) => Ok(addresses),
            Err(error) => Err(NetError::new(NetErrorKind::Dns, format!("{host}: {error}"))),
        }
    }
}

/// Tries the addresses in order, each a little after the one before, and takes the first that answers.
async fn first_to_connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = waiting.next() {
            attempts.push(TcpStream::connect(*address));
        } else if attempts.is_empty() {
            return Err(last_error);
        }
        tokio::select! {
            Some(outcome) = attempts.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => last_error = error,
            },
            () = tokio::time::sleep(STAGGER), if waiting.len() > 0 => {}
        }
    }
}
