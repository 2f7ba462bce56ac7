//! `[x402]`: payments on chain, and `[x402.network.NAME]`: the chains that they are taken on.
//!
//! Owns the names of networks in configuration and what is usual on each. Reads no key file and reaches no chain.
//! Invariant: of a network that is listed it is known how payments are settled, who receives them and in which tokens.

mod address;
mod coin;
mod name;
mod network;
mod recipients;
mod token;
mod url;

pub use name::NetworkName;
pub use network::{Route, X402Network};
pub use recipients::RecipientList;

use super::check::{Broken, at_least, at_most, broken};
use super::layers::parse;
use super::{ConfigError, text};
use farebox_api_types::Secret;
use farebox_base::Micros;
use farebox_x402::evm::SigningKey;
use farebox_x402::offer::{ChannelTerms, Offer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Table;

/// The key that lists the networks.
pub(super) const LIST: &str = "x402.networks";
/// What the sections of networks stand in.
pub(super) const SECTIONS: &str = "x402.network";
/// What each network starts from, with a comment for every key.
const NETWORK_DEFAULTS: &str = include_str!("x402/network.toml");
/// Signatures are good for up to eight days, and until then a nonce must be remembered.
const KEPT_LEAST_DAYS: u32 = 9;
const KEPT_MOST_DAYS: u32 = 36_500;
/// Less than clients' clocks may be wrong by would refuse honest payments.
const TIMEOUT_LEAST_S: u32 = 10;

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct X402 {
    /// Those that payments are taken on, the preferred one first.
    pub networks: Vec<NetworkName>,
    #[serde(with = "text::optional_path")]
    pub gas_key_file: Option<PathBuf>,
    /// 64 hex digits, with or without `0x`.
    #[serde(with = "text::optional_secret")]
    pub gas_key: Option<Secret>,
    pub settle: Settle,
    /// What sellers may choose for their listings.
    pub orders_allowed: Vec<Settle>,
    #[serde(with = "text::amount")]
    pub later_max_usdc: Micros,
    pub timeout_s: u32,
    #[serde(with = "text::amount")]
    pub least_usdc: Micros,
    pub channels: bool,
    pub channel_withdraw_delay_s: u64,
    pub channel_claim_after_s: u32,
    #[serde(with = "text::amount")]
    pub channel_claim_usdc: Micros,
    pub channel_gone_after_s: u64,
    pub receiver: Receiver,
    /// The same.
    pub receivers_allowed: Vec<Receiver>,
    pub facilitator_recipients: RecipientList,
    pub sign_offers: bool,
    pub sign_receipts: bool,
    pub settlements_kept_days: u32,
    /// Those that are listed, and others that have a section.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub network: BTreeMap<NetworkName, X402Network>,
}

/// When a payment is settled, unless a listing says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Settle {
    /// After the work, which is not passed on before.
    After,
    /// Before the work.
    Before,
    /// Some time after the answer, up to `later_max_usdc`.
    Later,
}

/// Who receives payments on chain, unless a listing says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receiver {
    Gateway,
    Seller,
}

impl X402 {
    /// Whether payments on chain are taken at all.
    pub fn is_on(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Whether a payment may be settled after the answer.
    pub fn settles_later(&self) -> bool {
        self.settle == Settle::Later || self.orders_allowed.contains(&Settle::Later)
    }

    /// The listed networks with their settings, in the order of the list.
    pub fn listed(&self) -> impl Iterator<Item = (&NetworkName, &X402Network)> {
        self.networks.iter().filter_map(|name| Some((name, self.network.get(name)?)))
    }

    pub(super) fn check(&self) -> Result<(), Broken> {
        if let Some(name) = self
            .networks
            .iter()
            .enumerate()
            .find_map(|(at, name)| self.networks.iter().take(at).any(|earlier| earlier == name).then_some(name))
        {
            return broken(LIST, format!("must not name {name} twice"));
        }
        self.check_gas_key()?;
        at_least("x402.timeout_s", self.timeout_s, TIMEOUT_LEAST_S)?;
        at_most("x402.timeout_s", self.timeout_s, Offer::TIMEOUT_S_MAX)?;
        at_least("x402.settlements_kept_days", self.settlements_kept_days, KEPT_LEAST_DAYS)?;
        at_most("x402.settlements_kept_days", self.settlements_kept_days, KEPT_MOST_DAYS)?;
        if self.settles_later() && self.later_max_usdc.is_zero() {
            let rule = "must be more than 0 where x402.settle is \"later\" or x402.orders_allowed holds it";
            return broken("x402.later_max_usdc", rule);
        }
        if self.settle == Settle::Before && self.receiver == Receiver::Seller {
            let rule =
                "must be \"gateway\" where x402.settle is \"before\": until the work is done the money is the buyer's";
            return broken("x402.receiver", rule);
        }
        let delay = ("x402.channel_withdraw_delay_s", self.channel_withdraw_delay_s);
        at_least(delay.0, delay.1, *ChannelTerms::WITHDRAW_DELAY_S.start())?;
        at_most(delay.0, delay.1, *ChannelTerms::WITHDRAW_DELAY_S.end())?;
        if u64::from(self.channel_claim_after_s) > self.channel_withdraw_delay_s {
            return broken("x402.channel_claim_after_s", "must not be more than x402.channel_withdraw_delay_s");
        }
        at_least("x402.channel_gone_after_s", self.channel_gone_after_s, 1)?;
        let has_gas_key = self.gas_key.is_some() || self.gas_key_file.is_some();
        for (name, network) in &self.network {
            network.check(name)?;
            if self.networks.contains(name) {
                network.check_listed(name, has_gas_key)?;
            }
        }
        Ok(())
    }

    fn check_gas_key(&self) -> Result<(), Broken> {
        if self.gas_key.is_some() && self.gas_key_file.is_some() {
            return broken("x402.gas_key_file", "must not be set together with x402.gas_key");
        }
        if let Some(Err(error)) = self.gas_key.as_ref().map(|key| SigningKey::from_hex(key.expose())) {
            return broken("x402.gas_key", error.to_string());
        }
        match self.gas_key_file.as_ref().filter(|file| !file.is_file()) {
            Some(file) => broken("x402.gas_key_file", format!("must name a file; there is none at {}", file.display())),
            None => Ok(()),
        }
    }
}

/// What a network's keys are where nothing sets them.
pub(super) fn defaults(name: &NetworkName) -> Result<Table, ConfigError> {
    let mut sections = parse(Path::new("network.toml"), NETWORK_DEFAULTS)?;
    let usual = sections.remove(name.as_str());
    let take = |section: Option<toml::Value>| match section {
        Some(toml::Value::Table(table)) => table,
        _ => Table::new(),
    };
    let mut each = take(sections.remove("each"));
    each.extend(take(usual));
    Ok(each)
}

/// Every key of every network that has a name.
pub(super) fn named_keys() -> Vec<String> {
    let keys = own_keys();
    NetworkName::all().iter().flat_map(|name| keys.iter().map(|key| name.key(key))).collect()
}

/// The key that a variable of a network without a name sets, from the variable without its prefix:
/// `X402_NETWORK_EIP155_10_RPC_URLS`.
pub(super) fn key_of_numbered(variable: &str) -> Option<String> {
    let (number, key) = variable.strip_prefix("X402_NETWORK_EIP155_")?.split_once('_')?;
    let name: NetworkName = format!("eip155:{number}").parse().ok()?;
    let key = key.to_ascii_lowercase();
    own_keys().contains(&key).then(|| name.key(&key))
}

/// The network that a dotted key belongs to, and the key with the network's one name in it.
pub(super) fn network_of(key: &str) -> Option<(NetworkName, String)> {
    let (spelled, own) = key.strip_prefix(SECTIONS)?.strip_prefix('.')?.split_once('.')?;
    let name: NetworkName = spelled.parse().ok()?;
    let key = name.key(own);
    Some((name, key))
}

fn own_keys() -> Vec<String> {
    let sections = parse(Path::new("network.toml"), NETWORK_DEFAULTS).unwrap_or_default();
    let each = sections.get("each").and_then(toml::Value::as_table);
    each.into_iter().flat_map(|each| each.keys().cloned()).collect()
}

#[cfg(test)]
mod tests;
