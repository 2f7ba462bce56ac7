//! Receipts and logs as a node tells them.

use super::RpcError;
use super::wire::{address, bytes, hash, number, wide};
use alloy_primitives::{Address, B256, Bytes};
use serde_json::Value;

/// Logs of one answer beyond this are refused.
const LOGS_MAX: usize = 10_000;

/// What became of a transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub hash: B256,
    pub block: u64,
    pub block_hash: B256,
    pub from: Address,
    pub succeeded: bool,
    pub gas_used: u64,
    /// Wei per unit of gas.
    pub gas_price: u128,
    pub logs: Vec<Log>,
}

/// One event of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub address: Address,
    pub topics: Vec<B256>,
    pub data: Bytes,
    /// Absent where the log comes from a receipt that names it once.
    pub transaction: Option<B256>,
}

impl Receipt {
    /// Reads a receipt; `None` where the node has none, or one of a transaction that is in no block.
    ///
    /// # Errors
    /// `Unknown` where a field is missing or has another form.
    pub(super) fn read(value: &Value) -> Result<Option<Self>, RpcError> {
        if value.is_null() || field(value, "blockNumber").is_ok_and(Value::is_null) {
            return Ok(None);
        }
        Ok(Some(Self {
            hash: hash(field(value, "transactionHash")?)?,
            block: number(field(value, "blockNumber")?)?,
            block_hash: hash(field(value, "blockHash")?)?,
            from: address(field(value, "from")?)?,
            succeeded: number(field(value, "status")?)? == 1,
            gas_used: number(field(value, "gasUsed")?)?,
            gas_price: value.get("effectiveGasPrice").map_or(Ok(0), wide)?,
            logs: logs(field(value, "logs")?)?,
        }))
    }
}

pub(super) fn logs(value: &Value) -> Result<Vec<Log>, RpcError> {
    let list = value.as_array().filter(|list| list.len() <= LOGS_MAX);
    let list = list.ok_or_else(|| RpcError::Unknown("the answer is no list of logs".to_owned()))?;
    list.iter().map(log).collect()
}

fn log(value: &Value) -> Result<Log, RpcError> {
    let topics = field(value, "topics")?.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Log {
        address: address(field(value, "address")?)?,
        topics: topics.iter().map(hash).collect::<Result<_, _>>()?,
        data: bytes(field(value, "data")?)?,
        transaction: value.get("transactionHash").and_then(|value| hash(value).ok()),
    })
}

pub(super) fn field<'v>(value: &'v Value, name: &str) -> Result<&'v Value, RpcError> {
    value.get(name).ok_or_else(|| RpcError::Unknown(format!("the answer has no field {name}")))
}
