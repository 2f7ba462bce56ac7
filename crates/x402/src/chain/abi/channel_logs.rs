//! Events of payment channels: what came in, and what was paid out of them.

use super::channels::BATCH_SETTLEMENT;
use super::word;
use crate::chain::rpc::Log;
use alloy_primitives::{Address, B256, b256};

/// `Deposited(bytes32,address,uint128,uint128)`.
const DEPOSITED: B256 = b256!("6c2a09353b5e75e70d0b9778b80a413809bb235d46c211811c474b3346791d89");
/// `Settled(address,address,address,uint128)`.
const SETTLED: B256 = b256!("7337b4386b690fdb8ba66905b92b9d45d33bc6626ee2620c905fb150ec0cc47d");
/// `Refunded(bytes32,address,uint128)`.
const REFUNDED: B256 = b256!("a84286cf8ebc7903a663c77c8d99aa92b600d4c2fcca872a5d4a663db4eb394b");

/// Money that came into a channel, in the token's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposited {
    pub channel: B256,
    pub amount: u128,
}

/// Money that left the contract, in the token's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelEvent {
    /// To a receiver, of all its channels in a token.
    Settled { receiver: Address, token: Address, amount: u128 },
    /// To the payer of a channel.
    Refunded { channel: B256, amount: u128 },
}

impl Deposited {
    /// Reads a log; `None` where it is another event, of another contract, or has another shape.
    pub fn read(log: &Log) -> Option<Self> {
        let [DEPOSITED, channel, _sender] = *own(log)? else { return None };
        Some(Self { channel, amount: amount(log)? })
    }
}

impl ChannelEvent {
    /// Reads a log; `None` where it is another event, of another contract, or has another shape.
    pub fn read(log: &Log) -> Option<Self> {
        match *own(log)? {
            [SETTLED, receiver, token, _sender] => Some(Self::Settled {
                receiver: Address::from_word(receiver),
                token: Address::from_word(token),
                amount: amount(log)?,
            }),
            [REFUNDED, channel, _sender] => Some(Self::Refunded { channel, amount: amount(log)? }),
            _ => None,
        }
    }
}

fn own(log: &Log) -> Option<&[B256]> {
    (log.address == BATCH_SETTLEMENT).then_some(log.topics.as_slice())
}

fn amount(log: &Log) -> Option<u128> {
    u128::try_from(word(&log.data, 0)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, U256, keccak256};

    #[test]
    fn topics_are_the_hashes_of_the_signatures() {
        assert_eq!(DEPOSITED, keccak256("Deposited(bytes32,address,uint128,uint128)"));
        assert_eq!(SETTLED, keccak256("Settled(address,address,address,uint128)"));
        assert_eq!(REFUNDED, keccak256("Refunded(bytes32,address,uint128)"));
    }

    #[test]
    fn an_event_of_another_contract_is_no_deposit() {
        let channel = B256::repeat_byte(1);
        let data = Bytes::from([U256::from(5), U256::from(9)].map(|word| word.to_be_bytes::<32>()).concat());
        let good =
            Log { address: BATCH_SETTLEMENT, topics: vec![DEPOSITED, channel, B256::ZERO], data, transaction: None };
        assert_eq!(Deposited::read(&good), Some(Deposited { channel, amount: 5 }));
        assert_eq!(Deposited::read(&Log { address: Address::repeat_byte(3), ..good.clone() }), None);
        assert_eq!(Deposited::read(&Log { data: Bytes::new(), ..good.clone() }), None);
        assert_eq!(ChannelEvent::read(&good), None);
    }
}
