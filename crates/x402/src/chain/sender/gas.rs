//! The gas wallet's balance: read now and then, told when it is low, and a stop before it is empty.

use super::SendError;
use crate::chain::rpc::{Rpc, RpcError};
use crate::chain::settings::ChainSettings;
use alloy_primitives::{Address, U256};
use farebox_base::{Clock, Timestamp};
use parking_lot::Mutex;
use std::time::Duration;

/// How often a balance that stops everything is read again.
const PAUSED_EVERY: Duration = Duration::from_secs(1);

/// What is known of a gas wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasState {
    /// In wei, when it was last read.
    pub balance_wei: U256,
    /// Below the operator's mark.
    pub low: bool,
    /// Too low for anything new to be sent.
    pub paused: bool,
}

/// Reads and remembers the balance.
pub(super) struct GasGauge {
    wallet: Address,
    low: U256,
    pause: U256,
    every: Duration,
    last: Mutex<Last>,
}

#[derive(Clone, Copy)]
struct Last {
    state: GasState,
    read_at: Option<Timestamp>,
}

impl GasGauge {
    pub(super) fn new(wallet: Address, settings: &ChainSettings) -> Self {
        let state = GasState { balance_wei: U256::ZERO, low: false, paused: false };
        Self {
            wallet,
            low: U256::from(settings.low_balance_wei),
            pause: U256::from(settings.pause_balance_wei),
            every: settings.balance_every,
            last: Mutex::new(Last { state, read_at: None }),
        }
    }

    pub(super) fn state(&self) -> GasState {
        self.last.lock().state
    }

    /// A node refused a transaction for want of funds: nothing new until the balance has been read again.
    pub(super) fn exhausted(&self) {
        let mut last = self.last.lock();
        if !std::mem::replace(&mut last.state.paused, true) {
            tracing::warn!(wallet = %self.wallet, balance_wei = %last.state.balance_wei, "the gas wallet can't pay for gas");
        }
    }

    /// Reads the balance where it is time to.
    pub(super) async fn refresh(&self, rpc: &Rpc, clock: &dyn Clock) -> Result<(), RpcError> {
        let before = *self.last.lock();
        let every = if before.state.paused { PAUSED_EVERY.min(self.every) } else { self.every };
        if before.read_at.is_some_and(|at| clock.now() < at.plus(every)) {
            return Ok(());
        }
        let balance_wei = rpc.balance(self.wallet).await?;
        let paused = balance_wei < self.pause;
        let state = GasState { balance_wei, low: balance_wei < self.low, paused };
        *self.last.lock() = Last { state, read_at: Some(clock.now()) };
        if state.low && (!before.state.low || before.read_at.is_none()) {
            tracing::warn!(wallet = %self.wallet, %balance_wei, paused, "the gas wallet is low; send it native coins");
        }
        Ok(())
    }

    /// # Errors
    /// `GasLow` where nothing new may be sent.
    pub(super) fn check(&self) -> Result<(), SendError> {
        let state = self.state();
        if state.paused {
            return Err(SendError::GasLow { balance_wei: state.balance_wei });
        }
        Ok(())
    }
}
