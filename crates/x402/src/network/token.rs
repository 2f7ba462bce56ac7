//! A token that payments are made in, with the domain that its signatures bind to.

use std::fmt;

use alloy_primitives::Address;

use super::caip2::ChainId;
use super::registry::NetworkError;
use crate::amount::Decimals;
use crate::evm::{Domain, address};

/// How a token moves by a signature of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// The token itself checks the signature. Nothing has to be approved.
    Eip3009,
    /// Permit2 checks it; the owner has approved Permit2 once.
    Permit2,
}

/// Name or version of an EIP-712 domain: as the contract has it, not as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eip712Name(String);

/// A token as an operator configures it.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// 40 hex digits after `0x`.
    pub address: String,
    /// 1 to 16 characters: `USDC`.
    pub symbol: String,
    pub decimals: u8,
    /// Of the EIP-712 domain.
    pub name: String,
    /// Of the EIP-712 domain.
    pub version: String,
    /// Permit2 moves any token.
    pub has_eip3009: bool,
}

/// A token on its chain.
#[derive(Debug, Clone)]
pub struct Token {
    address: Address,
    checksummed: String,
    symbol: String,
    decimals: Decimals,
    name: Eip712Name,
    version: Eip712Name,
    has_eip3009: bool,
    domain: Domain,
}

impl Method {
    /// As `assetTransferMethod` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eip3009 => "eip3009",
            Self::Permit2 => "permit2",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Eip3009, Self::Permit2].into_iter().find(|method| method.as_str() == text)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Eip712Name {
    const BYTES_MAX: usize = 128;

    fn parse(text: String, field: &'static str) -> Result<Self, NetworkError> {
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(NetworkError::new(field, "must have 1 to 128 bytes"));
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Token {
    const SYMBOL_BYTES_MAX: usize = 16;

    /// # Errors
    /// Names the field that breaks a rule.
    pub fn new(chain: ChainId, settings: TokenSettings) -> Result<Self, NetworkError> {
        let address = address::parse(&settings.address)
            .filter(|address| !address.is_zero())
            .ok_or_else(|| NetworkError::new("address", "must be 40 hex digits after 0x, and not zero"))?;
        let is_symbol = |byte: u8| byte.is_ascii_graphic();
        if !(1..=Self::SYMBOL_BYTES_MAX).contains(&settings.symbol.len()) || !settings.symbol.bytes().all(is_symbol) {
            return Err(NetworkError::new("symbol", "must have 1 to 16 printable characters"));
        }
        let decimals = Decimals::new(settings.decimals)
            .ok_or_else(|| NetworkError::new("decimals", "must not be larger than 36"))?;
        let name = Eip712Name::parse(settings.name, "name")?;
        let version = Eip712Name::parse(settings.version, "version")?;
        Ok(Self {
            address,
            checksummed: address::checksummed(address),
            symbol: settings.symbol,
            decimals,
            domain: Domain::new(name.as_str(), version.as_str(), chain, address),
            name,
            version,
            has_eip3009: settings.has_eip3009,
        })
    }

    pub const fn address(&self) -> Address {
        self.address
    }

    /// The address with its checksum, as published clients look it up.
    pub fn checksummed(&self) -> &str {
        &self.checksummed
    }

    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    pub const fn decimals(&self) -> Decimals {
        self.decimals
    }

    /// Of the EIP-712 domain.
    pub const fn name(&self) -> &Eip712Name {
        &self.name
    }

    /// Of the EIP-712 domain.
    pub const fn version(&self) -> &Eip712Name {
        &self.version
    }

    pub const fn takes(&self, method: Method) -> bool {
        match method {
            Method::Eip3009 => self.has_eip3009,
            Method::Permit2 => true,
        }
    }

    /// EIP-3009 where the token has it.
    pub const fn usual_method(&self) -> Method {
        if self.has_eip3009 { Method::Eip3009 } else { Method::Permit2 }
    }

    /// What signatures over its transfers bind to.
    pub const fn domain(&self) -> Domain {
        self.domain
    }
}
