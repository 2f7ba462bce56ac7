//! Tokens: ERC-20 (balances, allowances) and transfers that their owner signed (EIP-3009).

use super::encode::Args;
use super::{Selector, SignatureBytes};
use alloy_primitives::{Address, B256, U256};

pub(super) const BALANCE_OF: Selector = [0x70, 0xa0, 0x82, 0x31];
pub(super) const ALLOWANCE: Selector = [0xdd, 0x62, 0xed, 0x3e];
pub(super) const APPROVE: Selector = [0x09, 0x5e, 0xa7, 0xb3];
pub(super) const AUTHORIZATION_STATE: Selector = [0xe9, 0x4a, 0x01, 0x02];
pub(super) const TRANSFER_WITH_PARTS: Selector = [0xe3, 0xee, 0x16, 0x0e];
pub(super) const TRANSFER_WITH_BYTES: Selector = [0xcf, 0x09, 0x29, 0x95];
pub(super) const NAME: Selector = [0x06, 0xfd, 0xde, 0x03];
pub(super) const VERSION: Selector = [0x54, 0xfd, 0x4d, 0x50];
pub(super) const DOMAIN_SEPARATOR: Selector = [0x36, 0x44, 0xe5, 0x15];

/// `TransferWithAuthorization` as its owner signed it; amounts in the token's smallest unit, times in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorization {
    pub from: Address,
    pub to: Address,
    pub value: U256,
    pub valid_after: U256,
    pub valid_before: U256,
    pub nonce: B256,
}

/// `balanceOf`; answers one word.
pub fn balance_of(account: Address) -> Vec<u8> {
    Args::new(1).address(account).call(BALANCE_OF)
}

/// `allowance`; answers one word.
pub fn allowance(owner: Address, spender: Address) -> Vec<u8> {
    Args::new(2).address(owner).address(spender).call(ALLOWANCE)
}

/// `approve`.
pub fn approve(spender: Address, amount: U256) -> Vec<u8> {
    Args::new(2).address(spender).word(amount).call(APPROVE)
}

/// `authorizationState`; answers whether the nonce is used or cancelled.
pub fn authorization_state(authorizer: Address, nonce: B256) -> Vec<u8> {
    Args::new(2).address(authorizer).hash(nonce).call(AUTHORIZATION_STATE)
}

/// `transferWithAuthorization` with the parts of a plain key's signature; `v` is 27 or 28.
pub fn transfer_with_parts(authorization: &Authorization, v: u8, r: B256, s: B256) -> Vec<u8> {
    authorization.args(9).number(v.into()).hash(r).hash(s).call(TRANSFER_WITH_PARTS)
}

/// `transferWithAuthorization` with a signature of any length, for tokens that ask contracts about theirs (EIP-1271).
pub fn transfer_with_bytes(authorization: &Authorization, signature: &SignatureBytes) -> Vec<u8> {
    authorization.args(7).bytes(signature).call(TRANSFER_WITH_BYTES)
}

/// `name`; answers a text.
pub fn name() -> Vec<u8> {
    NAME.to_vec()
}

/// `version`; answers a text.
pub fn version() -> Vec<u8> {
    VERSION.to_vec()
}

/// `DOMAIN_SEPARATOR` (EIP-712); answers one word.
pub fn domain_separator() -> Vec<u8> {
    DOMAIN_SEPARATOR.to_vec()
}

impl Authorization {
    fn args(&self, words: usize) -> Args {
        let args = Args::new(words).address(self.from).address(self.to).word(self.value);
        args.word(self.valid_after).word(self.valid_before).hash(self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, b256, keccak256};

    fn authorization() -> Authorization {
        Authorization {
            from: Address::repeat_byte(1),
            to: Address::repeat_byte(2),
            value: U256::from(3),
            valid_after: U256::from(4),
            valid_before: U256::from(5),
            nonce: B256::repeat_byte(6),
        }
    }

    #[test]
    fn selectors_are_those_of_the_signatures() {
        for (selector, signature) in [
            (BALANCE_OF, "balanceOf(address)"),
            (ALLOWANCE, "allowance(address,address)"),
            (APPROVE, "approve(address,uint256)"),
            (AUTHORIZATION_STATE, "authorizationState(address,bytes32)"),
            (
                TRANSFER_WITH_PARTS,
                "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
            ),
            (TRANSFER_WITH_BYTES, "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"),
            (NAME, "name()"),
            (VERSION, "version()"),
            (DOMAIN_SEPARATOR, "DOMAIN_SEPARATOR()"),
        ] {
            assert_eq!(keccak256(signature)[..4], selector, "{signature}");
        }
    }

    /// The hashes are of what viem encodes from the same arguments.
    #[test]
    fn transfers_are_encoded_as_viem_does() {
        let parts = transfer_with_parts(&authorization(), 27, B256::repeat_byte(7), B256::repeat_byte(8));
        assert_eq!(keccak256(parts), b256!("bc36acf8ee3529626fdcd82fc929eef4b66eda6ad5822eaeb7ab96f56bbfbc70"));
        let mut signature = vec![0xaa; 64];
        signature.push(0x1b);
        let bytes = transfer_with_bytes(&authorization(), &Bytes::from(signature));
        assert_eq!(keccak256(bytes), b256!("3d9e41ca62d5ed6a3c0af1614a079bddb039116a1485faaf1f92c013b28343e7"));
    }
}
