//! Permit2 at its own address, by the factory that anvil has from the start (CREATE2).

use super::{DevError, DevRole};
use crate::chain::abi::permit2::PERMIT2;
use crate::chain::rpc::Rpc;
use alloy_primitives::{Address, B256, address, b256};

const CREATION: &[u8] = include_bytes!("contracts/permit2.bin");
const FACTORY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
const SALT: B256 = b256!("0000000000000000000000000000000000000000d3af2663da51c10215000000");

/// Deploys Permit2.
///
/// # Errors
/// Where the node is no anvil.
pub async fn permit2_deploy(rpc: &Rpc) -> Result<(), DevError> {
    let deployer = DevRole::Deployer.key().map_err(|_| DevError::Contract("no key"))?.address();
    rpc.dev_send_all(deployer, FACTORY, &[[SALT.as_slice(), CREATION].concat()]).await?;
    if rpc.code(PERMIT2).await?.is_empty() {
        return Err(DevError::Contract("Permit2 is not where it should be"));
    }
    Ok(())
}
