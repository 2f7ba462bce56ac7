//! What can go wrong on the way out.

use std::fmt;

/// The closed list of failures. None of them says what the far side answered: an answer is no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetErrorKind {
    /// The rules forbid the URL or an address behind it; nothing was sent.
    Blocked,
    /// The name has no address.
    Dns,
    /// No address accepted a connection.
    Connect,
    /// Resolving, connecting and the TLS handshake took too long together.
    ConnectTimeout,
    /// The TLS handshake failed.
    Tls,
    /// The far side broke the rules of HTTP.
    Protocol,
    /// The request's own body failed while it was being sent.
    RequestBody,
    /// The far side closed the connection before it had answered.
    Closed,
    /// The whole exchange took too long (`Client::fetch` only).
    Timeout,
    /// The answer is over its limit (`Client::fetch` only).
    ResponseTooLarge,
}

/// A failed request. `detail` is for the log: it may hold addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetError {
    pub kind: NetErrorKind,
    pub detail: String,
}

impl NetError {
    pub fn new(kind: NetErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// Finds out what an error of the HTTP engine means, before an answer or in its body.
    pub fn from_engine(error: &hyper::Error) -> Self {
        Self::from_chain(kind_of_hyper(error), error)
    }

    /// The deepest cause that says something decides the kind.
    fn from_chain(mut kind: NetErrorKind, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut detail = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(own) = cause.downcast_ref::<NetError>() {
                return own.clone();
            }
            if let Some(engine) = cause.downcast_ref::<hyper::Error>() {
                kind = kind_of_hyper(engine);
            } else if let Some(h2) = cause.downcast_ref::<h2::Error>() {
                kind = kind_of_h2(h2, kind);
            } else if let Some(io) = cause.downcast_ref::<std::io::Error>() {
                kind = kind_of_io(io, kind);
            }
            detail.push_str(": ");
            detail.push_str(&cause.to_string());
            next = cause.source();
        }
        Self { kind, detail }
    }
}

fn kind_of_hyper(error: &hyper::Error) -> NetErrorKind {
    if error.is_user() {
        NetErrorKind::RequestBody
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() || error.is_body_write_aborted()
    {
        NetErrorKind::Closed
    } else {
        NetErrorKind::Protocol
    }
}

/// A server that is going away, or that did not take up the stream, has done nothing with the request.
fn kind_of_h2(error: &h2::Error, otherwise: NetErrorKind) -> NetErrorKind {
    let is_parting = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    if is_parting || error.reason() == Some(h2::Reason::REFUSED_STREAM) { NetErrorKind::Closed } else { otherwise }
}

fn kind_of_io(error: &std::io::Error, otherwise: NetErrorKind) -> NetErrorKind {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::NotConnected | Io::UnexpectedEof => {
            NetErrorKind::Closed
        }
        _ => otherwise,
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.detail)
    }
}

impl std::error::Error for NetError {}
