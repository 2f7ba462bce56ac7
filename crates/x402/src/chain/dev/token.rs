//! Circle's FiatToken 2.2, which USDC is, where published clients expect USDC.
//!
//! The code is put in place instead of deployed, because the address is that of another deployer; the storage that the
//! proxy's constructor would write is written with it.

use super::{DevError, DevRole};
use crate::chain::abi::encode::Args;
use crate::chain::abi::{Selector, dynamic, token};
use crate::chain::rpc::{CallAt, Rpc};
use alloy_primitives::{Address, B256, U256, address, b256};

/// Where published clients expect USDC on Base Sepolia.
pub const DEFAULT_TOKEN: Address = address!("036CbD53842c5426634e7929541eC2318f3dCF7e");

const SIGNATURE_CHECKER: &[u8] = include_bytes!("contracts/signature_checker.bin");
const FIAT_TOKEN: &[u8] = include_bytes!("contracts/fiat_token_v2_2.bin");
const FIAT_TOKEN_PROXY: &[u8] = include_bytes!("contracts/fiat_token_proxy.bin");
/// Where the token's code names the library.
const LIBRARY_PLACES: [usize; 2] = [18_494, 20_209];

const LIBRARY_AT: Address = address!("000000000000000000000000000000fa2eb00001");
const IMPLEMENTATION_AT: Address = address!("000000000000000000000000000000fa2eb00002");
/// keccak256 of `org.zeppelinos.proxy.implementation` and of `org.zeppelinos.proxy.admin`.
const IMPLEMENTATION_SLOT: B256 = b256!("7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3");
const ADMIN_SLOT: B256 = b256!("10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b");

const INITIALIZE: Selector = [0x33, 0x57, 0x16, 0x2b];
const INITIALIZE_V2: Selector = [0xd6, 0x08, 0xea, 0x64];
const INITIALIZE_V2_1: Selector = [0x2f, 0xc8, 0x1e, 0x09];
const INITIALIZE_V2_2: Selector = [0x43, 0x02, 0x39, 0xb4];
const CONFIGURE_MINTER: Selector = [0x4e, 0x44, 0xd9, 0x56];
const MINT: Selector = [0x40, 0xc1, 0x0f, 0x19];

/// A token in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub address: Address,
    /// For the EIP-712 domain.
    pub name: String,
    pub version: String,
    pub domain_separator: B256,
}

/// Puts the token at an address under a name, with [`DevRole::Minter`] as its owner and minter.
///
/// # Errors
/// Where the node is no anvil, or something is there already.
pub async fn token_deploy(rpc: &Rpc, at: Address, name: &str) -> Result<Token, DevError> {
    let key = |role: DevRole| role.key().map(|key| key.address()).map_err(|_| DevError::Contract("no key"));
    let (deployer, minter) = (key(DevRole::Deployer)?, key(DevRole::Minter)?);
    let library = rpc.dev_runtime(deployer, SIGNATURE_CHECKER).await?;
    rpc.dev_set_code(LIBRARY_AT, &library).await?;
    let implementation = rpc.dev_runtime(deployer, &linked()?).await?;
    rpc.dev_set_code(IMPLEMENTATION_AT, &implementation).await?;
    let creation = [FIAT_TOKEN_PROXY, IMPLEMENTATION_AT.into_word().as_slice()].concat();
    let proxy = rpc.dev_runtime(deployer, &creation).await?;
    rpc.dev_set_code(at, &proxy).await?;
    rpc.dev_set_storage(at, IMPLEMENTATION_SLOT, IMPLEMENTATION_AT.into_word()).await?;
    rpc.dev_set_storage(at, ADMIN_SLOT, deployer.into_word()).await?;
    rpc.dev_send_all(minter, at, &set_up(name, minter, deployer)).await?;
    let read = async |data: Vec<u8>| rpc.eth_call(Some(minter), at, &data, CallAt::Latest).await;
    let separator = read(token::domain_separator()).await?;
    let text = |answer: &[u8]| dynamic(answer).map(|text| String::from_utf8_lossy(text).into_owned());
    Ok(Token {
        address: at,
        name: text(&read(token::name()).await?).ok_or(DevError::Contract("it has no name"))?,
        version: text(&read(token::version()).await?).ok_or(DevError::Contract("it has no version"))?,
        domain_separator: B256::try_from(separator.as_ref()).map_err(|_| DevError::Contract("it has no domain"))?,
    })
}

impl Token {
    /// Makes new money, in the token's smallest unit.
    ///
    /// # Errors
    /// Where the node refuses.
    pub async fn mint(&self, rpc: &Rpc, to: Address, amount: U256) -> Result<(), DevError> {
        let minter = DevRole::Minter.key().map_err(|_| DevError::Contract("no key"))?.address();
        rpc.dev_send_all(minter, self.address, &[Args::new(2).address(to).word(amount).call(MINT)]).await
    }

    /// What an account has, in the token's smallest unit.
    ///
    /// # Errors
    /// Where the node does not answer.
    pub async fn balance(&self, rpc: &Rpc, of: Address) -> Result<U256, DevError> {
        let answer = rpc.eth_call(None, self.address, &token::balance_of(of), CallAt::Latest).await?;
        crate::chain::abi::word(&answer, 0).ok_or(DevError::Contract("it tells no balance"))
    }
}

fn linked() -> Result<Vec<u8>, DevError> {
    let mut code = FIAT_TOKEN.to_vec();
    for place in LIBRARY_PLACES {
        let slot = code.get_mut(place..place + 20).ok_or(DevError::Contract("its code is cut"))?;
        slot.copy_from_slice(LIBRARY_AT.as_slice());
    }
    Ok(code)
}

fn set_up(name: &str, minter: Address, lost_and_found: Address) -> Vec<Vec<u8>> {
    let owners = [minter; 4];
    let first = Args::new(8).bytes(b"USD Coin").bytes(b"USDC").bytes(b"USD").number(6);
    let billion = U256::from(1_000_000_000_000_000_000_u64);
    vec![
        owners.into_iter().fold(first, Args::address).call(INITIALIZE),
        Args::new(1).bytes(name.as_bytes()).call(INITIALIZE_V2),
        Args::new(1).address(lost_and_found).call(INITIALIZE_V2_1),
        Args::new(2).tuples(Vec::new()).bytes(b"USDC").call(INITIALIZE_V2_2),
        Args::new(2).address(minter).word(billion).call(CONFIGURE_MINTER),
    ]
}
