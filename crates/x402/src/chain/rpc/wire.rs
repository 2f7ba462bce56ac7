//! JSON-RPC 2.0 as text: requests, batches and their answers, and Ethereum's hexadecimal values.

use super::{Answers, RpcError};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde_json::{Value, json};

/// Longer messages of nodes are cut; they go to logs and to reasons of failures.
const MESSAGE_CHARS_MAX: usize = 300;

/// One method with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: &'static str,
    pub params: Value,
}

impl Call {
    pub fn new(method: &'static str, params: Value) -> Self {
        Self { method, params }
    }
}

/// The body of a request; ids are positions.
pub(super) fn body(calls: &[Call]) -> String {
    let one =
        |(id, call): (usize, &Call)| json!({"jsonrpc": "2.0", "id": id, "method": call.method, "params": call.params});
    match calls {
        [call] => one((0, call)).to_string(),
        _ => Value::Array(calls.iter().enumerate().map(one).collect()).to_string(),
    }
}

/// Sorts the answers by their ids. A call without an answer may have had its effect.
pub(super) fn answers(count: usize, bytes: &[u8]) -> Result<Answers, RpcError> {
    let read: Value =
        serde_json::from_slice(bytes).map_err(|_| RpcError::Unknown("the answer is no JSON".to_owned()))?;
    let list = match read {
        Value::Array(list) => list,
        // A node that refuses a batch as a whole answers one object.
        one if count > 1 => {
            return Err(answer(one).err().unwrap_or_else(|| RpcError::Unknown("one answer for a batch".to_owned())));
        }
        one => vec![one],
    };
    let mut sorted: Answers =
        (0..count).map(|_| Err(RpcError::Unknown("no answer for this call".to_owned()))).collect();
    for one in list {
        let position = one.get("id").and_then(Value::as_u64).and_then(|id| usize::try_from(id).ok());
        let position = if count == 1 { Some(0) } else { position };
        if let Some(slot) = position.and_then(|at| sorted.get_mut(at)) {
            *slot = answer(one);
        }
    }
    Ok(sorted)
}

fn answer(mut one: Value) -> Result<Value, RpcError> {
    if let Some(error) = one.get("error").filter(|error| !error.is_null()) {
        let message = error.get("message").and_then(Value::as_str).unwrap_or("no message");
        return Err(RpcError::Refused {
            code: error.get("code").and_then(Value::as_i64).unwrap_or(0),
            message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
            data: error.get("data").and_then(revert_data),
        });
    }
    match one.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(RpcError::Unknown("an answer with neither result nor error".to_owned())),
    }
}

/// Nodes put the bytes of a revert either right here or one level deeper.
fn revert_data(data: &Value) -> Option<Bytes> {
    bytes(data).ok().or_else(|| data.get("data").and_then(|inner| bytes(inner).ok()))
}

fn unreadable(what: &str) -> RpcError {
    RpcError::Unknown(format!("the answer is no {what}"))
}

pub(super) fn number(value: &Value) -> Result<u64, RpcError> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or_else(|| unreadable("number of 64 bits"))
}

pub(super) fn wide(value: &Value) -> Result<u128, RpcError> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.and_then(|digits| u128::from_str_radix(digits, 16).ok()).ok_or_else(|| unreadable("number of 128 bits"))
}

pub(super) fn word(value: &Value) -> Result<U256, RpcError> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.and_then(|digits| U256::from_str_radix(digits, 16).ok()).ok_or_else(|| unreadable("number of 256 bits"))
}

pub(super) fn bytes(value: &Value) -> Result<Bytes, RpcError> {
    let text = value.as_str().filter(|text| text.starts_with("0x"));
    text.and_then(|text| hex::decode(text).ok()).map(Bytes::from).ok_or_else(|| unreadable("byte string"))
}

pub(super) fn hash(value: &Value) -> Result<B256, RpcError> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| unreadable("hash"))
}

pub(super) fn address(value: &Value) -> Result<Address, RpcError> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| unreadable("address"))
}

pub(super) fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_batch_are_sorted_by_id_and_a_missing_one_is_unknown() {
        let text = br#"[{"id":2,"result":"0x2"},{"id":0,"error":{"code":-32000,"message":"nonce too low"}},{"id":9,"result":1}]"#;
        let sorted = answers(3, text).unwrap();
        assert_eq!(sorted[2], Ok(json!("0x2")));
        assert!(matches!(sorted[1], Err(RpcError::Unknown(_))));
        assert!(
            matches!(&sorted[0], Err(RpcError::Refused { code: -32000, message, .. }) if message == "nonce too low")
        );
    }

    #[test]
    fn a_batch_that_a_node_refuses_as_a_whole_is_refused() {
        let text = br#"{"id":null,"error":{"code":-32600,"message":"batch too large"}}"#;
        assert!(matches!(answers(2, text), Err(RpcError::Refused { code: -32600, .. })));
        assert!(matches!(answers(2, b"<html>"), Err(RpcError::Unknown(_))));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        assert_eq!(number(&json!("0x10")), Ok(16));
        for wrong in [json!("0x1ffffffffffffffff"), json!("16"), json!(16), json!(null), json!("0x")] {
            assert!(number(&wrong).is_err(), "{wrong}");
        }
        assert!(bytes(&json!("0x123")).is_err());
    }
}
