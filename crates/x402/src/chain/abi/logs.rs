//! Events of tokens: what moved, and which authorization was used.

use super::word;
use crate::chain::rpc::Log;
use alloy_primitives::{Address, B256, U256, b256};

/// `Transfer(address,address,uint256)` (ERC-20).
const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
/// `AuthorizationUsed(address,bytes32)` (EIP-3009).
const AUTHORIZATION_USED: B256 = b256!("98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5");

/// Tokens that moved, in the token's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    pub token: Address,
    pub from: Address,
    pub to: Address,
    pub value: U256,
}

/// A signed authorization that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorizationUsed {
    pub token: Address,
    pub authorizer: Address,
    pub nonce: B256,
}

impl Transfer {
    /// The event's first topic, to search logs by.
    pub const TOPIC: B256 = TRANSFER;

    /// Reads a log; `None` where it is another event or has another shape.
    pub fn read(log: &Log) -> Option<Self> {
        let [TRANSFER, from, to] = *log.topics.as_slice() else { return None };
        (log.data.len() == 32).then_some(())?;
        Some(Self { token: log.address, from: account(from)?, to: account(to)?, value: word(&log.data, 0)? })
    }
}

impl AuthorizationUsed {
    /// The event's first topic, to search logs by; authorizer and nonce follow.
    pub const TOPIC: B256 = AUTHORIZATION_USED;

    /// Reads a log; `None` where it is another event or has another shape.
    pub fn read(log: &Log) -> Option<Self> {
        let [AUTHORIZATION_USED, authorizer, nonce] = *log.topics.as_slice() else { return None };
        Some(Self { token: log.address, authorizer: account(authorizer)?, nonce })
    }
}

fn account(topic: B256) -> Option<Address> {
    let (zeros, address) = topic.split_at(12);
    zeros.iter().all(|byte| *byte == 0).then(|| Address::from_slice(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, keccak256};

    #[test]
    fn topics_are_the_hashes_of_the_signatures() {
        assert_eq!(TRANSFER, keccak256("Transfer(address,address,uint256)"));
        assert_eq!(AUTHORIZATION_USED, keccak256("AuthorizationUsed(address,bytes32)"));
    }

    #[test]
    fn an_event_of_another_shape_is_no_transfer() {
        let of = |byte| Address::repeat_byte(byte).into_word();
        let good = Log {
            address: Address::repeat_byte(1),
            topics: vec![TRANSFER, of(2), of(3)],
            data: Bytes::from(U256::from(9).to_be_bytes_vec()),
            transaction: None,
        };
        let read = Transfer::read(&good).unwrap();
        assert_eq!((read.from, read.value), (Address::repeat_byte(2), U256::from(9)));
        let with_id = Log { topics: vec![TRANSFER, of(2), of(3), of(4)], data: Bytes::new(), ..good.clone() };
        let dirty = Log { topics: vec![TRANSFER, B256::repeat_byte(2), of(3)], ..good.clone() };
        assert_eq!([Transfer::read(&with_id), Transfer::read(&dirty)], [None, None]);
        assert_eq!(AuthorizationUsed::read(&good), None);
    }
}
