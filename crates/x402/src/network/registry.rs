//! The networks that a process takes payments on, found by either of their names.

use std::sync::Arc;

use super::{ChainId, Network, builtin};

/// A configured network that can't be used. `field` is dotted, `rule` completes a sentence that begins with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct NetworkError {
    pub field: String,
    pub rule: &'static str,
}

/// Networks by id and by name. Cheap to look up; there are few.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    all: Vec<Arc<Network>>,
}

impl NetworkError {
    pub(super) fn new(field: impl Into<String>, rule: &'static str) -> Self {
        Self { field: field.into(), rule }
    }

    pub(super) fn within(self, parent: &str) -> Self {
        Self { field: format!("{parent}.{}", self.field), rule: self.rule }
    }
}

impl Networks {
    /// # Errors
    /// `chain_id` where two networks have the same.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Result<Self, NetworkError> {
        Self::of(networks.into_iter().map(Arc::new).collect())
    }

    /// Networks that are shared already.
    ///
    /// # Errors
    /// As `new`.
    pub fn of(all: Vec<Arc<Network>>) -> Result<Self, NetworkError> {
        for (index, network) in all.iter().enumerate() {
            if all.iter().take(index).any(|other| other.chain_id() == network.chain_id()) {
                return Err(NetworkError::new(format!("networks.{index}.chain_id"), "is that of another network"));
            }
        }
        Ok(Self { all })
    }

    /// The networks that come with Farebox: Base, Polygon, Avalanche and their test networks, with Circle's USDC.
    ///
    /// # Errors
    /// None that a test would not find.
    pub fn builtin() -> Result<Self, NetworkError> {
        Self::new(builtin::settings().map(Network::new).collect::<Result<Vec<_>, _>>()?)
    }

    pub fn all(&self) -> &[Arc<Network>] {
        &self.all
    }

    pub fn by_chain(&self, chain: ChainId) -> Option<&Arc<Network>> {
        self.all.iter().find(|network| network.chain_id() == chain)
    }

    /// By the name of either version: `eip155:8453` or `base`.
    pub fn by_name(&self, name: &str) -> Option<&Arc<Network>> {
        self.all.iter().find(|network| network.caip2().as_str() == name || network.v1_name() == Some(name))
    }
}
