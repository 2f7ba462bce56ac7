//! How payments on one chain are doing, as the health replies of several doors show it.

use schemars::JsonSchema;
use serde::Serialize;

/// A chain on which this server settles from its own gas wallet.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NetworkHealth {
    /// In CAIP-2.
    #[schemars(example = &"eip155:8453")]
    pub network: String,
    /// `ok`; `low_gas`, where the gas wallet wants coins soon; `paused`, where it has too little for new payments;
    /// `unreachable`, where no endpoint answered when the chain was asked last.
    #[schemars(example = &"ok")]
    pub status: String,
    /// The address of the gas wallet.
    pub gas_wallet: String,
    /// What it has, in the network's own coin, as a decimal text; `null` until it was read.
    #[schemars(example = &"0.25")]
    pub gas_balance: Option<String>,
    /// Transactions that were sent and are not final.
    pub transactions_in_flight: u64,
}
