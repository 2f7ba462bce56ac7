//! What gas costs now: the next block's base fee and the usual priority fee, kept for a moment, within the operator's cap.

use super::rpc::{Rpc, RpcError};
use super::settings::ChainSettings;
use farebox_base::{Clock, Ticks};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long an answer of the chain is good.
const FRESH: Duration = Duration::from_secs(2);
/// How long an older answer still serves where the chain does not answer.
const STALE: Duration = Duration::from_secs(60);

/// Fees of one transaction, in wei per unit of gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasFees {
    pub max_fee_per_gas: u128,
    pub max_priority_fee_per_gas: u128,
}

/// Why there are no fees.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeeError {
    /// The chain asks for more than the operator allows; nothing was signed.
    #[error("gas costs {needed} wei per unit, and the limit is {limit}")]
    TooHigh { needed: u128, limit: u128 },
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

impl GasFees {
    /// Fees by which nodes let a transaction replace one that pays these: an eighth more (rounded up), and no less than
    /// what the chain asks at present.
    #[must_use]
    pub fn bumped(self, now: GasFees) -> Self {
        let more = |fee: u128| fee.saturating_add(fee / 8).saturating_add(1);
        let priority = more(self.max_priority_fee_per_gas).max(now.max_priority_fee_per_gas);
        let max = more(self.max_fee_per_gas).max(now.max_fee_per_gas).max(priority);
        Self { max_fee_per_gas: max, max_priority_fee_per_gas: priority }
    }
}

/// What the chain said last, in wei per unit of gas.
#[derive(Debug, Clone, Copy)]
struct Market {
    base: u128,
    priority: u128,
    at: Ticks,
}

/// The fees of one network. Many that ask at once cause one question.
pub struct Fees {
    rpc: Arc<Rpc>,
    clock: Arc<dyn Clock>,
    limit: u128,
    min_priority: u128,
    last: Mutex<Option<Market>>,
}

impl Fees {
    pub fn new(rpc: Arc<Rpc>, clock: Arc<dyn Clock>, settings: &ChainSettings) -> Self {
        let (limit, min_priority) = (settings.max_fee_per_gas, settings.min_priority_fee_per_gas);
        Self { rpc, clock, limit, min_priority, last: Mutex::new(None) }
    }

    /// Fees for a transaction that should be in one of the next blocks: twice the base fee and the usual priority fee, at
    /// most the limit.
    ///
    /// # Errors
    /// `TooHigh` where the next block costs more than the limit; `Rpc` where the chain does not answer.
    pub async fn now(&self) -> Result<GasFees, FeeError> {
        let market = self.market().await?;
        let priority = market.priority.max(self.min_priority);
        let needed = market.base.saturating_add(priority);
        if needed > self.limit {
            return Err(FeeError::TooHigh { needed, limit: self.limit });
        }
        let wanted = market.base.saturating_mul(2).saturating_add(priority);
        Ok(GasFees { max_fee_per_gas: wanted.min(self.limit), max_priority_fee_per_gas: priority })
    }

    /// The next block's base fee, in wei per unit of gas.
    ///
    /// # Errors
    /// Those of the chain.
    pub async fn base(&self) -> Result<u128, RpcError> {
        Ok(self.market().await?.base)
    }

    /// Fees for a replacement.
    ///
    /// # Errors
    /// `TooHigh` where it would cost more than the limit.
    pub async fn replacing(&self, old: GasFees) -> Result<GasFees, FeeError> {
        let fees = old.bumped(self.now().await?);
        if fees.max_fee_per_gas > self.limit {
            return Err(FeeError::TooHigh { needed: fees.max_fee_per_gas, limit: self.limit });
        }
        Ok(fees)
    }

    async fn market(&self) -> Result<Market, RpcError> {
        let mut last = self.last.lock().await;
        let age = last.map(|market| self.clock.ticks().since(market.at));
        if let (Some(market), Some(age)) = (*last, age)
            && age < FRESH
        {
            return Ok(market);
        }
        match self.rpc.fee_history().await {
            Ok((base, priority)) => {
                let market = Market { base, priority, at: self.clock.ticks() };
                *last = Some(market);
                Ok(market)
            }
            Err(error) => match (*last, age) {
                (Some(market), Some(age)) if age < STALE => Ok(market),
                _ => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_pays_an_eighth_more_even_where_that_is_less_than_one_wei() {
        let now = GasFees { max_fee_per_gas: 7, max_priority_fee_per_gas: 0 };
        let old = GasFees { max_fee_per_gas: 80, max_priority_fee_per_gas: 1 };
        assert_eq!(old.bumped(now), GasFees { max_fee_per_gas: 91, max_priority_fee_per_gas: 2 });
        let risen = GasFees { max_fee_per_gas: 500, max_priority_fee_per_gas: 3 };
        assert_eq!(old.bumped(risen), risen);
    }
}
