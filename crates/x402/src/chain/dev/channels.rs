//! Payment channels and their collectors of deposits, at the addresses that published clients expect.
//!
//! The contracts are our own (`contracts/channels.sol`), as the published ones come with no bytecode.

use super::DevError;
use crate::chain::abi::channels::{BATCH_SETTLEMENT, ERC3009_COLLECTOR, PERMIT2_COLLECTOR};
use crate::chain::rpc::Rpc;
use alloy_primitives::hex;

const CHANNELS: &str = include_str!("contracts/channels.hex");
const EIP3009: &str = include_str!("contracts/eip3009_collector.hex");
const PERMIT2: &str = include_str!("contracts/permit2_collector.hex");

/// Puts channels in place. Deposits by Permit2 need `permit2_deploy` besides.
///
/// # Errors
/// Where the node is no anvil.
pub async fn channels_deploy(rpc: &Rpc) -> Result<(), DevError> {
    for (at, code) in [(BATCH_SETTLEMENT, CHANNELS), (ERC3009_COLLECTOR, EIP3009), (PERMIT2_COLLECTOR, PERMIT2)] {
        let code = hex::decode(code.replace('\n', "")).map_err(|_| DevError::Contract("its code is no hex"))?;
        rpc.dev_set_code(at, &code).await?;
    }
    Ok(())
}
