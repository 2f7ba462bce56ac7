//! One endpoint: its rate, its health, and the exchange with it.

use super::wire::{self, Call};
use super::{Answers, RpcError};
use farebox_base::{Clock, Ticks};
use farebox_net::{Client, FetchLimits, full};
use http::{Request, StatusCode, header};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const FIRST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// A node's own word for "too many requests" (EIP-1474).
const LIMIT_EXCEEDED: i64 = -32005;

/// One endpoint of a network.
pub(super) struct Endpoint {
    url: String,
    host: String,
    client: Client,
    clock: Arc<dyn Clock>,
    limits: FetchLimits,
    /// Calls per second; 0: as many as come.
    rate: u32,
    state: Mutex<State>,
}

struct State {
    /// Thousandths of a call that may go at once; below zero where somebody waits already.
    credit: i128,
    filled: Ticks,
    /// Until when the endpoint rests after a failure: the span, and from when it counts.
    rest: Option<(Ticks, Duration)>,
}

impl Endpoint {
    pub(super) fn new(url: &Url, client: Client, clock: Arc<dyn Clock>, limits: FetchLimits, rate: u32) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        let state = State { credit: i128::from(rate) * 1_000, filled: clock.ticks(), rest: None };
        Self { url: url.to_string(), host, client, clock, limits, rate, state: Mutex::new(state) }
    }

    /// How long a request of so many calls would have to wait here: for the rate, or for the end of a rest.
    pub(super) fn delay(&self, calls: usize) -> Duration {
        let now = self.clock.ticks();
        let mut state = self.state.lock();
        let rest = state.rest.map_or(Duration::ZERO, |(since, span)| span.saturating_sub(now.since(since)));
        rest.max(self.shortfall(&mut state, now, calls))
    }

    /// Sends the calls, after a wait where the rate demands it.
    pub(super) async fn send(&self, calls: &[Call]) -> Result<Answers, RpcError> {
        let wait = {
            let now = self.clock.ticks();
            let mut state = self.state.lock();
            let wait = self.shortfall(&mut state, now, calls.len());
            state.credit -= cost(calls.len());
            wait
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let outcome = self.exchange(calls).await;
        self.learn(&outcome);
        outcome
    }

    fn shortfall(&self, state: &mut State, now: Ticks, calls: usize) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let rate = i128::from(self.rate);
        let earned =
            i128::try_from(now.since(state.filled).as_micros()).unwrap_or(i128::MAX).saturating_mul(rate) / 1_000;
        if earned > 0 {
            state.credit = state.credit.saturating_add(earned).min(rate * 1_000);
            state.filled = now;
        }
        // A batch larger than a second's worth goes once the bucket is full, and the debt holds back what follows.
        let missing = cost(calls).min(rate * 1_000) - state.credit;
        let micros = (missing.max(0) * 1_000 + rate - 1) / rate;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    async fn exchange(&self, calls: &[Call]) -> Result<Answers, RpcError> {
        let request = Request::post(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(full(wire::body(calls)))
            .map_err(|_| RpcError::NotSent(format!("{}: the endpoint's URL can't be used", self.host)))?;
        let answer = self.client.fetch(request, self.limits).await.map_err(|e| RpcError::of_net(&self.host, &e))?;
        let status = answer.status();
        if matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
        ) {
            return Err(RpcError::NotSent(format!("{}: status {status}", self.host)));
        }
        // Some nodes answer errors of JSON-RPC with a status of their own.
        match wire::answers(calls.len(), answer.body()) {
            Err(RpcError::Unknown(text)) => Err(RpcError::Unknown(format!("{}: status {status}, {text}", self.host))),
            Err(RpcError::Refused { code: LIMIT_EXCEEDED, .. }) => {
                Err(RpcError::NotSent(format!("{}: over its rate limit", self.host)))
            }
            read => read,
        }
    }

    /// After a failure the endpoint rests, longer each time; after an answer it is in order again.
    fn learn(&self, outcome: &Result<Answers, RpcError>) {
        let mut state = self.state.lock();
        match outcome {
            Ok(_) | Err(RpcError::Refused { .. }) => state.rest = None,
            Err(error) => {
                let span = state.rest.map_or(FIRST_REST, |(_, span)| (span * 2).min(LONGEST_REST));
                state.rest = Some((self.clock.ticks(), span));
                tracing::warn!(host = self.host, %error, "an RPC endpoint failed");
            }
        }
    }
}

fn cost(calls: usize) -> i128 {
    i128::try_from(calls).unwrap_or(i128::MAX).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::{ManualClock, Timestamp};
    use farebox_net::Policy;

    fn endpoint(rate: u32) -> (Endpoint, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000)));
        let limits = FetchLimits { timeout_ms: 1, max_response_bytes: 1 };
        let url = Url::parse("http://node.example/key").unwrap();
        (Endpoint::new(&url, Client::new(Policy::default()).unwrap(), clock.clone(), limits, rate), clock)
    }

    #[test]
    fn a_rate_lets_a_seconds_worth_go_at_once_and_then_asks_to_wait() {
        let (endpoint, clock) = endpoint(10);
        assert_eq!(endpoint.delay(10), Duration::ZERO);
        endpoint.state.lock().credit -= cost(10);
        assert_eq!(endpoint.delay(1), Duration::from_millis(100));
        clock.advance(Duration::from_millis(50));
        assert_eq!(endpoint.delay(1), Duration::from_millis(50));
        clock.advance(Duration::from_secs(5));
        assert_eq!(endpoint.delay(10), Duration::ZERO);
        assert_eq!(endpoint.delay(1_000), Duration::ZERO, "a larger batch needs a full bucket only");
    }

    #[test]
    fn an_endpoint_rests_longer_after_each_failure_and_not_after_an_answer() {
        let (endpoint, clock) = endpoint(0);
        let failed = || Err(RpcError::NotSent("no".to_owned()));
        endpoint.learn(&failed());
        assert_eq!(endpoint.delay(1), FIRST_REST);
        endpoint.learn(&failed());
        assert_eq!(endpoint.delay(1), FIRST_REST * 2);
        clock.advance(FIRST_REST * 2);
        assert_eq!(endpoint.delay(1), Duration::ZERO);
        endpoint.learn(&Ok(Vec::new()));
        endpoint.learn(&failed());
        assert_eq!(endpoint.delay(1), FIRST_REST);
    }
}
