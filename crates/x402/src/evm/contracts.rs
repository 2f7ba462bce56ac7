//! Addresses that are the same on every EVM chain: Permit2 and the contracts of the x402 schemes.

use alloy_primitives::{Address, address};

/// Uniswap's Permit2, which spends a payer's approval by signature.
pub const PERMIT2: Address = address!("000000000022D473030F116dDEE9F6B43aC78BA3");
/// The only spender of `exact` by Permit2.
pub const EXACT_PERMIT2_PROXY: Address = address!("402085c248EeA27D92E8b30b2C58ed07f9E20001");
/// The only spender of `upto`.
pub const UPTO_PERMIT2_PROXY: Address = address!("4020A4f3b7b90ccA423B9fabCc0CE57C6C240002");
/// The channels of `batch-settlement`.
pub const BATCH_SETTLEMENT: Address = address!("4020074e9dF2ce1deE5A9C1b5c3f541D02a10003");
/// Takes deposits into channels by EIP-3009.
pub const EIP3009_DEPOSIT_COLLECTOR: Address = address!("4020806089470a89826cB9fB1f4059150b550004");
/// Takes deposits into channels by Permit2.
pub const PERMIT2_DEPOSIT_COLLECTOR: Address = address!("4020425FAf3B746C082C2f942b4E5159887B0005");
