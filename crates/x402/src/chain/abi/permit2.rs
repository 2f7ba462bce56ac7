//! Transfers by Permit2 through the two x402 proxies: the exact amount, or up to a maximum.

use super::encode::Args;
use super::{Selector, SignatureBytes};
use alloy_primitives::{Address, U256, address};

/// Permit2, the same on all chains.
pub const PERMIT2: Address = address!("000000000022D473030F116dDEE9F6B43aC78BA3");
/// The proxy that moves exactly what was signed.
pub const EXACT_PROXY: Address = address!("402085c248EeA27D92E8b30b2C58ed07f9E20001");
/// The proxy that moves at most what was signed.
pub const UPTO_PROXY: Address = address!("4020A4f3b7b90ccA423B9fabCc0CE57C6C240002");

pub(super) const SETTLE_EXACT: Selector = [0x13, 0xcd, 0x3b, 0x53];
pub(super) const SETTLE_UPTO: Selector = [0xff, 0x11, 0xe7, 0xb4];

pub(super) const NONCE_BITMAP: Selector = [0x4f, 0xe0, 0x2b, 0x44];

/// `PermitTransferFrom` as its owner signed it; amounts in the token's smallest unit, times in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    pub owner: Address,
    pub token: Address,
    pub amount: U256,
    pub nonce: U256,
    pub deadline: U256,
    /// The witness: who receives, and from when.
    pub to: Address,
    pub valid_after: U256,
}

/// `settle` of the exact proxy.
pub fn settle_exact(permit: &Permit, signature: &SignatureBytes) -> Vec<u8> {
    let args = permit.args(8).address(permit.owner).address(permit.to).word(permit.valid_after);
    args.bytes(signature).call(SETTLE_EXACT)
}

/// `settle` of the proxy with a maximum: moves `amount`. `facilitator` is who must send the transaction.
pub fn settle_upto(permit: &Permit, amount: U256, facilitator: Address, signature: &SignatureBytes) -> Vec<u8> {
    let args = permit.args(10).word(amount).address(permit.owner);
    args.address(permit.to).address(facilitator).word(permit.valid_after).bytes(signature).call(SETTLE_UPTO)
}

/// `nonceBitmap` of Permit2; answers the word whose bits tell which of 256 nonces are spent.
pub fn nonce_bitmap(owner: Address, nonce: U256) -> Vec<u8> {
    Args::new(2).address(owner).word(nonce >> 8).call(NONCE_BITMAP)
}

/// Whether the word that `nonce_bitmap` answers says that the nonce is spent.
pub fn is_nonce_spent(word: U256, nonce: U256) -> bool {
    word.bit(usize::from(nonce.byte(0)))
}

impl Permit {
    fn args(&self, words: usize) -> Args {
        Args::new(words).address(self.token).word(self.amount).word(self.nonce).word(self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, b256, keccak256};

    #[test]
    fn a_nonce_is_a_bit_of_its_word() {
        assert_eq!(keccak256("nonceBitmap(address,uint256)")[..4], NONCE_BITMAP);
        let nonce = U256::from(0x0102);
        assert!(is_nonce_spent(U256::from(4), nonce) && !is_nonce_spent(U256::from(8), nonce));
        assert_eq!(nonce_bitmap(Address::ZERO, nonce).last(), Some(&1));
    }

    /// The hashes are of what the published client library encodes from the same arguments.
    #[test]
    fn settlements_are_encoded_as_the_published_library_does() {
        let permit = Permit {
            owner: Address::repeat_byte(2),
            token: Address::repeat_byte(1),
            amount: U256::from(1_000),
            nonce: U256::from(7),
            deadline: U256::from(99),
            to: Address::repeat_byte(3),
            valid_after: U256::from(5),
        };
        let mut signature = vec![0xaa; 64];
        signature.push(0x1b);
        let signature = Bytes::from(signature);
        let exact = settle_exact(&permit, &signature);
        assert_eq!(keccak256(exact), b256!("447f5626e69782db280370f537dce606fddcdf38f4ee25e5e93e63e32be319fd"));
        let upto = settle_upto(&permit, U256::from(900), Address::repeat_byte(4), &signature);
        assert_eq!(keccak256(upto), b256!("852ffd176819cea95852cd0ea5aaea7a853a82ec96f4d1f6b053f76e66891561"));
    }
}
