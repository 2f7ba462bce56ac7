//! JSON-RPC over HTTP to the nodes of one network: single calls and batches, failover, rate limits.
//!
//! Owns what an error means for the caller: whether the request may have arrived. Knows no transaction of ours.
//! Invariants: reads go to the next endpoint after any failure; what changes the chain goes to another one only where
//! it surely did not arrive; no text of an error or of the log holds an endpoint's URL, since it may hold a key.

mod endpoint;
mod error;
mod methods;
mod receipt;
mod wire;

pub use error::RpcError;
pub use methods::{CallAt, Head};
pub use receipt::{Log, Receipt};
pub use wire::Call;

use super::settings::ChainSettings;
use endpoint::Endpoint;
use farebox_base::Clock;
use farebox_net::{Client, FetchLimits};
use serde_json::Value;
use std::sync::Arc;

/// The answer to each call of a batch.
pub type Answers = Vec<Result<Value, RpcError>>;

/// The endpoints of one network.
pub struct Rpc {
    endpoints: Vec<Endpoint>,
    batch_max: usize,
}

/// Whether a request changes the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    Changes,
}

impl Rpc {
    /// Endpoints of the settings. Nothing is asked until somebody calls.
    pub fn new(client: Client, clock: Arc<dyn Clock>, settings: &ChainSettings) -> Self {
        let limits = FetchLimits {
            timeout_ms: u64::try_from(settings.request_timeout.as_millis()).unwrap_or(u64::MAX),
            max_response_bytes: settings.response_bytes_max,
        };
        let endpoint =
            |url: &url::Url| Endpoint::new(url, client.clone(), clock.clone(), limits, settings.requests_per_second);
        Self { endpoints: settings.rpc_urls.iter().map(endpoint).collect(), batch_max: settings.batch_max.max(1) }
    }

    /// Asks one thing, of each endpoint in turn until one answers.
    ///
    /// # Errors
    /// `Refused` as the node says; otherwise that of the last endpoint.
    pub async fn call(&self, call: Call) -> Result<Value, RpcError> {
        single(self.send(std::slice::from_ref(&call), Effect::Reads).await?)
    }

    /// Asks several things at once, in as many requests as the limit of a batch demands.
    ///
    /// # Errors
    /// Where a whole request failed on all endpoints; what concerns one call is in its place.
    pub async fn batch(&self, calls: &[Call]) -> Result<Answers, RpcError> {
        let mut answers = Vec::with_capacity(calls.len());
        for part in calls.chunks(self.batch_max) {
            answers.extend(self.send(part, Effect::Reads).await?);
        }
        Ok(answers)
    }

    /// As [`Rpc::batch`], for calls that change the chain. Parts that failed as a whole have the error in each place.
    pub async fn batch_changing(&self, calls: &[Call]) -> Answers {
        let mut answers = Vec::with_capacity(calls.len());
        for part in calls.chunks(self.batch_max) {
            match self.send(part, Effect::Changes).await {
                Ok(some) => answers.extend(some),
                Err(error) => answers.extend(part.iter().map(|_| Err(error.clone()))),
            }
        }
        answers
    }

    /// As [`Rpc::call`], for a call that changes the chain.
    ///
    /// # Errors
    /// `NotSent`, `Unknown` or `Refused`.
    pub async fn call_changing(&self, call: Call) -> Result<Value, RpcError> {
        single(self.send(std::slice::from_ref(&call), Effect::Changes).await?)
    }

    async fn send(&self, calls: &[Call], effect: Effect) -> Result<Answers, RpcError> {
        let mut last = RpcError::NotSent("no endpoint is configured".to_owned());
        for endpoint in self.by_preference(calls.len()) {
            match endpoint.send(calls).await {
                Ok(answers) => return Ok(answers),
                Err(error @ RpcError::Refused { .. }) => return Err(error),
                Err(error) => {
                    let may_have_arrived = !matches!(error, RpcError::NotSent(_));
                    last = error;
                    if effect == Effect::Changes && may_have_arrived {
                        break;
                    }
                }
            }
        }
        Err(last)
    }

    /// Endpoints that are up and within their rate first, then those that would let us wait, then those that failed.
    fn by_preference(&self, calls: usize) -> Vec<&Endpoint> {
        let mut order: Vec<_> = self.endpoints.iter().map(|endpoint| (endpoint.delay(calls), endpoint)).collect();
        order.sort_by_key(|(delay, _)| *delay);
        order.into_iter().map(|(_, endpoint)| endpoint).collect()
    }
}

fn single(answers: Answers) -> Result<Value, RpcError> {
    answers.into_iter().next().unwrap_or_else(|| Err(RpcError::Unknown("the batch of one has no answer".to_owned())))
}
