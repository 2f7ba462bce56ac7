//! `farebox demo --chain`: anvil with a token on it, and who has how much there.
//!
//! Its keys but the buyer's are the public ones of development chains.

mod channel;
mod story;

pub(super) use story::tell;

use super::Overrides;
use crate::cli::{fresh_key, write_key};
use alloy_primitives::{Address, U256};
use farebox_base::{Micros, SystemClock};
use farebox_x402::amount::Decimals;
use farebox_x402::chain::Rpc;
use farebox_x402::chain::dev::{
    Anvil, AnvilOptions, DEFAULT_TOKEN, DEV_KEYS, DevError, DevRole, Token, anvil_find, anvil_missing, channels_deploy,
    dev_rpc, token_deploy,
};
use farebox_x402::evm::SigningKey;
use farebox_x402::evm::address::checksummed;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the buyer begins with, in the token's smallest unit: one USDC.
const FORTUNE: u64 = 1_000_000;
/// The name of the token in its signatures, as published clients know it on this chain.
const TOKEN_NAME: &str = "USDC";
/// The network that the chain plays.
const NETWORK: &str = "base-sepolia";

const NO_ANVIL: &str = "farebox demo --chain needs anvil on the PATH, or FAREBOX_ANVIL with its place: \
                        `npm install @foundry-rs/anvil` in this folder is enough, or see https://getfoundry.sh";

/// The running chain and who is on it.
pub(super) struct Chain {
    anvil: Anvil,
    rpc: Rpc,
    token: Token,
    buyer: SigningKey,
    buyer_file: PathBuf,
    seller: Address,
    /// The gas wallet, which receives too unless the seller does.
    gateway: Address,
    gas_file: PathBuf,
    /// The seller's wallet receives.
    is_direct: bool,
}

/// What everybody has on chain at one moment.
#[derive(Debug, Clone, Copy)]
struct Balances {
    buyer: Micros,
    gateway: Micros,
    seller: Micros,
}

impl Chain {
    /// Starts it with a block each second, and gives a fresh buyer a dollar.
    ///
    /// # Errors
    /// Says how to get anvil where there is none, else what went wrong.
    pub(super) async fn start(folder: &Path, is_direct: bool) -> Result<Self, String> {
        if let Some(missing) = anvil_missing() {
            return Err(format!("FAREBOX_ANVIL names {}, and there is no such file", missing.display()));
        }
        let here = std::env::current_dir().unwrap_or_default();
        let program = anvil_find(&[here]).ok_or(NO_ANVIL)?;
        let options = AnvilOptions { block_time_s: Some(1), ..AnvilOptions::default() };
        let anvil = Anvil::start(&program, options).map_err(told)?;
        let rpc = dev_rpc(anvil.url(), Arc::new(SystemClock::default())).map_err(|error| error.message)?;
        let token = token_deploy(&rpc, DEFAULT_TOKEN, TOKEN_NAME).await.map_err(told)?;
        channels_deploy(&rpc).await.map_err(told)?;
        let (secret, buyer) = fresh_key()?;
        token.mint(&rpc, buyer.address(), U256::from(FORTUNE)).await.map_err(told)?;
        let gateway = DevRole::GasWallet.key().map_err(|error| error.to_string())?.address();
        let [_, gas_key, ..] = DEV_KEYS;
        Ok(Self {
            buyer_file: key_file(folder, "buyer.key", secret)?,
            gas_file: key_file(folder, "gas.key", gas_key.0)?,
            seller: fresh_key()?.1.address(),
            anvil,
            rpc,
            token,
            buyer,
            gateway,
            is_direct,
        })
    }

    /// What makes Farebox take payments on it.
    pub(super) fn overrides(&self) -> Overrides {
        vec![
            ("x402.networks", NETWORK.to_owned()),
            ("x402.gas_key_file", self.gas_file.display().to_string()),
            ("x402.receiver", if self.is_direct { "seller" } else { "gateway" }.to_owned()),
            ("x402.network.base-sepolia.rpc_urls", self.anvil.url().to_string()),
            ("x402.network.base-sepolia.confirmations", "1".to_owned()),
            ("x402.network.base-sepolia.block_time_ms", "1000".to_owned()),
            // What vouchers promise is claimed as soon as anybody looks.
            ("x402.channel_claim_after_s", "0".to_owned()),
        ]
    }

    /// A line for readers who go on by themselves.
    pub(super) fn what_next(&self, base: &str) -> String {
        let (buyer, chain) = (self.buyer_file.display(), self.anvil.url());
        let (path, token) = (story::PATH, checksummed(self.token.address));
        let [_, _, spare, _] = DEV_KEYS;
        format!(
            "pay from the buyer's wallet: farebox pay --wallet {buyer} '{base}{path}'\n  \
             - take payments on this chain with a server of yours: network {NETWORK}, rpc_urls = [\"{chain}\"],\n    \
             gas_key {spare}, which everybody knows and which has coins for gas\n  \
             - USDC there is {token}, and the buyer's wallet has some: {buyer}"
        )
    }

    async fn balances(&self) -> Result<Balances, String> {
        Ok(Balances {
            buyer: self.balance(self.buyer.address()).await?,
            gateway: self.balance(self.gateway).await?,
            seller: self.balance(self.seller).await?,
        })
    }

    async fn balance(&self, of: Address) -> Result<Micros, String> {
        let units = self.token.balance(&self.rpc, of).await.map_err(told)?;
        Decimals::SIX.to_micros(units).map_err(|error| format!("a balance {error}"))
    }
}

fn told(error: DevError) -> String {
    format!("the development chain: {error}")
}

fn key_file(folder: &Path, name: &str, secret: [u8; 32]) -> Result<PathBuf, String> {
    let file = folder.join(name);
    write_key(&file, secret).map(|()| file)
}
