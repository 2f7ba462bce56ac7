//! How much a call of ours moves, read back from its bytes: for whoever reports a transaction that is gone.

use super::channels::DEPOSIT;
use super::permit2::{SETTLE_EXACT, SETTLE_UPTO};
use super::token::{TRANSFER_WITH_BYTES, TRANSFER_WITH_PARTS};
use super::word;
use alloy_primitives::U256;

/// The amount that a payment or a deposit moves, in its token's smallest unit; `None` for every other call.
pub fn amount_moved(call: &[u8]) -> Option<U256> {
    let (selector, args) = call.split_first_chunk::<4>()?;
    let place = match *selector {
        SETTLE_EXACT => 1,
        TRANSFER_WITH_BYTES | TRANSFER_WITH_PARTS => 2,
        SETTLE_UPTO => 4,
        DEPOSIT => 7,
        _ => return None,
    };
    word(args, place)
}

#[cfg(test)]
mod tests {
    use super::super::channels::{ChannelConfig, deposit, receivers};
    use super::super::permit2::{Permit, settle_exact, settle_upto};
    use super::super::token::{Authorization, transfer_with_bytes, transfer_with_parts};
    use super::*;
    use alloy_primitives::{Address, B256, Bytes};

    #[test]
    fn the_amount_of_each_payment_is_read_back() {
        let (one, signature) = (Address::repeat_byte(1), Bytes::from_static(&[9; 65]));
        let authorization = Authorization {
            from: one,
            to: one,
            value: U256::from(7),
            valid_after: U256::from(1),
            valid_before: U256::from(2),
            nonce: B256::repeat_byte(3),
        };
        let permit = Permit {
            owner: one,
            token: one,
            amount: U256::from(7),
            nonce: U256::from(1),
            deadline: U256::from(2),
            to: one,
            valid_after: U256::from(3),
        };
        let channel = ChannelConfig {
            payer: one,
            payer_authorizer: one,
            receiver: one,
            receiver_authorizer: one,
            token: one,
            withdraw_delay: 5,
            salt: B256::repeat_byte(6),
        };
        for call in [
            transfer_with_bytes(&authorization, &signature),
            transfer_with_parts(&authorization, 27, B256::ZERO, B256::ZERO),
            settle_exact(&permit, &signature),
            settle_upto(&Permit { amount: U256::from(9), ..permit }, U256::from(7), one, &signature),
            deposit(&channel, 7, one, &signature),
        ] {
            assert_eq!(amount_moved(&call), Some(U256::from(7)));
        }
        assert_eq!((amount_moved(&receivers(one, one)), amount_moved(&[])), (None, None));
    }
}
