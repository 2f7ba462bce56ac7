//! Contract calls as bytes, and what contracts answer (Solidity's contract ABI), for the few functions that are called.
//!
//! Owns the encodings; knows neither nodes nor keys. Selectors are constants, and a test derives them from the
//! functions' signatures.

mod channel_logs;
pub mod channels;
pub(super) mod encode;
mod logs;
mod moved;
pub mod permit2;
mod revert;
pub mod token;

pub use channel_logs::{ChannelEvent, Deposited};
pub use logs::{AuthorizationUsed, Transfer};
pub use moved::amount_moved;
pub use revert::revert_reason;

use alloy_primitives::{Address, B256, Bytes, U256};

/// The first four bytes of a call.
pub type Selector = [u8; 4];

/// Reads the word at `index` of an answer; `None` where the answer is shorter.
pub fn word(answer: &[u8], index: usize) -> Option<U256> {
    let start = index.checked_mul(32)?;
    answer.get(start..start.checked_add(32)?).map(U256::from_be_slice)
}

/// Reads a `bool`; `None` where the word is neither 0 nor 1.
pub fn flag(answer: &[u8]) -> Option<bool> {
    match word(answer, 0)? {
        U256::ZERO => Some(false),
        U256::ONE => Some(true),
        _ => None,
    }
}

/// Reads a `string` or `bytes` that is the answer's first value; `None` where it points outside of the answer.
pub fn dynamic(answer: &[u8]) -> Option<&[u8]> {
    let start = usize::try_from(word(answer, 0)?).ok()?;
    let rest = answer.get(start..)?;
    let length = usize::try_from(word(rest, 0)?).ok()?;
    rest.get(32..length.checked_add(32)?)
}

/// A signature in the form that contracts take as `bytes`: `r`, `s` and `v`, of 65 bytes for plain keys.
pub type SignatureBytes = Bytes;

fn padded(address: Address) -> B256 {
    address.into_word()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_points_outside_of_itself_is_no_text() {
        let text = |words: &[U256]| words.iter().flat_map(U256::to_be_bytes::<32>).collect::<Vec<u8>>();
        let good = text(&[U256::from(32), U256::from(2), U256::from(0x6869) << 240]);
        assert_eq!(dynamic(&good), Some(b"hi".as_slice()));
        for wrong in
            [text(&[U256::MAX]), text(&[U256::from(32), U256::MAX]), text(&[U256::from(32), U256::from(1)]), vec![]]
        {
            assert_eq!(dynamic(&wrong), None);
        }
        assert_eq!(flag(&text(&[U256::from(2)])), None);
    }
}
