//! What the operator says about one network.

use std::time::Duration;
use url::Url;

/// Settings of one EVM network.
#[derive(Debug, Clone)]
pub struct ChainSettings {
    /// EIP-155 chain id; every endpoint must answer it.
    pub chain_id: u64,
    /// The network in CAIP-2: `eip155:8453`.
    pub caip2: String,
    /// JSON-RPC endpoints, the preferred one first.
    pub rpc_urls: Vec<Url>,
    /// Calls per second and endpoint; each call in a batch counts. 0: no limit.
    pub requests_per_second: u32,
    /// From a request to the last byte of its answer.
    pub request_timeout: Duration,
    pub response_bytes_max: usize,
    /// Calls in one JSON-RPC batch.
    pub batch_max: usize,
    /// Blocks, that of the transaction included, before an outcome is final. At least 1.
    pub confirmations: u64,
    /// Usual time between blocks; decides how often receipts are asked for.
    pub block_time_hint: Duration,
    /// A transaction that is next in line and not mined for this long is replaced by one with higher fees.
    pub stuck_after: Duration,
    /// How long a send waits for the end before it answers `Pending`.
    pub patience: Duration,
    /// The most that a unit of gas may cost, in wei; nothing is signed above it.
    pub max_fee_per_gas: u128,
    /// The least offered to whoever builds the block, in wei per unit of gas.
    pub min_priority_fee_per_gas: u128,
    /// Below this balance of the gas wallet, in wei, the operator is warned.
    pub low_balance_wei: u128,
    /// Below this balance nothing new is sent.
    pub pause_balance_wei: u128,
    /// How often the gas wallet's balance is read.
    pub balance_every: Duration,
}

impl ChainSettings {
    /// The defaults for one chain.
    pub fn of(chain_id: u64, rpc_urls: Vec<Url>) -> Self {
        Self { chain_id, caip2: format!("eip155:{chain_id}"), rpc_urls, ..Self::default() }
    }
}

impl Default for ChainSettings {
    /// Fit for an L2 with blocks every two seconds; chain id 0 and no endpoint are to be filled in.
    fn default() -> Self {
        Self {
            chain_id: 0,
            caip2: String::new(),
            rpc_urls: Vec::new(),
            requests_per_second: 0,
            request_timeout: Duration::from_secs(10),
            response_bytes_max: 8 << 20,
            batch_max: 100,
            confirmations: 2,
            block_time_hint: Duration::from_secs(2),
            stuck_after: Duration::from_secs(30),
            patience: Duration::from_secs(20),
            max_fee_per_gas: 100_000_000_000,
            min_priority_fee_per_gas: 1_000_000,
            low_balance_wei: 2_000_000_000_000_000,
            pause_balance_wei: 100_000_000_000_000,
            balance_every: Duration::from_secs(60),
        }
    }
}
