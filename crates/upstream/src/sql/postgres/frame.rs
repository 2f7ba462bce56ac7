//! A limit on the size of single messages from a PostgreSQL server.
//!
//! The driver collects a message whole before anyone sees it, so a statement that builds one huge value would
//! fill this process's memory. This stream reads the length of every message as it passes and breaks off.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A message begins with its type and its length, which counts itself but not the type.
const HEAD_BYTES: usize = 5;

pub(super) struct FrameLimit<S> {
    pub(super) inner: S,
    state: State,
    limit_bytes: u64,
    is_over: Arc<AtomicBool>,
}

enum State {
    /// The first byte answers the request for TLS.
    Negotiation,
    /// TLS records pass; the messages inside are looked at further up.
    Opaque,
    Head {
        have: usize,
        bytes: [u8; HEAD_BYTES],
    },
    Body {
        remaining: u64,
    },
}

const START: State = State::Head { have: 0, bytes: [0; HEAD_BYTES] };

impl<S> FrameLimit<S> {
    /// A stream of messages from the first byte on. `is_over` is set when one is over the limit.
    pub(super) fn messages(inner: S, limit_bytes: u64, is_over: Arc<AtomicBool>) -> Self {
        Self { inner, state: START, limit_bytes, is_over }
    }

    /// A stream that begins with the server's answer to a request for TLS.
    pub(super) fn negotiated(inner: S, limit_bytes: u64, is_over: Arc<AtomicBool>) -> Self {
        Self { inner, state: State::Negotiation, limit_bytes, is_over }
    }

    /// What `messages` wants, for a stream inside this one.
    pub(super) fn limit(&self) -> (u64, Arc<AtomicBool>) {
        (self.limit_bytes, Arc::clone(&self.is_over))
    }

    fn pass(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.state {
                State::Opaque => return Ok(()),
                State::Negotiation => {
                    self.state = if *first == b'S' { State::Opaque } else { START };
                    bytes = rest;
                }
                State::Head { have, bytes: head } => {
                    head[*have] = *first;
                    *have += 1;
                    bytes = rest;
                    if *have == HEAD_BYTES {
                        let length = u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
                        if length > self.limit_bytes {
                            self.is_over.store(true, Ordering::Relaxed);
                            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is over its limit"));
                        }
                        let remaining = length.saturating_sub(4);
                        self.state = if remaining == 0 { START } else { State::Body { remaining } };
                    }
                }
                State::Body { remaining } => {
                    let count = usize::try_from(*remaining).unwrap_or(usize::MAX).min(bytes.len());
                    *remaining -= count as u64;
                    bytes = &bytes[count..];
                    if *remaining == 0 {
                        self.state = START;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameLimit<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let passed = self.pass(&buf.filled()[before..]);
        if passed.is_err() {
            buf.set_filled(before);
        }
        Poll::Ready(passed)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameLimit<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    async fn read(bytes: &[u8], is_negotiated: bool) -> (io::Result<usize>, bool) {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut stream = if is_negotiated {
            FrameLimit::negotiated(bytes, 10, Arc::clone(&is_over))
        } else {
            FrameLimit::messages(bytes, 10, Arc::clone(&is_over))
        };
        let outcome = stream.read_to_end(&mut Vec::new()).await;
        (outcome, is_over.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn only_a_message_over_the_limit_breaks_the_stream() {
        let small = [&b"Z\0\0\0\x05I"[..], b"N\0\0\0\x04", b"D\0\0\0\x0a123456"].concat();
        assert!(matches!(read(&small, false).await, (Ok(_), false)));
        assert!(matches!(read(&[b"N".to_vec(), small.clone()].concat(), true).await, (Ok(_), false)));
        let large = [small, b"D\0\0\0\x0b".to_vec()].concat();
        assert!(matches!(read(&large, false).await, (Err(_), true)));
        assert!(matches!(read(&[b"N".to_vec(), large.clone()].concat(), true).await, (Err(_), true)));
        assert!(matches!(read(&[b"S".to_vec(), large].concat(), true).await, (Ok(_), false)));
    }
}
