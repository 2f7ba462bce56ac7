//! Networks and the tokens on them: what their names are in both versions, and what a signature binds to.
//!
//! Owns the table of networks that come with Farebox and the checks of those that an operator adds. Knows no RPC
//! endpoint. Invariants: domain separators are computed when a network is made, never per payment; two networks of one
//! registry differ in id and in name.

mod builtin;
mod caip2;
mod registry;
mod token;

use std::sync::Arc;

use alloy_primitives::Address;

pub use caip2::{Caip2, Caip2Error, ChainId};
pub use registry::{NetworkError, Networks};
pub use token::{Eip712Name, Method, Token, TokenSettings};

use crate::evm::{Domain, contracts};

/// The names of version 1 whose chains are EVM chains; its clients refuse any other.
pub const V1_NAMES: &[(&str, u64)] = &[
    ("abstract", 2741),
    ("abstract-testnet", 11124),
    ("base-sepolia", 84532),
    ("base", 8453),
    ("avalanche-fuji", 43113),
    ("avalanche", 43114),
    ("iotex", 4689),
    ("sei", 1329),
    ("sei-testnet", 1328),
    ("polygon", 137),
    ("polygon-amoy", 80002),
    ("peaq", 3338),
    ("story", 1514),
    ("educhain", 41923),
    ("skale-base-sepolia", 324_705_682),
];

/// An EVM chain with the tokens that are taken on it.
#[derive(Debug, Clone)]
pub struct Network {
    caip2: Caip2,
    chain_id: ChainId,
    v1_name: Option<&'static str>,
    name: String,
    tokens: Vec<Arc<Token>>,
    permit2: Domain,
    channels: Domain,
}

/// A network as an operator configures it.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    pub chain_id: u64,
    /// For people: `Base Sepolia`. At most 64 characters.
    pub name: String,
    pub tokens: Vec<TokenSettings>,
}

impl Network {
    const NAME_CHARS_MAX: usize = 64;

    /// # Errors
    /// Names the field that breaks a rule.
    pub fn new(settings: NetworkSettings) -> Result<Self, NetworkError> {
        if settings.chain_id == 0 {
            return Err(NetworkError::new("chain_id", "must not be zero"));
        }
        if settings.name.is_empty() || settings.name.chars().count() > Self::NAME_CHARS_MAX {
            return Err(NetworkError::new("name", "must have 1 to 64 characters"));
        }
        let chain_id = ChainId::new(settings.chain_id);
        let mut tokens: Vec<Arc<Token>> = Vec::with_capacity(settings.tokens.len());
        for (index, token) in settings.tokens.into_iter().enumerate() {
            let token = Token::new(chain_id, token).map_err(|error| error.within(&format!("tokens.{index}")))?;
            if tokens.iter().any(|other| other.address() == token.address()) {
                return Err(NetworkError::new(format!("tokens.{index}.address"), "is that of another token"));
            }
            tokens.push(Arc::new(token));
        }
        Ok(Self {
            caip2: Caip2::eip155(chain_id),
            chain_id,
            v1_name: V1_NAMES.iter().find(|(_, id)| *id == settings.chain_id).map(|(name, _)| *name),
            name: settings.name,
            tokens,
            permit2: Domain::without_version("Permit2", chain_id, contracts::PERMIT2),
            channels: Domain::new("x402 Batch Settlement", "1", chain_id, contracts::BATCH_SETTLEMENT),
        })
    }

    pub const fn caip2(&self) -> &Caip2 {
        &self.caip2
    }

    pub const fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// The name in version 1; `None` where its clients know the chain by none.
    pub const fn v1_name(&self) -> Option<&'static str> {
        self.v1_name
    }

    /// For people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first is the usual one.
    pub fn tokens(&self) -> &[Arc<Token>] {
        &self.tokens
    }

    pub fn token(&self, address: Address) -> Option<&Arc<Token>> {
        self.tokens.iter().find(|token| token.address() == address)
    }

    pub fn token_by_symbol(&self, symbol: &str) -> Option<&Arc<Token>> {
        self.tokens.iter().find(|token| token.symbol().eq_ignore_ascii_case(symbol))
    }

    /// The domain of Permit2 on this chain.
    pub const fn permit2(&self) -> Domain {
        self.permit2
    }

    /// The domain of the batch-settlement contract on this chain.
    pub const fn channels(&self) -> Domain {
        self.channels
    }
}
