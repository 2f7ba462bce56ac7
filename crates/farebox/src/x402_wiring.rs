//! From `[x402]` to what chains and facilitators are made of: settings, keys, addresses, the client that reaches them.
//!
//! Reads the gas key's file; reaches no chain. Invariant: whoever holds a `NetworkWiring` knows who receives, and has a
//! gas key where one is needed.

use crate::config::{Config, Route, X402};
use crate::wiring;
use alloy_primitives::Address;
use farebox_api_types::Secret;
use farebox_base::{Error, Result};
use farebox_net::{AllowRule, Client};
use farebox_x402::chain::ChainSettings;
use farebox_x402::evm::SigningKey;
use farebox_x402::network::Network;
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// One network on which payments are taken.
#[derive(Debug, Clone)]
pub struct NetworkWiring {
    /// With its tokens, the usual one first.
    pub network: Arc<Network>,
    /// Who receives for the gateway.
    pub pay_to: Address,
    pub settler: Settler,
}

/// Who verifies on chain and settles.
#[derive(Debug, Clone)]
pub enum Settler {
    /// Our own gas wallet.
    Own { key: SigningKey, settings: Box<ChainSettings> },
    /// Somebody else's facilitator. The token is a bearer's; the chain is only looked at.
    Remote { url: Url, token: Option<Secret>, chain: Option<Box<ChainSettings>> },
}

/// The networks of the configuration, the preferred one first; none where payments on chain are off.
///
/// # Errors
/// `Unavailable`, naming the gas key's file and what is wrong with it; `Invalid` for what the configuration's check lets
/// through and the network refuses.
pub fn x402_networks(x402: &X402) -> Result<Vec<NetworkWiring>> {
    let gas = gas_key(x402)?;
    x402.listed()
        .map(|(name, section)| {
            let network = Network::new(section.network(name))
                .map_err(|error| Error::invalid("x402.networks", format!("{name}: {error}")))?;
            let missing = |what: &str| Error::invalid("x402.networks", format!("{name} has no {what}"));
            let settler = match section.route(name) {
                Route::Chain(settings) => {
                    Settler::Own { key: gas.clone().ok_or_else(|| missing("gas key"))?, settings }
                }
                Route::Facilitator { url, token, chain } => Settler::Remote { url, token, chain },
            };
            let pay_to = section.pay_to.or(gas.as_ref().map(SigningKey::address));
            let pay_to = pay_to.ok_or_else(|| missing("address to pay to"))?;
            Ok(NetworkWiring { network: Arc::new(network), pay_to, settler })
        })
        .collect()
}

/// The client for chains and facilitators: that of `[net]`, and besides allowed wherever the operator's own URLs of
/// `[x402]` lead, which are no strangers' input.
///
/// # Errors
/// Those of the client.
pub fn x402_client(config: &Config) -> Result<Client> {
    let sections = config.x402.listed().map(|(_, section)| section);
    let urls = sections.flat_map(|section| section.rpc_urls.iter().chain(&section.facilitator_url));
    wiring::client_allowing(config, urls.filter_map(|url| place(url.get())).collect())
}

/// The rule that allows an endpoint's host and port.
fn place(url: &Url) -> Option<AllowRule> {
    format!("{}:{}", url.host_str()?, url.port_or_known_default()?).parse().ok()
}

/// The key of the gas wallet; `None` where there is none, or payments on chain are off.
///
/// # Errors
/// `Unavailable`, naming the file.
pub(crate) fn gas_key(x402: &X402) -> Result<Option<SigningKey>> {
    if let Some(key) = &x402.gas_key {
        return SigningKey::from_hex(key.expose()).map(Some).map_err(|_| unusable("FAREBOX_X402_GAS_KEY holds no key"));
    }
    let Some(file) = x402.gas_key_file.as_deref().filter(|_| x402.is_on()) else { return Ok(None) };
    read_gas_key(file).map(Some)
}

fn read_gas_key(file: &Path) -> Result<SigningKey> {
    let text = std::fs::read_to_string(file).map_err(|e| unusable(format!("can't read {}: {e}", file.display())))?;
    SigningKey::from_hex(&text)
        .map_err(|_| unusable(format!("{} must hold a private key: 64 hex digits", file.display())))
}

fn unusable(message: impl Into<String>) -> Error {
    Error::unavailable(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigSources, load};

    const KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
    const WALLET: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    const PAYEE: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

    fn config(settings: &[(&str, &str)]) -> Config {
        let overrides = settings.iter().map(|(key, value)| (format!("x402.{key}"), (*value).to_owned())).collect();
        load(ConfigSources { file: None, env: [], overrides }).unwrap()
    }

    fn key_file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn each_network_knows_who_settles_and_who_receives() {
        let key = key_file(&format!("{KEY}\n"));
        let config = config(&[
            ("networks", "base-sepolia,base,polygon"),
            ("gas_key_file", key.path().to_str().unwrap()),
            ("network.base-sepolia.rpc_urls", "http://127.0.0.1:8545"),
            ("network.base.rpc_urls", "https://rpc.example"),
            ("network.base.pay_to", PAYEE),
            ("network.polygon.facilitator_url", "https://f.example"),
            ("network.polygon.facilitator_token", "hunter2"),
            ("network.polygon.rpc_urls", "https://look.example"),
        ]);
        let [sepolia, base, polygon] = x402_networks(&config.x402).unwrap().try_into().unwrap();
        assert_eq!(sepolia.pay_to.to_string(), WALLET);
        assert_eq!((base.pay_to.to_string().as_str(), base.network.name()), (PAYEE, "Base"));
        let Settler::Own { key, settings } = &sepolia.settler else { panic!("{sepolia:?}") };
        assert_eq!((key.address().to_string().as_str(), settings.chain_id), (WALLET, 84532));
        let Settler::Remote { url, token, chain: Some(looked_at) } = &polygon.settler else { panic!("{polygon:?}") };
        assert_eq!((url.as_str(), token.as_ref().unwrap().expose().as_str()), ("https://f.example/", "hunter2"));
        assert_eq!(polygon.pay_to.to_string(), WALLET);
        assert_eq!((looked_at.chain_id, looked_at.rpc_urls.len()), (137, 1));
        let shown = format!("{:?}", [sepolia.clone(), polygon]);
        assert!(!shown.contains(&KEY[2..]) && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn endpoints_of_the_own_network_may_be_reached_and_others_may_not() {
        let config = config(&[
            ("networks", "base"),
            ("network.base.facilitator_url", "http://127.0.0.1:4021/x402"),
            ("network.base.pay_to", PAYEE),
        ]);
        let client = x402_client(&config).unwrap();
        let is_allowed = |url: &str| client.check_url("url", &Url::parse(url).unwrap()).is_ok();
        assert!(is_allowed("http://127.0.0.1:4021/verify"));
        assert!(!is_allowed("http://127.0.0.1:4022/verify"));
        assert!(
            wiring::client(&config).unwrap().check_url("url", &Url::parse("http://127.0.0.1:4021").unwrap()).is_err()
        );
    }

    #[test]
    fn without_networks_nothing_is_read_and_nothing_wired() {
        let empty = key_file("");
        let config = config(&[("gas_key_file", empty.path().to_str().unwrap())]);
        assert!(x402_networks(&config.x402).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_holds_no_key_is_named_and_not_shown() {
        let file = key_file("hunter2");
        let path = file.path().to_str().unwrap();
        let config =
            config(&[("networks", "base"), ("gas_key_file", path), ("network.base.rpc_urls", "https://r.example")]);
        let error = x402_networks(&config.x402).unwrap_err();
        assert!(
            error.internal.as_deref().unwrap_or(&error.message).contains(path)
                && !format!("{error:?}").contains("hunter2")
        );
    }
}
