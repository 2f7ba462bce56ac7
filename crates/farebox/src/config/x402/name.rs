//! The name of a network in configuration.

use farebox_x402::network::{Caip2, ChainId, Network, Networks};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

static KNOWN: LazyLock<Networks> = LazyLock::new(|| Networks::builtin().unwrap_or_default());

/// A network that comes with Farebox (`base`), or another EVM chain by its number (`eip155:10`). One network has one
/// name: `eip155:8453` is read as `base`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkName {
    text: String,
    chain: ChainId,
}

impl NetworkName {
    /// Those that come with Farebox.
    pub(super) fn all() -> Vec<Self> {
        KNOWN.all().iter().map(|network| Self::of(network)).collect()
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// The network as it comes with Farebox; `None` for others.
    pub fn known(&self) -> Option<&'static Arc<Network>> {
        KNOWN.by_chain(self.chain)
    }

    /// `x402.network.base.rpc_urls` for `rpc_urls`.
    pub(in crate::config) fn key(&self, own: &str) -> String {
        format!("{}.{}.{own}", super::SECTIONS, self.text)
    }

    fn of(network: &Network) -> Self {
        let text = network.v1_name().unwrap_or(network.caip2().as_str()).to_owned();
        Self { text, chain: network.chain_id() }
    }
}

impl FromStr for NetworkName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(network) = KNOWN.by_name(text) {
            return Ok(Self::of(network));
        }
        let chain = Caip2::parse(text).ok().and_then(|caip2| caip2.chain_id());
        chain.map(|chain| Self { text: text.to_owned(), chain }).ok_or_else(|| {
            let known: Vec<String> = Self::all().into_iter().map(|name| name.text).collect();
            format!("must be one of {} or eip155:N, not {text:?}", known.join(", "))
        })
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for NetworkName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for NetworkName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
