//! The state that the two directions of one exchange share: its clocks, its failure, and its end.
//!
//! Owns which limit applies when. Times are of the runtime's clock, kept as microseconds since the start, so
//! that a frame costs one atomic store. Invariant: the first failure wins; once cancelled, both bodies end.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use farebox_net::Answer;
use farebox_net::NetError;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::Timeouts;
use crate::error::UpstreamError;

/// Stands for "not yet" in the times below.
const NOT_YET: u64 = u64::MAX;
/// The deadline of a limit too long to count.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

pub(super) struct Exchange {
    started: Instant,
    limits: Timeouts,
    /// When the request got its connection.
    connected_us: AtomicU64,
    /// When the request's last byte was handed over.
    sent_us: AtomicU64,
    /// When a byte last moved in either direction.
    moved_us: AtomicU64,
    /// The upload waits for the buyer, not for the seller.
    awaits_upload: AtomicBool,
    /// The download waits for the seller, not for the buyer.
    awaits_download: AtomicBool,
    is_cancelled: AtomicBool,
    is_upload_paused: AtomicBool,
    upload_waker: AtomicWaker,
    download_waker: AtomicWaker,
    head_waker: AtomicWaker,
    failure: Mutex<Option<UpstreamError>>,
    /// The seller's answer, here so that a limit can drop it while nobody reads.
    pub(super) answer: Mutex<Option<Answer>>,
}

impl Exchange {
    pub(super) fn begin(limits: Timeouts) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            limits,
            connected_us: AtomicU64::new(NOT_YET),
            sent_us: AtomicU64::new(NOT_YET),
            moved_us: AtomicU64::new(0),
            awaits_upload: AtomicBool::new(false),
            awaits_download: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
            is_upload_paused: AtomicBool::new(false),
            upload_waker: AtomicWaker::new(),
            download_waker: AtomicWaker::new(),
            head_waker: AtomicWaker::new(),
            failure: Mutex::new(None),
            answer: Mutex::new(None),
        })
    }

    /// The request has got its connection.
    pub(super) fn connected(&self) {
        self.connected_us.store(self.now_us(), Ordering::Relaxed);
        self.moved();
        self.head_waker.wake();
    }

    /// The request has been handed over whole. Saying it again changes nothing.
    pub(super) fn sent(&self) {
        self.awaits_upload.store(false, Ordering::Relaxed);
        let _ = self.sent_us.compare_exchange(NOT_YET, self.now_us(), Ordering::Relaxed, Ordering::Relaxed);
        self.head_waker.wake();
    }

    /// A byte has moved.
    pub(super) fn moved(&self) {
        self.moved_us.store(self.now_us(), Ordering::Relaxed);
    }

    pub(super) fn set_awaits_upload(&self, waits: bool) {
        self.awaits_upload.store(waits, Ordering::Relaxed);
    }

    pub(super) fn set_awaits_download(&self, waits: bool) {
        self.awaits_download.store(waits, Ordering::Relaxed);
    }

    /// Waits for the head of the answer as long as the limits allow.
    pub(super) async fn head<T>(&self, answer: impl Future<Output = Result<T, NetError>>) -> Result<T, UpstreamError> {
        let mut answer = std::pin::pin!(answer);
        let mut timer = std::pin::pin!(sleep_until(self.deadline_of_head().0));
        let waited = poll_fn(|cx| {
            // What changes the phase within this poll is seen below; only others have to wake.
            self.head_waker.take();
            if let Poll::Ready(outcome) = answer.as_mut().poll(cx) {
                return Poll::Ready(outcome.map_err(|error| self.failure_or(error.into())));
            }
            self.head_waker.register(cx.waker());
            loop {
                let (deadline, error) = self.deadline_of_head();
                // A timer that is early costs less than one that is set anew with every byte.
                if deadline < timer.deadline() || timer.is_elapsed() {
                    timer.as_mut().reset(deadline);
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                if Instant::now() >= deadline {
                    return Poll::Ready(Err(self.fail(error)));
                }
            }
        });
        waited.await
    }

    /// Ends the exchange when a limit on its bodies is reached. To be run beside the bodies.
    pub(super) async fn watch_bodies(self: Arc<Self>) {
        loop {
            let (deadline, _) = self.deadline_of_bodies();
            sleep_until(deadline).await;
            let (deadline, error) = self.deadline_of_bodies();
            if Instant::now() >= deadline {
                self.fail(error);
                self.cancel();
                return;
            }
        }
    }

    fn deadline_of_head(&self) -> (Instant, UpstreamError) {
        let connected = self.connected_us.load(Ordering::Relaxed);
        let sent = self.sent_us.load(Ordering::Relaxed);
        let total = (self.at(0, self.limits.total_ms), UpstreamError::TotalTimeout);
        if connected == NOT_YET {
            total
        } else if sent == NOT_YET {
            earlier(self.deadline_of_idling(self.awaits_upload.load(Ordering::Relaxed)), total)
        } else {
            earlier((self.at(sent.max(connected), self.limits.first_byte_ms), UpstreamError::FirstByteTimeout), total)
        }
    }

    fn deadline_of_bodies(&self) -> (Instant, UpstreamError) {
        let total = (self.at(0, self.limits.total_ms), UpstreamError::TotalTimeout);
        // A buyer who lets his upload wait is who the exchange waits for, whatever the seller has sent until then.
        let awaits_buyer = self.awaits_upload.load(Ordering::Relaxed) || !self.awaits_download.load(Ordering::Relaxed);
        earlier(self.deadline_of_idling(awaits_buyer), total)
    }

    fn deadline_of_idling(&self, is_buyers_turn: bool) -> (Instant, UpstreamError) {
        let error = if is_buyers_turn { UpstreamError::ClientTimeout } else { UpstreamError::IdleTimeout };
        (self.at(self.moved_us.load(Ordering::Relaxed), self.limits.idle_ms), error)
    }

    fn at(&self, since_us: u64, span_ms: u64) -> Instant {
        let span = Duration::from_micros(since_us).saturating_add(Duration::from_millis(span_ms));
        self.started + span.min(FAR)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(NOT_YET - 1)
    }

    /// Records a failure and gives the one that counts, which is the first.
    pub(super) fn fail(&self, error: UpstreamError) -> UpstreamError {
        self.failure.lock().get_or_insert(error).clone()
    }

    /// The recorded failure, or `otherwise`: what one direction reports is often the echo of the other's.
    pub(super) fn failure_or(&self, otherwise: UpstreamError) -> UpstreamError {
        self.failure.lock().clone().unwrap_or(otherwise)
    }

    /// Closes both directions, now.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        let answer = self.answer.lock().take();
        drop(answer);
        self.upload_waker.wake();
        self.download_waker.wake();
    }

    /// Sends no more of the request: the seller has answered with a refusal before it was complete.
    pub(super) fn pause_upload(&self) {
        self.is_upload_paused.store(true, Ordering::Release);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    pub(super) fn is_upload_paused(&self) -> bool {
        self.is_upload_paused.load(Ordering::Acquire)
    }

    pub(super) fn wake_upload_by(&self, waker: &Waker) {
        self.upload_waker.register(waker);
    }

    pub(super) fn wake_download_by(&self, waker: &Waker) {
        self.download_waker.register(waker);
    }
}

fn earlier(left: (Instant, UpstreamError), right: (Instant, UpstreamError)) -> (Instant, UpstreamError) {
    if left.0 <= right.0 { left } else { right }
}

/// Cancels the exchange when it is dropped: with the future that waits for the head, or with the body.
pub(super) struct CancelOnDrop(pub(super) Arc<Exchange>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
