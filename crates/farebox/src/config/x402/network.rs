//! `[x402.network.NAME]`: one network.

use super::coin::{Coins, Gwei};
use super::name::NetworkName;
use super::token::TokenLine;
use super::url::{self, EndpointUrl};
use crate::config::check::{Broken, at_least, at_most, broken};
use crate::config::text;
use ::url::Url;
use alloy_primitives::Address;
use farebox_api_types::Secret;
use farebox_x402::chain::ChainSettings;
use farebox_x402::network::{Method, Network, NetworkSettings, Token, TokenSettings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Deeper than any chain in use goes back.
const CONFIRMATIONS_MOST: u64 = 1_000;
const BLOCK_TIME_LEAST_MS: u64 = 100;
const BLOCK_TIME_MOST_MS: u64 = 600_000;
/// Beyond its confirmations a settlement is waited for so many blocks before it is `Pending`.
const PATIENCE_BLOCKS: u64 = 5;

/// See `x402/network.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct X402Network {
    pub rpc_urls: Vec<EndpointUrl>,
    pub requests_per_second: u32,
    pub confirmations: u64,
    pub block_time_ms: u64,
    pub stuck_after_ms: u64,
    pub max_fee_gwei: Gwei,
    pub low_balance: Coins,
    pub pause_balance: Coins,
    #[serde(with = "super::address")]
    pub pay_to: Option<Address>,
    #[serde(with = "url::optional")]
    pub facilitator_url: Option<EndpointUrl>,
    #[serde(with = "text::optional_secret")]
    pub facilitator_token: Option<Secret>,
    pub tokens: Vec<TokenLine>,
}

/// How payments on a network are settled.
#[derive(Debug, Clone)]
pub enum Route {
    /// By our own gas wallet.
    Chain(Box<ChainSettings>),
    /// By somebody else's facilitator. The token is a bearer's; the chain is only looked at.
    Facilitator { url: Url, token: Option<Secret>, chain: Option<Box<ChainSettings>> },
}

impl X402Network {
    /// The network with its tokens: the operator's where there are any, else those that come with Farebox.
    pub fn network(&self, name: &NetworkName) -> NetworkSettings {
        let known = name.known();
        let tokens: Vec<TokenSettings> = if self.tokens.is_empty() {
            known.into_iter().flat_map(|network| network.tokens()).map(|token| settings_of(token)).collect()
        } else {
            self.tokens.iter().map(TokenLine::settings).collect()
        };
        let shown = known.map_or_else(|| name.to_string(), |network| network.name().to_owned());
        NetworkSettings { chain_id: name.chain().get(), name: shown, tokens }
    }

    /// Who settles, and with which settings.
    pub fn route(&self, name: &NetworkName) -> Route {
        let chain = Box::new(self.chain(name));
        match &self.facilitator_url {
            Some(url) => Route::Facilitator {
                url: url.get().clone(),
                token: self.facilitator_token.clone(),
                chain: (!self.rpc_urls.is_empty()).then_some(chain),
            },
            None => Route::Chain(chain),
        }
    }

    fn chain(&self, name: &NetworkName) -> ChainSettings {
        let urls = self.rpc_urls.iter().map(|url| url.get().clone()).collect();
        let usual = ChainSettings::of(name.chain().get(), urls);
        let block_time_hint = Duration::from_millis(self.block_time_ms);
        let blocks = u32::try_from(self.confirmations.saturating_add(PATIENCE_BLOCKS)).unwrap_or(u32::MAX);
        ChainSettings {
            requests_per_second: self.requests_per_second,
            confirmations: self.confirmations,
            block_time_hint,
            stuck_after: Duration::from_millis(self.stuck_after_ms),
            patience: usual.patience.max(block_time_hint.saturating_mul(blocks)),
            max_fee_per_gas: self.max_fee_gwei.wei(),
            low_balance_wei: self.low_balance.wei(),
            pause_balance_wei: self.pause_balance.wei(),
            ..usual
        }
    }

    pub(super) fn check(&self, name: &NetworkName) -> Result<(), Broken> {
        at_least(name.key("confirmations"), self.confirmations, 1)?;
        at_most(name.key("confirmations"), self.confirmations, CONFIRMATIONS_MOST)?;
        at_least(name.key("block_time_ms"), self.block_time_ms, BLOCK_TIME_LEAST_MS)?;
        at_most(name.key("block_time_ms"), self.block_time_ms, BLOCK_TIME_MOST_MS)?;
        at_least(name.key("stuck_after_ms"), self.stuck_after_ms, self.block_time_ms)?;
        if self.max_fee_gwei.wei() == 0 {
            return broken(name.key("max_fee_gwei"), "must be more than 0");
        }
        if self.pause_balance > self.low_balance {
            return broken(name.key("pause_balance"), "must not be more than low_balance");
        }
        if self.facilitator_token.is_some() && self.facilitator_url.is_none() {
            return broken(name.key("facilitator_token"), "must not be set without facilitator_url");
        }
        let is_sound = |token: &Secret| token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if !self.facilitator_token.as_ref().is_none_or(is_sound) {
            return broken(name.key("facilitator_token"), "must be printable, without spaces");
        }
        match Network::new(self.network(name)) {
            Ok(_) => Ok(()),
            Err(error) => broken(name.key("tokens"), format!("must be right: {error}")),
        }
    }

    /// What must be known where payments are taken.
    pub(super) fn check_listed(&self, name: &NetworkName, has_gas_key: bool) -> Result<(), Broken> {
        if self.tokens.is_empty() && name.known().is_none() {
            return broken(name.key("tokens"), "must hold a token: none is known on this network");
        }
        if self.facilitator_url.is_none() {
            if self.rpc_urls.is_empty() {
                return broken(name.key("rpc_urls"), "must hold an endpoint where facilitator_url is not set");
            }
            if !has_gas_key {
                let rule =
                    format!("must be set for {name}, as x402.gas_key may be, or {}", name.key("facilitator_url"));
                return broken("x402.gas_key_file", rule);
            }
        }
        if self.pay_to.is_none() && !has_gas_key {
            return broken(name.key("pay_to"), "must be set where there is no gas wallet");
        }
        Ok(())
    }
}

fn settings_of(token: &Token) -> TokenSettings {
    TokenSettings {
        address: token.checksummed().to_owned(),
        symbol: token.symbol().to_owned(),
        decimals: token.decimals().get(),
        name: token.name().as_str().to_owned(),
        version: token.version().as_str().to_owned(),
        has_eip3009: token.takes(Method::Eip3009),
    }
}
