//! A chain for development: anvil as a child process, and on it a token with EIP-3009 and Permit2.
//!
//! For tests and for the demonstration; nothing of the paid path uses it. The contracts are in `contracts/`, as their
//! published creation bytecode, so that nothing but anvil has to be installed. Its keys are public.

mod anvil;
mod channels;
mod control;
mod permit2;
mod token;

pub use anvil::{Anvil, AnvilOptions, anvil_find, anvil_missing};
pub use channels::channels_deploy;
pub use permit2::permit2_deploy;
pub use token::{DEFAULT_TOKEN, Token, token_deploy};

use super::rpc::{Rpc, RpcError};
use super::settings::ChainSettings;
use crate::evm::{KeyError, SigningKey};
use alloy_primitives::{B256, b256};
use farebox_base::Clock;
use farebox_net::{Client, Policy};
use std::sync::Arc;
use url::Url;

/// The chain id that published clients connect with [`DEFAULT_TOKEN`] (Base Sepolia's).
pub const DEV_CHAIN_ID: u64 = 84532;

/// Private keys that every anvil gives coins to: the deployer, the gas wallet, the payer and the minter.
pub const DEV_KEYS: [B256; 4] = [
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
];

/// Why the development chain is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    #[error("anvil can't be started: {0}")]
    Start(String),
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error("a contract is not as it should be: {0}")]
    Contract(&'static str),
}

/// Whose key is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevRole {
    /// Owns the token's proxy, and therefore cannot call the token.
    Deployer,
    GasWallet,
    Payer,
    Minter,
}

impl DevRole {
    /// The key of the role.
    ///
    /// # Errors
    /// None; the type says so because keys are checked.
    pub fn key(self) -> Result<SigningKey, KeyError> {
        let [deployer, gas, payer, minter] = DEV_KEYS;
        let bytes = match self {
            DevRole::Deployer => deployer,
            DevRole::GasWallet => gas,
            DevRole::Payer => payer,
            DevRole::Minter => minter,
        };
        SigningKey::from_bytes(bytes.0)
    }
}

/// A client that may reach this machine and nothing private besides.
///
/// # Errors
/// Those of the client.
pub fn loopback_client() -> farebox_base::Result<Client> {
    let allow = ["127.0.0.1", "::1"].into_iter().filter_map(|rule| rule.parse().ok()).collect();
    Client::new(Policy { allow, ..Policy::default() })
}

/// JSON-RPC to a development chain.
///
/// # Errors
/// Those of the client.
pub fn dev_rpc(url: &Url, clock: Arc<dyn Clock>) -> farebox_base::Result<Rpc> {
    Ok(Rpc::new(loopback_client()?, clock, &ChainSettings::of(DEV_CHAIN_ID, vec![url.clone()])))
}
