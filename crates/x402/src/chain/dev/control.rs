//! Anvil's own methods: blocks on demand, balances and code by decree, back to an earlier state.

use super::DevError;
use crate::chain::rpc::{Call, Rpc, RpcError};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::{Value, json};

/// Enough gas for anything that is deployed here.
const GAS: &str = "0x4c4b40";

impl Rpc {
    /// Makes so many blocks.
    ///
    /// # Errors
    /// Where the node is no anvil.
    pub async fn dev_mine(&self, blocks: u64) -> Result<(), RpcError> {
        self.dev("anvil_mine", json!([format!("{blocks:#x}")])).await.map(|_| ())
    }

    /// Gives an account this native balance, in wei.
    ///
    /// # Errors
    /// Where the node is no anvil.
    pub async fn dev_set_balance(&self, of: Address, wei: U256) -> Result<(), RpcError> {
        self.dev("anvil_setBalance", json!([of, wei])).await.map(|_| ())
    }

    /// Makes the next block ask for this base fee, in wei per unit of gas.
    ///
    /// # Errors
    /// Where the node is no anvil.
    pub async fn dev_set_base_fee(&self, wei: u64) -> Result<(), RpcError> {
        self.dev("anvil_setNextBlockBaseFeePerGas", json!([format!("{wei:#x}")])).await.map(|_| ())
    }

    /// Remembers the state.
    ///
    /// # Errors
    /// Where the node is no anvil.
    pub async fn dev_snapshot(&self) -> Result<Value, RpcError> {
        self.dev("evm_snapshot", json!([])).await
    }

    /// Goes back to a remembered state: blocks made since are gone, as after a reorganisation.
    ///
    /// # Errors
    /// Where the node is no anvil.
    pub async fn dev_revert(&self, snapshot: Value) -> Result<(), RpcError> {
        self.dev("evm_revert", json!([snapshot])).await.map(|_| ())
    }

    /// Takes back so many blocks and makes as many empty ones; what was in them is forgotten.
    ///
    /// # Errors
    /// Where the node is no anvil.
    pub async fn dev_reorg(&self, blocks: u64) -> Result<(), RpcError> {
        self.dev("anvil_reorg", json!([blocks, []])).await.map(|_| ())
    }

    /// Sends from one of anvil's own accounts, without a signature; answers the hash.
    ///
    /// # Errors
    /// Where the node refuses.
    pub async fn dev_send(&self, from: Address, to: Address, data: &[u8]) -> Result<B256, RpcError> {
        let call = json!({"from": from, "to": to, "data": Bytes::copy_from_slice(data), "gas": GAS});
        let hash = self.dev("eth_sendTransaction", json!([call])).await?;
        serde_json::from_value(hash).map_err(|_| RpcError::Unknown("the answer is no hash".to_owned()))
    }

    /// Sends all of these from one account, makes a block and checks that none was reverted.
    pub(super) async fn dev_send_all(&self, from: Address, to: Address, calls: &[Vec<u8>]) -> Result<(), DevError> {
        let mut hashes = Vec::with_capacity(calls.len());
        for call in calls {
            hashes.push(self.dev_send(from, to, call).await?);
        }
        self.dev_mine(1).await?;
        for receipt in self.receipts(&hashes).await? {
            if !receipt?.is_some_and(|receipt| receipt.succeeded) {
                return Err(DevError::Contract("a transaction that sets it up failed"));
            }
        }
        Ok(())
    }

    /// Puts code where none was deployed.
    /// Puts code at an address.
    ///
    /// # Errors
    /// Where the node is no anvil.
    pub async fn dev_set_code(&self, at: Address, code: &[u8]) -> Result<(), RpcError> {
        self.dev("anvil_setCode", json!([at, Bytes::copy_from_slice(code)])).await.map(|_| ())
    }

    pub(super) async fn dev_set_storage(&self, at: Address, slot: B256, value: B256) -> Result<(), RpcError> {
        self.dev("anvil_setStorageAt", json!([at, slot, value])).await.map(|_| ())
    }

    /// What a creation would leave as code, without creating anything.
    pub(super) async fn dev_runtime(&self, from: Address, creation: &[u8]) -> Result<Bytes, RpcError> {
        let call = json!({"from": from, "data": Bytes::copy_from_slice(creation)});
        let code = self.call(Call::new("eth_call", json!([call, "latest"]))).await?;
        serde_json::from_value(code).map_err(|_| RpcError::Unknown("the answer is no code".to_owned()))
    }

    async fn dev(&self, method: &'static str, params: Value) -> Result<Value, RpcError> {
        self.call_changing(Call::new(method, params)).await
    }
}
